"""A batch's results as sections: what the workers told in JSON, and what their files show."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from caffe2keras.diagram.converted import chart_of_file
from caffe2keras.errors import InputError
from caffe2keras.graph.net import Note
from caffe2keras.page.facts import Section, facts_of, section_of_verification
from caffe2keras.record import read_record
from caffe2keras.verify.compare import Difference, Tolerance
from caffe2keras.verify.report import BlobResult, NotCompared, VerificationReport

if TYPE_CHECKING:
    from caffe2keras.batch.result import NetResult

__all__ = ["section_of_result"]

_NO_FLOOR = "a batch does not measure it: verify the net by itself, with --oracle and --html"


def section_of_result(result: NetResult) -> Section:
    """What there is to show of one net of a batch.

    Of several witnesses the first that disagrees is shown. A model that is not on this machine
    (a cluster may have written it anywhere) has its numbers shown without its graph.
    """
    if result.failure is not None:
        message = "\n".join(filter(None, (result.failure.text, result.printed)))
        return Section(result.name, "failed", result.explain(), (("message", message),))
    different = [proof for proof in result.verifications if not proof["ok"]]
    proof = next(iter((*different, *result.verifications)), None)
    section = _converted(result) if proof is None else _verified(result, proof)
    return replace(section, title=result.name, notes=_notes(result))


def _converted(result: NetResult) -> Section:
    verdict = f"converted: {result.explain()}"
    section = Section(result.name, "converted", verdict, (("model", result.model),))
    try:
        record = read_record(result.model)
    except InputError:  # it is elsewhere
        return section
    chart = chart_of_file(result.model, record)
    return replace(section, chart=chart, facts=(*section.facts, *facts_of(record)))


def _verified(result: NetResult, proof: Mapping[str, Any]) -> Section:
    report = _report(proof)
    try:
        section = section_of_verification(report)
    except InputError:  # it is elsewhere
        section = section_of_verification(report, with_file=False)
    return replace(section, without_floor=_NO_FLOOR)


def _notes(result: NetResult) -> tuple[Note, ...]:
    told = result.conversion["notes"] if result.conversion else ()
    notes = [Note(note["kind"], note["subject"], note["text"]) for note in told]
    for proof in result.verifications:
        notes += [Note("note", "verify", note) for note in proof["notes"]]
    return tuple(notes)


def _report(proof: Mapping[str, Any]) -> VerificationReport:
    """A verification as it was before it became JSON."""
    return VerificationReport(
        model=proof["model"],
        net=proof["net"],
        witness=proof["witness"],
        backend=proof["backend"],
        tolerance=Tolerance(**proof["tolerance"]),
        results=tuple(_blob(blob) for blob in proof["blobs"]),
        not_compared=tuple(NotCompared(**one) for one in proof["not_compared"]),
        missing_outputs=tuple(proof["missing_outputs"]),
        notes=tuple(proof["notes"]),
    )


def _blob(blob: Mapping[str, Any]) -> BlobResult:
    shape = tuple(blob["shape"])
    if "received_shape" in blob:
        return BlobResult(blob["layer"], blob["blob"], shape, None, tuple(blob["received_shape"]))
    # JSON has no infinities and no NaN; null stands for them
    difference = Difference(
        ok=blob["ok"],
        max_abs=math.inf if blob["max_abs"] is None else blob["max_abs"],
        max_rel=math.inf if blob["max_rel"] is None else blob["max_rel"],
        index=tuple(blob["index"]),
        received=math.nan if blob["received"] is None else blob["received"],
        expected=math.nan if blob["expected"] is None else blob["expected"],
    )
    return BlobResult(blob["layer"], blob["blob"], shape, difference, shape)

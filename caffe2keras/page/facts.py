"""What a page says of one net, gathered from the reports and from the file itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from caffe2keras.diagram.chart import Chart
from caffe2keras.diagram.converted import chart_of_file
from caffe2keras.graph.net import Note
from caffe2keras.record import Record, read_record

if TYPE_CHECKING:
    from caffe2keras.convert import ConversionReport
    from caffe2keras.errors import Caffe2KerasError
    from caffe2keras.verify.evidence import Histogram
    from caffe2keras.verify.report import BlobResult, VerificationReport

__all__ = [
    "Compared",
    "Section",
    "Status",
    "facts_of",
    "section_of_conversion",
    "section_of_error",
    "section_of_verification",
]

# "ok" and "different" are verify's words for a blob; "unchecked" is one that nobody compared.
Status = Literal["ok", "different", "converted", "failed"]

_NO_BLOBS = "a floor needs the net itself: verify with --oracle to have it"


@dataclass(frozen=True)
class Compared:
    """A blob that was compared.

    Attributes:
        result: what verify found.
        floor: the relative error of float32 alone, None where unknown.
        bound: the tolerated relative error, None for a blob without a scale.
    """

    result: BlobResult
    floor: float | None
    bound: float | None


@dataclass(frozen=True)
class Section:
    """One net on a page.

    Attributes:
        title: the net's name, or the file's.
        status: of the whole.
        verdict: one sentence.
        facts: what was done with what: (label, value), in the order of showing.
        chart: the net, None where there is none to show.
        compared: the blobs, in order of execution.
        without_floor: why there is no float32 noise floor, or "".
        not_compared: (blob, reason).
        notes: what was dropped, approximated or decided.
        histogram: of the worst blob.
    """

    title: str
    status: Status
    verdict: str
    facts: tuple[tuple[str, str], ...] = ()
    chart: Chart | None = None
    compared: tuple[Compared, ...] = ()
    without_floor: str = ""
    not_compared: tuple[tuple[str, str], ...] = ()
    notes: tuple[Note, ...] = ()
    histogram: Histogram | None = None


def section_of_verification(report: VerificationReport, with_file: bool = True) -> Section:
    """What there is to show of a verification; the more if it was asked for ``evidence``.

    Args:
        report: the verification.
        with_file: whether to read the model's file, which has the graph, the sources and the notes.

    Raises:
        InputError: the model's file is gone.
    """
    record = read_record(report.model) if with_file else None
    floors = report.evidence.floors if report.evidence else None
    skipped = [(one.blob, one.reason) for one in report.not_compared]
    skipped += [(name, "the reference has no numbers for it") for name in report.missing_outputs]
    return Section(
        title=report.net or report.model,
        status="ok" if report.ok else "different",
        verdict=report.verdict(),
        facts=(
            ("model", report.model),
            ("against", report.witness),
            ("computed by", report.backend),
            ("tolerance", str(report.tolerance)),
            *(facts_of(record) if record else ()),
        ),
        chart=chart_of_file(report.model, record) if record else None,
        compared=_compared(report, floors or {}),
        without_floor="" if floors is not None else _NO_BLOBS,
        not_compared=tuple(skipped),
        notes=(
            *(Note("note", "verify", note) for note in report.notes),
            *(record.notes if record else ()),
        ),
        histogram=report.evidence.histogram if report.evidence else None,
    )


def section_of_conversion(report: ConversionReport) -> Section:
    """What there is to show of a conversion.

    Raises:
        InputError: the file that was written is gone.
    """
    record = read_record(report.model)
    size = f"{report.layers:,} Keras layers, {report.parameters:,} parameters"
    batch = "free" if report.static_batch is None else f"{report.static_batch}, fixed by the net"
    return Section(
        title=report.net_name or str(report.output),
        status="converted",
        verdict=f"converted into {size}",
        facts=(("model", str(report.output)), ("batch size", batch), *facts_of(record)),
        chart=chart_of_file(report.model, record),
        notes=report.notes,
    )


def section_of_error(title: str, error: Caffe2KerasError) -> Section:
    """A net that could not be converted or verified."""
    return Section(title, "failed", error.what, facts=(("message", str(error)),))


def facts_of(record: Record) -> Sequence[tuple[str, str]]:
    """Where a file comes from: (label, value)."""
    sources = record.sources
    weights = sources.weights
    return (
        ("prototxt", f"{sources.prototxt.name}\nsha256 {sources.prototxt.sha256}"),
        ("weights", f"{weights.name}\nsha256 {weights.sha256}" if weights else "none: filled"),
        ("data format", record.data_format),
        ("converted by", f"caffe2keras {record.version}"),
    )


def _compared(report: VerificationReport, floors: Mapping[str, float]) -> tuple[Compared, ...]:
    return tuple(
        Compared(result, floors.get(result.blob), _bound(report, result))
        for result in report.results
    )


def _bound(report: VerificationReport, result: BlobResult) -> float | None:
    """The tolerance as a share of the blob's largest number, which the two errors tell."""
    found, tolerance = result.difference, report.tolerance
    if not tolerance.atol:
        return tolerance.rtol
    if found is None or not 0 < found.max_rel < float("inf"):
        return None
    return tolerance.rtol + tolerance.atol * found.max_rel / found.max_abs

"""What a verification found: per blob, in order of execution, as a table and as JSON."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from caffe2keras.errors import VerificationError
from caffe2keras.legible import printable
from caffe2keras.table import render_table
from caffe2keras.verify.compare import Difference, Tolerance
from caffe2keras.verify.evidence import Evidence

__all__ = ["BlobResult", "NotCompared", "VerificationReport"]


@dataclass(frozen=True)
class BlobResult:
    """One blob that was compared.

    Attributes:
        layer: the Caffe layer that produced it.
        blob: Caffe's name.
        shape: the reference's shape, Caffe's axis order.
        difference: what the comparison found; None where the shapes differ.
        received_shape: our shape.
    """

    layer: str
    blob: str
    shape: tuple[int, ...]
    difference: Difference | None
    received_shape: tuple[int, ...]

    @property
    def ok(self) -> bool:
        """Whether the blob is the reference's within the tolerance."""
        return self.difference is not None and self.difference.ok

    def explain(self) -> str:
        """What is wrong, or the largest difference where nothing is."""
        found = self.difference
        if found is not None and found.max_abs == 0.0:
            return "none, all numbers are equal"
        if found is None:
            return f"expected shape {self.shape}, received {self.received_shape}"
        return (
            f"max abs {found.max_abs:.3g}, max rel {found.max_rel:.3g} at {found.index}: "
            f"expected {found.expected:.9g}, received {found.received:.9g}"
        )


@dataclass(frozen=True)
class NotCompared:
    """A reference blob that was passed over, and why."""

    blob: str
    reason: str


@dataclass(frozen=True)
class VerificationReport:
    """The answer.

    Attributes:
        model: the converted file.
        net: Caffe's name of the net.
        witness: where the reference numbers come from.
        backend: the Keras backend that computed ours.
        tolerance: the rule that was applied.
        results: the blobs compared, in order of execution.
        not_compared: reference blobs that were passed over.
        missing_outputs: outputs of the net for which the reference has no numbers.
        notes: what the user should know beside that.
        evidence: what a page shows beside that; None unless it was asked for.
    """

    model: str
    net: str
    witness: str
    backend: str
    tolerance: Tolerance
    results: tuple[BlobResult, ...]
    not_compared: tuple[NotCompared, ...] = ()
    missing_outputs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    evidence: Evidence | None = None

    @property
    def ok(self) -> bool:
        """Whether something was compared, every output of the net too, and all of it agrees."""
        complete = bool(self.results) and not self.missing_outputs
        return complete and all(result.ok for result in self.results)

    @property
    def first_different(self) -> BlobResult | None:
        """The first blob in order of execution that differs."""
        return next((result for result in self.results if not result.ok), None)

    @property
    def worst(self) -> BlobResult | None:
        """The blob with the largest relative error; one of another shape before all."""
        return max(self.results, key=_severity, default=None)

    @property
    def exit_code(self) -> int:
        """What the command line ends with: 0, or 7."""
        return 0 if self.ok else VerificationError.exit_code

    def raise_if_different(self) -> None:
        """Raise :class:`VerificationError` unless :attr:`ok`."""
        if self.ok:
            return
        first = self.first_different
        raise VerificationError(
            what=self.verdict(),
            where=f'layer "{first.layer}", blob "{first.blob}"' if first else "",
            why=first.explain() if first else "",
            hint="" if first else "give reference numbers for the outputs of the net",
        )

    def verdict(self) -> str:
        """One sentence."""
        different = sum(not result.ok for result in self.results)
        if different and (first := self.first_different):
            return (
                f"{different} of {len(self.results)} blobs differ, "
                f'the first in layer "{first.layer}"'
            )
        if not self.results:
            return "nothing was compared"
        if self.missing_outputs:
            names = ", ".join(self.missing_outputs)
            return f"the reference has no numbers for the net's output {names}"
        count = len(self.results)
        return f"all {count} blobs agree" if count > 1 else "the one blob compared agrees"

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values; a number that is not finite becomes null."""
        first, worst = self.first_different, self.worst
        return {
            "ok": self.ok,
            "verdict": self.verdict(),
            "model": self.model,
            "net": self.net,
            "witness": self.witness,
            "backend": self.backend,
            "tolerance": {"rtol": self.tolerance.rtol, "atol": self.tolerance.atol},
            "first_different": first and {"layer": first.layer, "blob": first.blob},
            "worst": worst and _result_json(worst),
            "blobs": [_result_json(result) for result in self.results],
            "not_compared": [{"blob": n.blob, "reason": n.reason} for n in self.not_compared],
            "missing_outputs": list(self.missing_outputs),
            "notes": list(self.notes),
        }

    def render(self, width: int | None = None) -> str:
        """The table and the verdict, in lines of at most ``width`` characters where possible."""
        lines = [
            f"{self.model} against {self.witness}",
            f"computed by {self.backend}; tolerance {self.tolerance}",
            "",
        ]
        if self.results:
            lines += [_table(self.results, width), ""]
        lines += [f"not compared: {n.blob}: {n.reason}" for n in self.not_compared]
        lines += [f"not compared: output {name}: no reference" for name in self.missing_outputs]
        lines += [f"note: {note}" for note in self.notes]
        return printable("\n".join([*lines, *self._conclusion()]))

    def __str__(self) -> str:
        """The whole report as text."""
        return self.render()

    def _conclusion(self) -> list[str]:
        first, worst = self.first_different, self.worst
        lines = []
        if first is not None:
            lines.append(f'first difference: layer "{first.layer}", blob "{first.blob}"')
        if worst is not None:
            lines.append(f'worst error: blob "{worst.blob}": {worst.explain()}')
        return [*lines, f"{'OK' if self.ok else 'DIFFERENT'}: {self.verdict()}"]


def _severity(result: BlobResult) -> tuple[bool, float]:
    found = result.difference
    return found is None, 0.0 if found is None else found.max_rel


def _table(results: tuple[BlobResult, ...], width: int | None) -> str:
    header = ("layer", "blob", "shape", "max abs", "max rel", "at", "")
    return render_table(header, [_row(result) for result in results], right=(3, 4), width=width)


def _row(result: BlobResult) -> tuple[str, ...]:
    shape, verdict = "x".join(map(str, result.shape)), "ok" if result.ok else "DIFFERENT"
    found = result.difference
    if found is None:
        received = "x".join(map(str, result.received_shape))
        return result.layer, result.blob, shape, "-", "-", f"ours is {received}", verdict
    place = ",".join(map(str, found.index))
    errors = _short(found.max_abs), _short(found.max_rel)
    return result.layer, result.blob, shape, *errors, place, verdict


def _short(error: float) -> str:
    return f"{error:.2e}" if error else "0"


def _result_json(result: BlobResult) -> dict[str, Any]:
    found = result.difference
    item: dict[str, Any] = {
        "layer": result.layer,
        "blob": result.blob,
        "shape": list(result.shape),
        "ok": result.ok,
    }
    if found is None:
        return {**item, "received_shape": list(result.received_shape)}
    return {
        **item,
        "max_abs": _finite(found.max_abs),
        "max_rel": _finite(found.max_rel),
        "index": list(found.index),
        "expected": _finite(found.expected),
        "received": _finite(found.received),
    }


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None

"""What became of one net, and of all of them: plain data, so that it can be kept and shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from caffe2keras import __version__
from caffe2keras.batch.job import Job
from caffe2keras.errors import Caffe2KerasError, VerificationError, WorkerError

__all__ = ["BatchReport", "Failure", "NetResult", "Status", "blank"]

Status = Literal["converted", "verified", "different", "failed", "stopped"]


@dataclass(frozen=True)
class Failure:
    """Why a net was not converted, or not compared.

    Attributes:
        kind: the error's class.
        what: the fault in one clause.
        where: its address, or "".
        why: the reason, or "".
        hint: what to try, or "".
        text: the whole message.
        exit_code: what ``convert`` or ``verify`` alone would have ended with.
    """

    kind: str
    what: str
    where: str
    why: str
    hint: str
    text: str
    exit_code: int

    @classmethod
    def of(cls, error: Exception) -> Failure:
        """The same as data; of an error that is not ours, as the command line would tell it."""
        if isinstance(error, Caffe2KerasError):
            told = error.what, error.where, error.why, error.hint
            return cls(type(error).__name__, *told, str(error), error.exit_code)
        what = f"internal error, please report it: {type(error).__name__}: {error}"
        return cls(type(error).__name__, what, "", "", "", what, Caffe2KerasError.exit_code)


@dataclass(frozen=True)
class NetResult:
    """What became of one net.

    Attributes:
        name: the net's name in the batch.
        prototxt: its architecture's file.
        weights: its weights' file, or None.
        output: the file that was, or would have been, written.
        model: the file that ``load_model`` takes: the same, or one beside source code; "" where
            there is none.
        key: hash of everything that the result depends on; "" where files are missing.
        output_sha256: of what was written; "" where there is nothing.
        seconds: how long it took.
        conversion: as ``convert --json`` prints it; None where it failed.
        verifications: as ``verify --json`` prints them, one for each witness.
        failure: why it went no further, or None.
        printed: the last that the process printed, where it did not survive.
        resumed: whether it was done before, and found unchanged.
    """

    name: str
    prototxt: str
    weights: str | None
    output: str
    model: str = ""
    key: str = ""
    output_sha256: str = ""
    seconds: float = 0.0
    conversion: Mapping[str, Any] | None = None
    verifications: tuple[Mapping[str, Any], ...] = ()
    failure: Failure | None = None
    printed: str = ""
    resumed: bool = False

    @property
    def status(self) -> Status:
        """In one word."""
        if self.failure is not None:
            return "stopped" if self.failure.kind == WorkerError.__name__ else "failed"
        if not all(proof["ok"] for proof in self.verifications):
            return "different"
        return "verified" if self.verifications else "converted"

    @property
    def ok(self) -> bool:
        """Whether everything that was asked for is done."""
        return self.exit_code == 0

    @property
    def exit_code(self) -> int:
        """What ``convert`` or ``verify`` alone would have ended with."""
        if self.failure is not None:
            return self.failure.exit_code
        return VerificationError.exit_code if self.status == "different" else 0

    def explain(self) -> str:
        """One sentence; for a failure what failed, in one line."""
        if self.failure is not None:
            where = f" ({self.failure.where})" if self.failure.where else ""
            return f"{self.failure.what}{where}"
        different = next((proof for proof in self.verifications if not proof["ok"]), None)
        proof = different or next(iter(self.verifications), None)
        if proof is not None:
            return str(proof["verdict"])
        count = self.conversion["parameters"] if self.conversion else 0
        return f"{count:,} parameters"

    def to_json(self) -> dict[str, Any]:
        """The result as JSON values."""
        told = {"status": self.status, "ok": self.ok, "exit_code": self.exit_code}
        return {**told, **asdict(self)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> NetResult:
        """The result that :meth:`to_json` told; raises KeyError or TypeError for anything else."""
        parts = {name: value[name] for name in cls.__dataclass_fields__}
        failure = parts.pop("failure")
        proofs = tuple(parts.pop("verifications"))
        return cls(**parts, verifications=proofs, failure=failure and Failure(**failure))


def blank(job: Job) -> NetResult:
    """The result before anything is done."""
    failure = None if job.fault is None else Failure.of(job.fault)
    return NetResult(job.name, job.prototxt, job.weights, job.output, failure=failure)


@dataclass(frozen=True)
class BatchReport:
    """What became of all nets.

    Attributes:
        source: the folder or manifest.
        output: the folder written to.
        nets: one result for each, in the order in which they were found or listed.
        notes: what was passed over while looking for nets.
        seconds: how long the whole took.
        started: when it began, as ISO 8601 says it, in UTC.
    """

    source: str
    output: str
    nets: tuple[NetResult, ...]
    notes: tuple[str, ...]
    seconds: float
    started: str

    @property
    def ok(self) -> bool:
        """Whether every net did what was asked."""
        return self.exit_code == 0

    @property
    def exit_code(self) -> int:
        """0 if every net did what was asked, else the smallest exit code of those that did not.

        The codes count along the way that a net goes; the smallest is that of the net that came
        least far.
        """
        return min((net.exit_code for net in self.nets if not net.ok), default=0)

    def counts(self) -> dict[str, int]:
        """How many nets ended in each way."""
        return dict(Counter[str](net.status for net in self.nets))

    def verdict(self) -> str:
        """One sentence."""
        good = sum(net.ok for net in self.nets)
        resumed = sum(net.resumed for net in self.nets)
        parts = [f"{count} {status}" for status, count in sorted(self.counts().items())]
        parts += [f"{resumed} of them done before"] if resumed else []
        return f"{good} of {len(self.nets)} nets did what was asked: {', '.join(parts)}"

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values."""
        return {
            "caffe2keras": __version__,
            "ok": self.ok,
            "exit_code": self.exit_code,
            "verdict": self.verdict(),
            "source": self.source,
            "output": self.output,
            "started": self.started,
            "seconds": round(self.seconds, 3),
            "counts": self.counts(),
            "notes": list(self.notes),
            "nets": [net.to_json() for net in self.nets],
        }

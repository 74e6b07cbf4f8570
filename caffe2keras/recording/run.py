"""One recording: what is fed, who computes, what is written."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy.typing as npt

from caffe2keras import __version__
from caffe2keras.graph.net import Shape
from caffe2keras.preprocessing import Preprocessing
from caffe2keras.read.caffemodel import fingerprint
from caffe2keras.recording.store import write_blobs
from caffe2keras.recording.tellers import Task, Teller, compute

__all__ = ["RecordingReport", "record_blobs"]

StrPath = str | PathLike[str]

_NO_SHAPES: Mapping[str, Shape] = MappingProxyType({})


@dataclass(frozen=True)
class RecordingReport:
    """What was recorded.

    Attributes:
        output: the file written.
        by: who computed: pycaffe, opencv or oracle.
        version: of that.
        fed: what was fed, in words.
        inputs: how many blobs were fed.
        outputs: how many were recorded.
        notes: what the user should know.
        seconds: how long it took.
    """

    output: Path
    by: Teller
    version: str
    fed: str
    inputs: int
    outputs: int
    notes: tuple[str, ...]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values."""
        return {
            **vars(self),
            "output": str(self.output),
            "notes": list(self.notes),
            "seconds": round(self.seconds, 3),
        }


def record_blobs(
    prototxt: StrPath,
    weights: StrPath | None,
    output: StrPath,
    *,
    by: Teller | None = None,
    python: StrPath | None = None,
    inputs: Mapping[str, npt.ArrayLike] | StrPath | None = None,
    image: StrPath | None = None,
    preprocessing: Preprocessing | None = None,
    seed: int = 0,
    input_shapes: Mapping[str, Shape] = _NO_SHAPES,
    phase: Literal["TEST", "TRAIN"] = "TEST",
    stages: Sequence[str] = (),
    level: int = 0,
    progress: Callable[[str], None] = lambda step: None,
) -> RecordingReport:
    """Record what a Caffe net answers, for ``verify``.

    Args:
        prototxt: the net.
        weights: its numbers; None leaves them to the fillers, of which those that draw differ
            between Caffe and the conversion.
        output: the ``.npz`` to write. It appears whole or not at all.
        by: who computes; by default pycaffe where it is installed, else OpenCV where that is and
            knows the net, else the oracle.
        python: the interpreter that has pycaffe; by default this one.
        inputs: what to feed, by input blob, in Caffe's axis order, or a file of blobs.
        image: a picture to feed instead, prepared as the prototxt's ``transform_param`` says.
        preprocessing: goes before that.
        seed: of the random numbers for inputs that are not given.
        input_shapes: input blob -> shape in Caffe's axis order, instead of the declared one.
        phase: which layers there are, as for ``convert``.
        stages: likewise.
        level: likewise.
        progress: called with what is being done.

    Returns:
        What was done.

    Raises:
        InputError: a file cannot be read, or the one that is asked for cannot compute the net.
        GraphError: the net is not well formed.
        UnsupportedError: the oracle does not know a layer.
        EmitError: the output cannot be written.
    """
    started = time.monotonic()
    if inputs is not None and image is not None:
        raise ValueError("give either inputs or an image")
    task = Task(
        Path(prototxt),
        None if weights is None else Path(weights),
        inputs,
        image,
        preprocessing or Preprocessing(),
        seed,
        input_shapes,
        phase,
        tuple(stages),
        level,
    )
    hashes = {"prototxt": _source(task.prototxt), "weights": _source(task.weights)}
    recorded = compute(task, by, python, progress)
    progress("writing")
    target = Path(output)
    origin = {
        "by": recorded.by,
        "version": recorded.version,
        "inputs": recorded.fed,
        "seed": seed,
        "caffe2keras": __version__,
        "sources": hashes,
    }
    write_blobs(target, recorded.inputs, recorded.outputs, origin)
    return RecordingReport(
        output=target,
        by=recorded.by,
        version=recorded.version,
        fed=recorded.fed,
        inputs=len(recorded.inputs),
        outputs=len(recorded.outputs),
        notes=recorded.notes,
        seconds=time.monotonic() - started,
    )


def _source(path: Path | None) -> dict[str, str] | None:
    return None if path is None else {"name": path.name, "sha256": fingerprint(path)}

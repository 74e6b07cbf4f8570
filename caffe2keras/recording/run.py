"""One recording: what is fed, who computes, what is written."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from caffe2keras import __version__
from caffe2keras.convert import load_net
from caffe2keras.errors import Caffe2KerasError, InputError
from caffe2keras.graph.net import Net, Shape
from caffe2keras.preprocessing import Preprocessing
from caffe2keras.read import fingerprint
from caffe2keras.recording import opencv, pycaffe
from caffe2keras.recording.feeding import given_by_name, of_picture
from caffe2keras.recording.store import write_blobs
from caffe2keras.verify.feed import draw_arrays
from caffe2keras.verify.oracle import run

__all__ = ["RecordingReport", "Teller", "record_blobs"]

Array = npt.NDArray[Any]
StrPath = str | PathLike[str]
Teller = Literal["pycaffe", "opencv", "oracle"]

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


@dataclass(frozen=True)
class _Task:
    prototxt: Path
    weights: Path | None
    inputs: Mapping[str, npt.ArrayLike] | StrPath | None
    image: StrPath | None
    preprocessing: Preprocessing
    seed: int
    input_shapes: Mapping[str, Shape]
    phase: Literal["TEST", "TRAIN"]
    stages: tuple[str, ...]
    level: int

    def net(self) -> Net:
        """The net as we read it; steps that are written out stay so."""
        return load_net(
            self.prototxt,
            self.weights,
            phase=self.phase,
            stages=self.stages,
            level=self.level,
            input_shapes=self.input_shapes,
            recurrent="keep",
        )


@dataclass(frozen=True)
class _Recorded:
    by: Teller
    version: str
    inputs: Mapping[str, Array]
    outputs: Mapping[str, Array]
    fed: str
    notes: tuple[str, ...] = ()


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
    task = _Task(
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
    recorded = _compute(task, by, python, progress)
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


def _compute(
    task: _Task, by: Teller | None, python: StrPath | None, progress: Callable[[str], None]
) -> _Recorded:
    """By the one that is asked for, or the first of the three that can."""
    if by == "pycaffe" or (by is None and python is not None):
        return _by_pycaffe(task, python, progress)
    if by == "opencv":
        return _by_opencv(task, progress)
    if by == "oracle":
        return _by_oracle(task, progress)
    try:
        return _by_pycaffe(task, python, progress, required=False)
    except pycaffe.NoPycaffeError:
        pass
    if opencv.imported() is None:
        return _by_oracle(task, progress)
    try:
        return _by_opencv(task, progress)
    except InputError as error:
        recorded = _by_oracle(task, progress)
        note = f"the oracle has computed: {error.what}: {error.why}"
        return _Recorded(**{**vars(recorded), "notes": (note, *recorded.notes)})


def _by_pycaffe(
    task: _Task,
    python: StrPath | None,
    progress: Callable[[str], None],
    required: bool = True,
) -> _Recorded:
    progress("computing with pycaffe")
    try:
        with pycaffe.opened(
            task.prototxt,
            task.weights,
            python=python,
            phase=task.phase,
            level=task.level,
            stages=task.stages,
        ) as caffe:
            net = _net_if_known(task)
            shapes = {**caffe.inputs, **task.input_shapes}
            fed, said = _feed(task, net, shapes)
            return _Recorded("pycaffe", caffe.version, fed, caffe.forward(fed), said)
    except pycaffe.NoPycaffeError as error:
        if not required:
            raise
        raise InputError(
            what=f"pycaffe is not there: {error}",
            hint="--python says which interpreter has it; --with opencv or oracle does without",
        ) from error


def _net_if_known(task: _Task) -> Net | None:
    """The net as we read it; None for one of layers that Caffe knows better than we do."""
    try:
        return task.net()
    except Caffe2KerasError:
        if task.image is not None:
            raise
        return None


def _by_opencv(task: _Task, progress: Callable[[str], None]) -> _Recorded:
    cv2 = opencv.imported()
    if cv2 is None:
        raise InputError(
            what="OpenCV is not installed, or is too new to read Caffe's nets",
            hint='pip install "caffe2keras[opencv]"',
        )
    net = task.net()
    fed, said = _feed(task, net, _read_inputs(net))
    progress("computing with OpenCV")
    outputs = opencv.forward(cv2, task.prototxt, task.weights, net, fed)
    final = {top.name for layer in net.layers for top in layer.tops} - set(fed)
    missing = sorted(final - set(outputs))
    notes = (f"OpenCV does not give {', '.join(missing)}",) if missing else ()
    return _Recorded("opencv", str(cv2.__version__), fed, outputs, said, notes)


def _by_oracle(task: _Task, progress: Callable[[str], None]) -> _Recorded:
    net = task.net()
    fed, said = _feed(task, net, _read_inputs(net))
    progress("computing with the oracle")
    last = {top.name: top.key for layer in net.layers for top in layer.tops}
    blobs = run(net, fed, np.float64, keep=lambda blob: last.get(blob.name) == blob.key)
    outputs = {name: blobs[key] for name, key in last.items() if key in blobs and name not in fed}
    return _Recorded("oracle", __version__, fed, outputs, said)


def _read_inputs(net: Net) -> dict[str, Shape]:
    """The inputs that some layer reads."""
    read = {bottom.key for layer in net.layers for bottom in layer.bottoms}
    return {blob.name: blob.shape for blob in net.inputs if blob.key in read}


def _feed(
    task: _Task, net: Net | None, shapes: Mapping[str, Shape]
) -> tuple[dict[str, Array], str]:
    """What is fed, and that in words."""
    given: dict[str, Array] = {}
    said = []
    if task.image is not None and net is not None:
        given, prepared = of_picture(net, task.image, task.preprocessing, task.prototxt.parent)
        said.append(f"{Path(task.image).name}, {prepared}")
    elif task.inputs is not None:
        given = given_by_name(task.inputs, tuple(shapes))
        said.append("given inputs")
    if set(shapes) - set(given):
        said.append(f"random inputs, seed {task.seed}")
    return draw_arrays(net, shapes, given, task.seed), " and ".join(said)

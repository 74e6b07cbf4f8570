"""Who can compute a net: pycaffe, OpenCV's dnn, the oracle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from caffe2keras import __version__
from caffe2keras.convert import load_net
from caffe2keras.errors import Caffe2KerasError, InputError
from caffe2keras.graph.net import Net, Shape
from caffe2keras.preprocessing import Preprocessing
from caffe2keras.recording import opencv, pycaffe
from caffe2keras.recording.feeding import given_by_name, of_picture
from caffe2keras.verify.feed import draw_arrays
from caffe2keras.verify.oracle import run

__all__ = ["Recorded", "Task", "Teller", "compute"]

Array = npt.NDArray[Any]
StrPath = str | PathLike[str]
Teller = Literal["pycaffe", "opencv", "oracle"]
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Task:
    """What is to be computed, as ``record_blobs`` is told it."""

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
class Recorded:
    """What was fed and what came of it, and who says so."""

    by: Teller
    version: str
    inputs: Mapping[str, Array]
    outputs: Mapping[str, Array]
    fed: str
    notes: tuple[str, ...] = ()


def compute(task: Task, by: Teller | None, python: StrPath | None, progress: Progress) -> Recorded:
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
        return replace(recorded, notes=(note, *recorded.notes))


def _by_pycaffe(
    task: Task,
    python: StrPath | None,
    progress: Progress,
    required: bool = True,
) -> Recorded:
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
            _refuse_strangers(task.input_shapes, caffe.inputs)
            shapes = {**caffe.inputs, **task.input_shapes}
            fed, said = _feed(task, net, shapes)
            return Recorded("pycaffe", caffe.version, fed, caffe.forward(fed), said)
    except pycaffe.NoPycaffeError as error:
        if not required:
            raise
        raise InputError(
            what=f"pycaffe is not there: {error}",
            hint="--python says which interpreter has it; --with opencv or oracle does without",
        ) from error


def _refuse_strangers(shapes: Mapping[str, Shape], inputs: Mapping[str, Shape]) -> None:
    for name in shapes:
        if name not in inputs:
            hint = "its inputs are " + ", ".join(inputs)
            raise InputError(what=f'the net has no input "{name}"', hint=hint)


def _net_if_known(task: Task) -> Net | None:
    """The net as we read it; None for one of layers that Caffe knows better than we do."""
    try:
        return task.net()
    except Caffe2KerasError:
        if task.image is not None:
            raise
        return None


def _by_opencv(task: Task, progress: Progress) -> Recorded:
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
    return Recorded("opencv", str(cv2.__version__), fed, outputs, said, notes)


def _by_oracle(task: Task, progress: Progress) -> Recorded:
    net = task.net()
    fed, said = _feed(task, net, _read_inputs(net))
    progress("computing with the oracle")
    last = {top.name: top.key for layer in net.layers for top in layer.tops}
    blobs = run(net, fed, np.float64, keep=lambda blob: last.get(blob.name) == blob.key)
    outputs = {name: blobs[key] for name, key in last.items() if key in blobs and name not in fed}
    return Recorded("oracle", __version__, fed, outputs, said)


def _read_inputs(net: Net) -> dict[str, Shape]:
    """The inputs that some layer reads."""
    read = {bottom.key for layer in net.layers for bottom in layer.bottoms}
    return {blob.name: blob.shape for blob in net.inputs if blob.key in read}


def _feed(task: Task, net: Net | None, shapes: Mapping[str, Shape]) -> tuple[dict[str, Array], str]:
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

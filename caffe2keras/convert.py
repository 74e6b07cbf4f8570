"""The pipeline: files → net → Keras graph → file."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from caffe2keras import __version__
from caffe2keras.conversion import ConversionReport
from caffe2keras.emit.hdf5 import write_hdf5
from caffe2keras.emit.record import record_of
from caffe2keras.emit.storage import DType
from caffe2keras.emit.stream import Progress, silent
from caffe2keras.errors import InputError
from caffe2keras.garbage import collector_paused
from caffe2keras.graph.build import build_net
from caffe2keras.graph.net import Net, Shape
from caffe2keras.graph.phase import NetState, keep_measures
from caffe2keras.graph.weights import attach_weights
from caffe2keras.layer_map import map_net
from caffe2keras.layout import DataFormat
from caffe2keras.passes import run_passes
from caffe2keras.plugins.loading import load_installed
from caffe2keras.plugins.needs import plugins_of
from caffe2keras.preprocessing import Preprocessing, prepare
from caffe2keras.provenance import Sources
from caffe2keras.read.caffemodel import read_weights
from caffe2keras.read.prototxt import read_net
from caffe2keras.sources import (
    StrPath,
    default_output,
    refuse_to_overwrite,
    source_of,
    stamp_of,
    unchanged,
)
from caffe2keras.spec import KerasModel
from caffe2keras.upgrade import upgrade
from caffe2keras.words import word_of_its_module

if TYPE_CHECKING:
    import keras

__all__ = [
    "ConversionReport",
    "FileFormat",
    "Recurrent",
    "convert",
    "load_net",
    "to_keras",
]

FileFormat = Literal["h5", "keras", "py"]
Recurrent = Literal["roll", "keep"]

_NO_SHAPES: Mapping[str, Shape] = MappingProxyType({})
_NO_AXES: Mapping[str, int] = MappingProxyType({})


def load_net(
    prototxt: StrPath,
    weights: StrPath | None = None,
    *,
    phase: Literal["TEST", "TRAIN"] = "TEST",
    stages: Sequence[str] = (),
    level: int = 0,
    input_shapes: Mapping[str, Shape] = _NO_SHAPES,
    missing: Literal["refuse", "fill"] = "refuse",
    assume_full_sequences: bool = False,
    recurrent: Recurrent = "roll",
    stateful: bool = False,
    outputs: Sequence[str] = (),
    fold: bool = False,
) -> Net:
    """Read a net and bring it into the form that mappings and oracle work on.

    Args:
        prototxt: the architecture, text or binary, of any age.
        weights: a ``.caffemodel`` or ``.caffemodel.h5``; None fills the net as its fillers say.
        phase: which layers there are; TRAIN keeps the losses, too.
        stages: likewise.
        level: likewise.
        input_shapes: input blob -> shape in Caffe's axis order, instead of the declared one.
        missing: what to do about layers that the weights file does not have.
        assume_full_sequences: like the rest, as for :func:`convert`.
        recurrent: likewise.
        stateful: likewise.
        outputs: likewise.
        fold: likewise.

    Returns:
        The net, weights attached, all passes done.

    Raises:
        InputError: a file cannot be read, or the two do not fit each other.
        GraphError: the net is not well formed.
    """
    load_installed()
    state = NetState(phase=phase, level=level, stages=tuple(stages))
    message = upgrade(read_net(prototxt), str(prototxt))
    if phase == "TRAIN":
        message = keep_measures(message, state)
    net = build_net(
        message, source=str(prototxt), state=state, input_shapes=input_shapes, outputs=outputs
    )
    file = read_weights(weights) if weights is not None else None
    net = attach_weights(net, file, missing=missing)
    if fold and phase == "TRAIN":
        raise InputError(
            what="a net cannot be folded and trained",
            why="its BatchNorm layers would have no statistics left to gather",
            hint="leave out --fold or --phase TRAIN",
        )
    return run_passes(
        net,
        recurrent,
        training=phase == "TRAIN",
        assume_full_sequences=assume_full_sequences,
        stateful=stateful,
        fold=fold,
    )


@word_of_its_module
@collector_paused()
def convert(
    prototxt: StrPath,
    weights: StrPath | None = None,
    output: StrPath | None = None,
    *,
    data_format: DataFormat = "channels_last",
    phase: Literal["TEST", "TRAIN"] = "TEST",
    stages: Sequence[str] = (),
    level: int = 0,
    input_shapes: Mapping[str, Shape] = _NO_SHAPES,
    missing: Literal["refuse", "fill"] = "refuse",
    assume_full_sequences: bool = False,
    recurrent: Recurrent = "roll",
    stateful: bool = False,
    batch_axes: Mapping[str, int] = _NO_AXES,
    preprocessing: Preprocessing | None = None,
    outputs: Sequence[str] = (),
    fold: bool = False,
    dtype: DType = "float32",
    format: FileFormat = "h5",
    progress: Progress = silent,
) -> ConversionReport:
    """Convert a Caffe net into a Keras file that computes the same numbers.

    Args:
        prototxt: the architecture, text or binary, of any age.
        weights: a ``.caffemodel`` or ``.caffemodel.h5``; None fills the net as its fillers say.
        output: the file to write; by default the weights' (or else the prototxt's) name with the
            format's ending, in the current folder. It appears whole or not at all.
        data_format: the axis order of the Keras model's images.
        phase: which layers there are; TRAIN keeps the losses, too.
        stages: likewise.
        level: likewise.
        input_shapes: input blob -> shape in Caffe's axis order, instead of the declared one.
        missing: what to do about layers that the weights file does not have.
        assume_full_sequences: let the sequences of recurrent layers begin at the first step and
            nowhere else, so that no cont need be fed.
        recurrent: "roll" makes one layer of an LSTM that is written out step by step, where it
            is one for certain; "keep" converts it as it is written.
        stateful: let LSTM and RNN begin with the state that the prediction before ended with, as
            Caffe does where cont is 1 at the first step; the batch size is fixed then. By
            default each prediction begins with a state of zeros.
        batch_axes: input blob -> which of its axes is the batch. By default the second one where
            recurrent layers show that the first is time, else the first.
        preprocessing: bakes what is done to pictures into the model, so that it takes their
            values from 0 to 255; what this leaves out the prototxt says. By default a
            ``transform_param`` is only kept in the file, for ``predict``.
        outputs: the blobs that the model ends in; by default those that no layer reads.
        fold: puts BatchNorm, Scale and Bias into the weights of the convolution or InnerProduct
            before them.
        dtype: how the numbers are kept in the file, in "float16" and "bfloat16" by half as many
            bytes; the model computes in float32 all the same.
        format: "h5" needs no Keras; "keras" goes through it; "py" is Python source, with its
            weights in an .h5 file beside it.
        progress: called with how many bytes of the numbers are written, of how many.

    Returns:
        What was done.

    Raises:
        InputError: a file cannot be read, or the two do not fit each other.
        GraphError: the net is not well formed.
        UnsupportedError: something in it has no counterpart in Keras.
        EmitError: the output cannot be written.
    """
    started = time.monotonic()
    target = Path(output) if output is not None else default_output(prototxt, weights, format)
    model_file = _model_file(target, format)
    for written in {target, model_file}:
        refuse_to_overwrite(written, prototxt, weights)
    if dtype != "float32" and format != "h5":
        raise InputError(
            what=f"a {format} file keeps float32, not {dtype}",
            hint="write an .h5 file",
        )
    stamps = {path: stamp_of(path) for path in (prototxt, weights) if path is not None}
    with ThreadPoolExecutor(2) as pool:
        prototxt_hash = pool.submit(source_of, prototxt)
        weights_hash = pool.submit(source_of, weights) if weights is not None else None
        net = load_net(
            prototxt,
            weights,
            phase=phase,
            stages=stages,
            level=level,
            input_shapes=input_shapes,
            missing=missing,
            assume_full_sequences=assume_full_sequences,
            recurrent=recurrent,
            stateful=stateful,
            outputs=outputs,
            fold=fold,
        )
        model = map_net(net, data_format, batch_axes)
        model, steps = prepare(model, net, preprocessing, Path(prototxt).parent)
        write = _writer(format, dtype)
        write(
            model,
            lambda: record_of(
                model,
                net_name=net.name,
                data_format=data_format,
                sources=unchanged(
                    Sources(
                        prototxt_hash.result(), weights_hash.result() if weights_hash else None
                    ),
                    stamps,
                ),
                version=__version__,
                plugins=plugins_of(net, model),
                preprocessing=steps,
                dtype=dtype,
            ),
            target,
            progress,
        )
    return ConversionReport(
        output=target,
        model=model_file,
        net_name=net.name,
        layers=len(model.layers),
        parameters=_parameters(model),
        notes=model.notes,
        static_batch=model.static_batch,
        seconds=time.monotonic() - started,
    )


def _writer(format: FileFormat, dtype: DType) -> Callable[..., None]:
    """What writes this kind of file; the others are not imported, which takes 8 ms."""
    if format == "h5":
        return partial(write_hdf5, dtype=dtype)
    if format == "keras":
        from caffe2keras.emit.archive import write_archive

        return write_archive
    from caffe2keras.emit.source.write import write_source

    return write_source


def _model_file(target: Path, format: FileFormat) -> Path:
    """The file that holds the model: the target, or what a Python file has beside it."""
    if format != "py":
        return target
    from caffe2keras.emit.source.write import weights_beside

    return weights_beside(target)


def to_keras(prototxt: StrPath, weights: StrPath | None = None, **options: Any) -> keras.Model:
    """Convert a Caffe net into a live Keras model.

    Args:
        prototxt: as for :func:`convert`.
        weights: likewise.
        **options: any of its other arguments but ``output`` and ``format``.

    Raises:
        Caffe2KerasError: as for :func:`convert`.
    """
    from caffe2keras.load import load_model

    with tempfile.TemporaryDirectory() as folder:
        return load_model(convert(prototxt, weights, Path(folder) / "model.h5", **options).output)


def _parameters(model: KerasModel) -> int:
    return sum(
        variable.view.size
        for named in model.layers
        for variable in named.layer.variables
        if variable.weight is not None
    )

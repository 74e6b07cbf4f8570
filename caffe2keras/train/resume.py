"""Training that goes on where Caffe's stopped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from caffe2keras.errors import InputError, UnsupportedCombinationError
from caffe2keras.graph.build import build_net
from caffe2keras.graph.net import Layer, Net, Weight
from caffe2keras.graph.phase import NetState
from caffe2keras.layer_map import map_net
from caffe2keras.layout import DataFormat
from caffe2keras.passes import run_passes
from caffe2keras.plugins.loading import load_installed
from caffe2keras.read.prototxt import read_net
from caffe2keras.read.solver import read_solverstate
from caffe2keras.upgrade import upgrade

__all__ = ["restore_solverstate"]

StrPath = str | PathLike[str]
Array = npt.NDArray[np.float32]
Key = tuple[str, int]


def restore_solverstate(
    model: Any, state: StrPath, net: StrPath, *, data_format: DataFormat = "channels_last"
) -> int:
    """Let a compiled model go on from a snapshot of Caffe's solver.

    What the solver remembers of each array goes the way of the array itself, through the same
    mappings, so that it stands in the same axis order. What the model does not train stands still;
    Caffe moves what has lr_mult 0 on by the velocity that the snapshot remembers of it.

    Args:
        model: with the weights of the same snapshot, compiled by ``compile_from_solver``.
        state: a ``.solverstate`` or ``.solverstate.h5``.
        net: the net that was trained, a train_val.prototxt: its order is that of the snapshot.
        data_format: that of the model.

    Returns:
        The iteration that training goes on with.

    Raises:
        InputError: a file cannot be read, or they do not fit each other.
        UnsupportedCombinationError: the model's optimizer is none of Caffe's solvers.
    """
    optimizer = model.optimizer
    if not hasattr(optimizer, "memory"):
        raise UnsupportedCombinationError(
            what="the model's optimizer is none of Caffe's solvers",
            hint="compile it by caffe2keras.compile_from_solver first",
        )
    snapshot = read_solverstate(state)
    bare = _net_of(net)
    keys = _learned(bare)
    kinds = len(optimizer.memories)
    if len(snapshot.history) != kinds * len(keys):
        raise InputError(
            what=f"{Path(state).name} does not belong to this net and solver",
            where=str(state),
            why=f"expected {kinds} x {len(keys)} arrays, received {len(snapshot.history)}",
        )
    optimizer.build(model.trainable_variables)
    places = {id(one): index for index, one in enumerate(model.trainable_variables)}
    for kind, memory in enumerate(optimizer.memory):
        part = snapshot.history[kind * len(keys) : (kind + 1) * len(keys)]
        arrays = dict(zip(keys, part, strict=True))
        for variable, value in _in_keras(model, bare, arrays, str(state), data_format):
            if id(variable) in places:
                memory[places[id(variable)]].assign(value)
    optimizer.iterations_done(snapshot.iteration)
    return snapshot.iteration


def _net_of(path: StrPath) -> Net:
    load_installed()
    message = upgrade(read_net(path), str(path))
    state = NetState(phase="TRAIN", level=0, stages=())
    return build_net(message, source=str(path), state=state, input_shapes={})


def _learned(net: Net) -> list[Key]:
    """The net's arrays as ``Net::learnable_params`` has them: in order, shared ones once."""
    keys = ((weight.owner, weight.index) for layer in net.layers for weight in layer.weights)
    return list(dict.fromkeys(keys))


def _in_keras(
    model: Any, net: Net, arrays: Mapping[Key, Any], where: str, data_format: DataFormat
) -> Iterator[tuple[Any, Array]]:
    """Each variable of the model with its array, which the mappings have turned."""
    layers = tuple(_with_arrays(layer, arrays, where) for layer in net.layers)
    mapped = map_net(run_passes(replace(net, layers=layers)), data_format)
    live = {layer.name: layer for layer in model.layers}
    for named in mapped.layers:
        variables = (
            {one.name: one for one in live[named.name].weights} if named.name in live else {}
        )
        for variable in named.layer.variables:
            if variable.name in variables:
                value = np.ascontiguousarray(variable.view, np.float32).reshape(variable.shape)
                yield variables[variable.name], value


def _with_arrays(layer: Layer, arrays: Mapping[Key, Any], where: str) -> Layer:
    weights: Sequence[Weight] = layer.weights
    for weight in weights:
        held = arrays[weight.owner, weight.index]
        if held.size != np.prod(weight.shape, dtype=np.int64):
            raise InputError(
                what=f"the snapshot's array for {layer}, blob {weight.index} does not fit",
                where=where,
                why=f"expected shape {weight.shape}, received {held.shape}",
            )
    filled = (replace(w, data=arrays[w.owner, w.index].reshape(w.shape)) for w in weights)
    return replace(layer, weights=tuple(filled))

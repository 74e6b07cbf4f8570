"""Solver files: how a net was trained, and where its training stood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import numpy.typing as npt

from caffe2keras.errors import InputError, PrototxtError
from caffe2keras.read.content import Content, content_of, decoded, first_bytes, unreadable
from caffe2keras.read.hdf5 import children, opened
from caffe2keras.read.textformat import parse_text

if TYPE_CHECKING:
    from caffe2keras.proto.caffe_pb2 import SolverParameter

__all__ = ["SolverState", "read_solver", "read_solverstate"]

Array = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class SolverState:
    """A snapshot of a solver.

    Attributes:
        iteration: how many updates had been made.
        learned_net: the caffemodel of the same moment, as the file names it.
        history: what the solver remembers, an array for each of the net's, in the net's order;
            AdaDelta and Adam have all of one kind and then all of the other.
    """

    iteration: int
    learned_net: str
    history: Sequence[Array] = field(repr=False)


def read_solver(path: str | PathLike[str]) -> SolverParameter:
    """A solver, its type by name: Caffe's own upgrade of the old ``solver_type`` is done.

    Raises:
        PrototxtError: it is missing, no text, not well formed, or describes a net.
    """
    from caffe2keras.proto import caffe_pb2

    path = Path(path)
    content = content_of(first_bytes(path, PrototxtError))
    if content is not Content.TEXT:
        raise PrototxtError(
            what=f"this is no solver but {content.value}",
            where=str(path),
            hint=content.hint or "give the solver.prototxt",
        )
    try:
        text = decoded(path.read_bytes())
    except OSError as cause:
        raise unreadable(path, cause, PrototxtError) from cause
    solver = caffe_pb2.SolverParameter()
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    parse_text(text, solver, str(path))
    if solver.HasField("solver_type"):
        names = {"SGD": "SGD", "NESTEROV": "Nesterov", "ADAGRAD": "AdaGrad"}
        names |= {"RMSPROP": "RMSProp", "ADADELTA": "AdaDelta", "ADAM": "Adam"}
        old = caffe_pb2.SolverParameter.SolverType.Name(solver.solver_type)
        if solver.HasField("type") and solver.type != names[old]:
            raise PrototxtError(
                what=f'type "{solver.type}" and solver_type {old} contradict each other',
                where=str(path),
                hint="keep type",
            )
        solver.type = names[old]
        solver.ClearField("solver_type")
    return solver


def read_solverstate(path: str | PathLike[str]) -> SolverState:
    """A ``.solverstate`` or ``.solverstate.h5``, told apart by content.

    Raises:
        InputError: it is missing, damaged, or something else.
    """
    path = Path(path)
    content = content_of(first_bytes(path, InputError))
    if content is Content.HDF5:
        return _read_hdf5(path)
    if content is Content.BINARY:
        return _read_binary(path)
    raise InputError(
        what=f"this is no solverstate but {content.value}",
        where=str(path),
        hint=content.hint or "give the .solverstate that Caffe wrote beside the .caffemodel",
    )


def _read_binary(path: Path) -> SolverState:
    from google.protobuf.message import DecodeError

    from caffe2keras.proto import caffe_pb2

    state = caffe_pb2.SolverState()
    try:
        state.ParseFromString(path.read_bytes())
    except OSError as cause:
        raise unreadable(path, cause, InputError) from cause
    except DecodeError as cause:
        raise _damaged(path, str(cause)) from cause
    if not state.HasField("iter"):
        raise _damaged(path, "it tells no iteration")
    return SolverState(state.iter, state.learned_net, [_array(one, path) for one in state.history])


def _array(blob: Any, path: Path) -> Array:
    numbers = np.array(blob.data or blob.double_data, np.float32)
    shape = list(blob.shape.dim)
    if not blob.HasField("shape"):
        shape = [blob.num, blob.channels, blob.height, blob.width]
    if numbers.size != np.prod(shape, dtype=np.int64):
        raise _damaged(path, f"an array of shape {shape} has {numbers.size} numbers")
    return numbers.reshape(shape)


def _read_hdf5(path: Path) -> SolverState:
    with opened(path, InputError) as file:
        groups, datasets = children(file)
        if "history" not in groups or "iter" not in datasets:
            raise _damaged(path, 'it has no "iter" and "history"')
        _, arrays = children(groups["history"])
        history = [np.asarray(arrays[str(k)], np.float32) for k in range(len(arrays))]
        # Caffe writes the number as an array of one.
        iteration = int(np.ravel(datasets["iter"][()])[0])
        return SolverState(iteration, _text(datasets.get("learned_net")), history)


def _text(dataset: h5py.Dataset | None) -> str:
    value = b"" if dataset is None else dataset[()]
    return decoded(value) if isinstance(value, bytes) else str(value)


def _damaged(path: Path, why: str) -> InputError:
    return InputError(
        what="this solverstate cannot be read",
        where=str(path),
        why=why,
        hint="give the .solverstate that Caffe wrote, whole",
    )

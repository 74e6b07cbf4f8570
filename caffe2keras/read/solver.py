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

from caffe2keras.errors import CaffemodelError, InputError, PrototxtError
from caffe2keras.read.binary import blob_at
from caffe2keras.read.content import Content, content_of, decoded, first_bytes, whole
from caffe2keras.read.hdf5 import children, numbers_of, opened
from caffe2keras.read.mapping import mapped
from caffe2keras.read.textformat import parse_text
from caffe2keras.read.wire import BYTES, VARINT, fields

if TYPE_CHECKING:
    from caffe2keras.proto.caffe_pb2 import SolverParameter

__all__ = ["SolverState", "read_solver", "read_solverstate"]

Array = npt.NDArray[np.floating[Any]]

# SolverState's fields (caffe.proto).
_ITER, _LEARNED_NET, _HISTORY = 1, 2, 3
_LONGEST_NAME = 1 << 16


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
    text = decoded(whole(path, PrototxtError))
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
    iteration, net = None, ""
    history: list[Array] = []
    try:
        data = mapped(path)
        for item in fields(data, 0, len(data)):
            if (item.number, item.wire) == (_ITER, VARINT):
                iteration = item.value
            elif (item.number, item.wire) == (_LEARNED_NET, BYTES):
                net = decoded(data[item.start : item.end])
            elif (item.number, item.wire) == (_HISTORY, BYTES):
                address = f"{path}, array {len(history)}"
                history.append(blob_at(data, item.start, item.end, address).array())
    except CaffemodelError as cause:
        raise _damaged(path, f"{cause.what}: {cause.why}") from cause
    if iteration is None:
        raise _damaged(path, "it tells no iteration")
    return SolverState(iteration, net, history)


def _read_hdf5(path: Path) -> SolverState:
    with opened(path, InputError) as file:
        groups, datasets = children(file)
        if "history" not in groups or "iter" not in datasets:
            raise _damaged(path, 'it has no "iter" and "history"')
        _, arrays = children(groups["history"])
        with np.errstate(over="ignore", invalid="ignore"):  # a double too large is an infinity
            history = [numbers_of(arrays[str(k)]).astype(np.float32) for k in range(len(arrays))]
        # Caffe writes the number as an array of one.
        iteration = int(np.ravel(numbers_of(datasets["iter"]))[0])
        return SolverState(iteration, _text(datasets.get("learned_net")), history)


def _text(dataset: h5py.Dataset | None) -> str:
    if dataset is None:
        return ""
    # Caffe writes a string of fixed length; for others the library follows pointers in the file.
    kind = dataset.dtype
    if dataset.shape != () or kind.kind != "S" or kind.itemsize > _LONGEST_NAME:
        raise ValueError(f"{dataset.name}: it is no name of a file")
    return decoded(dataset[()])


def _damaged(path: Path, why: str) -> InputError:
    return InputError(
        what="this solverstate cannot be read",
        where=str(path),
        why=why,
        hint="give the .solverstate that Caffe wrote, whole",
    )

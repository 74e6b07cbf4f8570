"""Nets in a folder: each weights file, and the prototxt beside it that its layers come from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from caffe2keras.errors import Caffe2KerasError, InputError
from caffe2keras.read.caffemodel import read_weights
from caffe2keras.read.prototxt import read_net
from caffe2keras.read.solver import read_solver
from caffe2keras.upgrade import upgrade

__all__ = ["PROTOTXT", "WEIGHTS", "Found", "find_nets"]

PROTOTXT = (".prototxt", ".pbtxt")
WEIGHTS = (".caffemodel", ".caffemodel.h5")

# Layers of a training net; a net without them is meant to be deployed.
_TRAINING = ("Data", "Loss", "Accuracy")


@dataclass(frozen=True)
class Found:
    """What was found for one weights file.

    Attributes:
        name: path below the folder, without the ending.
        weights: the file.
        prototxt: the file beside it; where none can be chosen, the weights' own path.
        fault: why none can be chosen, or None.
    """

    name: str
    weights: Path
    prototxt: Path
    fault: Caffe2KerasError | None = None


@dataclass(frozen=True)
class _Architecture:
    """A prototxt that holds a net."""

    path: Path
    layers: frozenset[str]
    trains: bool


@dataclass
class _Folder:
    """One folder's files."""

    prototxts: list[Path] = field(default_factory=list)
    weights: list[Path] = field(default_factory=list)


def find_nets(root: Path, leave_out: Path) -> tuple[list[Found], list[str]]:
    """Search a folder, and those below it, for pairs of files.

    Args:
        root: where to begin.
        leave_out: a folder to stay out of, since results are written there.

    Returns:
        A net for each weights file, in order of their paths, and notes about prototxts that
        have no weights beside them.

    Raises:
        InputError: there is no weights file at all.
    """
    found: list[Found] = []
    notes: list[str] = []
    for folder in _folders(root, leave_out):
        nets = []
        for path in folder.prototxts:
            try:
                nets += _architecture(path)
            except Caffe2KerasError as error:
                notes.append(f"passed over: {path}: {error.what}")
        if folder.weights:
            found += _pairs(folder, nets, root)
        else:
            notes += [f"passed over: {net.path}: no weights beside it" for net in nets]
    if not found:
        raise InputError(
            what="there is no net in this folder",
            where=str(root),
            why="no .caffemodel or .caffemodel.h5 lies in it or below it",
            hint="list nets that have no weights in a manifest",
        )
    return found, notes


def _folders(root: Path, leave_out: Path) -> Iterator[_Folder]:
    for place, below, files in os.walk(root):
        below[:] = sorted(
            name
            for name in below
            if not name.startswith(".") and Path(place, name).resolve() != leave_out.resolve()
        )
        folder = _Folder()
        for file in sorted(files):
            if not file.startswith("."):
                folder.prototxts += [Path(place, file)] if file.endswith(PROTOTXT) else []
                folder.weights += [Path(place, file)] if file.endswith(WEIGHTS) else []
        yield folder


def _pairs(folder: _Folder, nets: list[_Architecture], root: Path) -> Iterator[Found]:
    for weights, name in zip(folder.weights, _names(folder.weights, root), strict=True):
        try:
            prototxt = _partner(weights, nets, folder)
        except InputError as fault:
            yield Found(name, weights, weights, fault)
        else:
            yield Found(name, weights, prototxt)


def _partner(weights: Path, nets: list[_Architecture], folder: _Folder) -> Path:
    """The prototxt that a weights file belongs to.

    Raises:
        InputError: there is none, or several are equally likely.
    """
    if not folder.prototxts:
        raise InputError(
            what="there is no prototxt beside this file",
            where=str(weights),
            hint="put it there, or name it in a manifest",
        )
    if len(folder.prototxts) == 1:
        return folder.prototxts[0]  # whether the two fit each other, convert says best
    learned = _learned_layers(weights)
    fitting = [net for net in nets if net.layers & learned]
    if not fitting:
        raise _no_partner(weights, folder)
    most = max(len(net.layers & learned) for net in fitting)
    fitting = [net for net in fitting if len(net.layers & learned) == most]
    for better in (_deployed, lambda few: _called_alike(few, weights), _called_deploy):
        fitting = better(fitting) or fitting
    if len(fitting) > 1:
        raise _ambiguous(weights, fitting)
    return fitting[0].path


def _deployed(nets: list[_Architecture]) -> list[_Architecture]:
    return [net for net in nets if not net.trains]


def _called_alike(nets: list[_Architecture], weights: Path) -> list[_Architecture]:
    own = _stem(weights)
    return [net for net in nets if _stem(net.path) == own]


def _called_deploy(nets: list[_Architecture]) -> list[_Architecture]:
    return [net for net in nets if "deploy" in net.path.name.lower()]


def _architecture(path: Path) -> list[_Architecture]:
    """A prototxt's layers; none where it is a solver.

    Raises:
        Caffe2KerasError: it holds neither.
    """
    try:
        net = upgrade(read_net(path), str(path))
    except InputError:
        read_solver(path)
        return []
    names = frozenset(layer.name for layer in net.layer)
    trains = any(layer.type.endswith(_TRAINING) for layer in net.layer)
    return [_Architecture(path, names, trains)]


def _learned_layers(weights: Path) -> frozenset[str]:
    return frozenset(layer.name for layer in read_weights(weights).layers if layer.blobs)


def _stem(path: Path) -> str:
    for ending in (*PROTOTXT, *reversed(WEIGHTS)):
        if path.name.endswith(ending):
            return path.name.removesuffix(ending)
    return path.name


def _names(weights: list[Path], root: Path) -> Iterator[str]:
    """A name for each; the same weights in Caffe's two formats are two nets."""
    taken: set[str] = set()
    for path in weights:
        name = path.with_name(_stem(path)).relative_to(root).as_posix()
        name = f"{name}-hdf5" if name in taken else name
        taken.add(name)
        yield name


def _no_partner(weights: Path, folder: _Folder) -> InputError:
    names = ", ".join(path.name for path in folder.prototxts)
    return InputError(
        what="no prototxt beside this file has one of its layers",
        where=str(weights),
        why=f"beside it are {names}",
        hint="put the right one there, or name it in a manifest",
    )


def _ambiguous(weights: Path, nets: list[_Architecture]) -> InputError:
    names = " and ".join(net.path.name for net in nets)
    return InputError(
        what=f"{len(nets)} prototxts fit this file equally well: {names}",
        where=str(weights),
        why="they have the same layers with weights",
        hint="say in a manifest which is meant, or call one like the weights",
    )

"""The numbers come to the net: by layer name, as Caffe copies them (net.cpp)."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from caffe2keras.errors import Caffe2KerasError, InputError, WeightsMismatchError
from caffe2keras.graph.fillers import Filling, filling_of
from caffe2keras.graph.net import Layer, Net, Note, Shape, Weight
from caffe2keras.graph.wiring import did_you_mean

if TYPE_CHECKING:
    from caffe2keras.read.weights import BlobData, LayerBlobs, WeightsFile

__all__ = ["attach_weights"]

Key = tuple[str, int]
Array = npt.NDArray[np.float32]

# So many missing layers get a suggestion each.
_SUGGESTED = 10


@dataclass
class _Ledger:
    """What has been found while the file and the net are compared."""

    stored: dict[Key, BlobData] = field(default_factory=dict)
    mismatches: list[str] = field(default_factory=list)
    disputed: set[str] = field(default_factory=set)
    left_over: list[str] = field(default_factory=list)
    fillings: dict[Key, Filling] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)

    def dispute(self, layer: Layer, line: str) -> None:
        """Write a mismatch down."""
        self.mismatches.append(line)
        self.disputed.add(layer.name)

    def near(self, name: str) -> str:
        """A hint with what the file may call a missing layer, or "".

        Where nothing fits, this is another net's file and no name in it is meant; looking for the
        nearest among thousands would take long, too.
        """
        few = len(self.mismatches) + len(self.notes) < _SUGGESTED
        return did_you_mean(name, self.left_over) if few else ""


def attach_weights(
    net: Net, weights: WeightsFile | None, *, missing: Literal["refuse", "fill"] = "refuse"
) -> Net:
    """The same net with its numbers.

    A layer takes its arrays from the layer of the same name in the file; where the file has one
    name twice, or layers share an array, the last one in the file wins.

    Args:
        net: as :func:`caffe2keras.graph.build.build_net` gives it, or after the passes.
        weights: the opened file, or None: then every array is filled as Caffe would.
        missing: what to do about a layer that the file does not have and whose filler draws
            random numbers. One that is filled with constants, stated or not, is filled as in
            Caffe either way, with a note; unless the file has nothing at all of this net.

    Returns:
        The net; notes tell what was filled and what the file has in excess.

    Raises:
        WeightsMismatchError: prototxt and file disagree; it names every place.
    """
    layers = tuple(_with_absorbed(net.layers))
    ledger = _Ledger()
    if weights is not None:
        _compare(weights.layers, layers, ledger)
    _plan_fillings(layers, weights, missing, ledger)
    if ledger.mismatches and weights is not None:
        raise _mismatch(ledger, str(weights.path))
    _refuse_beyond_memory(layers, ledger)
    _tell_left_over(ledger)
    arrays = {key: blob.array() for key, blob in ledger.stored.items()}
    _tell_not_finite(arrays, ledger)
    for layer in layers:
        _fill(layer, arrays, ledger)
    attached = tuple(_attached(layer, arrays, ledger.fillings) for layer in net.layers)
    return replace(net, layers=attached, notes=(*net.notes, *ledger.notes))


def _with_absorbed(layers: Iterable[Layer]) -> Iterator[Layer]:
    for layer in layers:
        yield layer
        yield from layer.absorbed


def _key(weight: Weight) -> Key:
    return weight.owner, weight.index


def _compare(stored: Sequence[LayerBlobs], layers: Sequence[Layer], ledger: _Ledger) -> None:
    # Two layers may have one name as long as only one of them learns (graph/inference.py).
    targets = {layer.name: layer for layer in layers}
    targets.update((layer.name, layer) for layer in layers if layer.weights)
    for source in stored:
        target = targets.get(source.name)
        if not source.blobs:
            continue
        if target is None or _is_unknown(target):
            ledger.left_over.append(source.name)
        else:
            _compare_layer(source, target, ledger)


def _is_unknown(layer: Layer) -> bool:
    return any(top.dims is None for top in layer.tops)


def _compare_layer(source: LayerBlobs, target: Layer, ledger: _Ledger) -> None:
    expected, received = len(target.weights), len(source.blobs)
    own = sum(_owns(target, weight) for weight in target.weights)
    if not (own <= received <= expected):
        shapes = _listed([blob.shape if blob else () for blob in source.blobs])
        line = f"{target}: expected {_arrays(target.weights)}, received {received}: {shapes}"
        ledger.dispute(target, line)
        return
    for place, (weight, blob) in enumerate(zip(target.weights, source.blobs, strict=False)):
        problem = _problem(target, weight, blob)
        if problem:
            ledger.dispute(target, f"{target}, blob {place}: {problem}")
        elif blob is not None:
            ledger.stored[_key(weight)] = blob


# How shapes of the time before ``shape`` are to be read; five axes are C3D's.
_LEGACY_AXES = {
    4: " (num, channels, height, width)",
    5: " (num, channels, length, height, width)",
}


def _owns(layer: Layer, weight: Weight) -> bool:
    return weight.owner == layer.name


def _problem(layer: Layer, weight: Weight, blob: BlobData | None) -> str:
    if blob is None:
        # HDF5 stores a shared array at its owner only (net.cpp: ToHDF5).
        return "" if not _owns(layer, weight) else "it is not in the file"
    if not _same_shape(weight.shape, blob) and not _is_a_bn_s(layer, weight.shape, blob):
        kind = _LEGACY_AXES.get(len(blob.shape), "") if blob.legacy else ""
        return f"expected shape {weight.shape}, received {blob.shape}{kind}"
    return blob.problem


def _same_shape(shape: Shape, blob: BlobData) -> bool:
    """Whether a stored shape is this one (blob.cpp: ShapeEquals)."""
    if not blob.legacy:
        return shape == blob.shape
    lacking = len(blob.shape) - len(shape)
    return lacking >= 0 and (1,) * lacking + shape == blob.shape


def _is_a_bn_s(layer: Layer, shape: Shape, blob: BlobData) -> bool:
    """Whether it is one number a channel, (1, C) as yjxiong's BN has it, or (1, C, 1, 1)."""
    return layer.type == "BN" and (*blob.shape, 1, 1)[: len(shape)] == shape


def _plan_fillings(
    layers: Sequence[Layer], weights: WeightsFile | None, missing: str, ledger: _Ledger
) -> None:
    """Decide for each array that is not stored whether and how it is filled."""
    filled = 0
    refuse = weights is not None and missing == "refuse"
    for layer in layers:
        absent = [
            place
            for place, weight in enumerate(layer.weights)
            if _owns(layer, weight) and _key(weight) not in ledger.stored
        ]
        if not absent or layer.name in ledger.disputed:
            continue
        fillings = {place: filling_of(layer, place) for place in absent}
        if refuse and (not ledger.stored or any(f.is_random for f in fillings.values())):
            ledger.dispute(layer, _not_there(layer, ledger))
            continue
        ledger.fillings.update((_key(layer.weights[i]), filling) for i, filling in fillings.items())
        filled += len(fillings)
        if weights is not None:
            ledger.notes.append(_filled(layer, fillings, ledger))
    if weights is None and filled:
        ledger.notes.append(_all_filled(layers, filled))


def _refuse_beyond_memory(layers: Sequence[Layer], ledger: _Ledger) -> None:
    """Stored arrays stay in their file, but those that are filled are in memory together."""
    sizes = {_key(w): math.prod(w.shape) for layer in layers for w in layer.weights}
    needed = sum(sizes[key] for key in ledger.fillings) * np.dtype(np.float32).itemsize
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > there:
        raise InputError(
            what=f"the arrays that are to be filled take {needed / 1e9:,.0f} GB",
            why=f"this machine has {there / 1e9:,.0f} GB of memory",
            hint="give the weights file, whose arrays need none",
        )


def _is_determined(layer: Layer, fillings: Mapping[int, Filling]) -> bool:
    """Whether the prototxt itself says which numbers are meant.

    An interpolating Deconvolution often is not stored, nor is a Scale or Bias that stands for
    nothing. A constant that nobody wrote down is no such case: it is where training starts.
    """
    if any(filling.is_random for filling in fillings.values()):
        return False
    return layer.type in ("Scale", "Bias") or (0 in fillings and fillings[0].explicit)


def _not_there(layer: Layer, ledger: _Ledger) -> str:
    near = ledger.near(layer.name)
    line = f"{layer}: expected {_arrays(layer.weights)}, but the file does not have it"
    return f"{line}; {near}" if near else line


def _filled(layer: Layer, fillings: Mapping[int, Filling], ledger: _Ledger) -> Note:
    how = "; ".join(f"array {place} with {filling.text}" for place, filling in fillings.items())
    text = f"the weights file does not have this {layer.type}; filled as Caffe does: {how}"
    if _is_determined(layer, fillings):
        return Note("filled", layer.name, text)
    near = ledger.near(layer.name)
    return Note("warning", layer.name, f"{text}; {near}" if near else text)


def _all_filled(layers: Sequence[Layer], count: int) -> Note:
    text = f"{count} arrays are filled as the prototxt says, since there is no weights file"
    if any(layer.type == "BatchNorm" for layer in layers):
        text += "; each BatchNorm starts as the identity (mean 0, variance 1)"
    return Note("filled", "weights", text)


def _mismatch(ledger: _Ledger, path: str) -> WeightsMismatchError:
    count = len(ledger.mismatches)
    return WeightsMismatchError(
        what=f"prototxt and weights disagree in {count} place{'s' if count > 1 else ''}",
        where=path,
        mismatches=tuple(ledger.mismatches),
        hint="use the prototxt that these weights were trained with; "
        "layers meant to be new can be filled instead",
    )


def _tell_left_over(ledger: _Ledger) -> None:
    names = list(dict.fromkeys(ledger.left_over))
    if names:
        shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        text = f"{len(names)} layers have numbers that this net does not ask for: {shown}"
        ledger.notes.append(Note("left over", "weights file", text))


def _tell_not_finite(arrays: Mapping[Key, Array], ledger: _Ledger) -> None:
    for (owner, index), array in arrays.items():
        if not _is_finite(array):
            text = f"its stored blob {index} holds NaN or infinity"
            ledger.notes.append(Note("suspicious", owner, text))


def _is_finite(array: Array) -> bool:
    """Whether there is neither NaN nor infinity, without an answer for each number in memory.

    Either one makes the sum what it is. So can numbers that are finite but huge, and only then a
    closer look is worth it.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(array.sum()) or np.isfinite(array).all())


def _fill(layer: Layer, arrays: dict[Key, Array], ledger: _Ledger) -> None:
    for weight in layer.weights:
        key = _key(weight)
        if key in ledger.fillings and key not in arrays and _owns(layer, weight):
            try:
                arrays[key] = ledger.fillings[key].fill(weight)
            except Caffe2KerasError as error:
                raise error.located(f"{layer.where}, {layer}") from None


def _attached(layer: Layer, arrays: Mapping[Key, Array], fillings: Mapping[Key, Filling]) -> Layer:
    weights = tuple(
        replace(
            weight,
            # A view: sharers may see the same numbers in another shape.
            data=arrays[_key(weight)].reshape(weight.shape),
            filled=fillings[_key(weight)].text if _key(weight) in fillings else "",
        )
        for weight in layer.weights
    )
    absorbed = tuple(_attached(one, arrays, fillings) for one in layer.absorbed)
    return replace(layer, weights=weights, absorbed=absorbed)


def _arrays(weights: Sequence[Weight]) -> str:
    if not weights:
        return "no arrays"
    shapes = _listed([weight.shape for weight in weights])
    return f"{len(weights)} array{'s' if len(weights) > 1 else ''}: {shapes}"


def _listed(shapes: Sequence[Shape]) -> str:
    return ", ".join(str(shape) for shape in shapes)

"""The forward pass: layer by layer, each blob freed once nobody needs it any more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import overload

import numpy as np
import numpy.typing as npt

from caffe2keras.errors import (
    InputError,
    ShapeError,
    UnsupportedFieldError,
    UnsupportedLayersError,
)
from caffe2keras.graph.net import Blob, Layer, Net, Weight
from caffe2keras.verify.oracle.registry import (
    Array,
    comes_from_a_plugin,
    function_of,
    known_types,
)

__all__ = ["run"]

Key = tuple[str, int]

# How a plugin's layer is filled before it learns: no forward pass with given weights heeds it.
_STARTS_TRAINING = frozenset({"weight_filler", "bias_filler", "filler"})


class _Weights(Sequence[Array]):
    """A layer's weights, each brought to the run's dtype only when it is asked for.

    A net's weights in double precision, all at once, would be twice the caffemodel in memory.
    """

    def __init__(self, weights: tuple[Weight, ...], dtype: npt.DTypeLike) -> None:
        self._weights = weights
        self._dtype = dtype

    def __len__(self) -> int:
        return len(self._weights)

    @overload
    def __getitem__(self, index: int) -> Array: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Array]: ...
    def __getitem__(self, index: int | slice) -> Array | Sequence[Array]:
        if isinstance(index, slice):
            return _Weights(self._weights[index], self._dtype)
        if not -len(self) <= index < len(self):
            raise IndexError(f"weight {index} is missing; the layer has {len(self)}")
        # In the mapped file an array may begin anywhere, and a product with one that is not aligned
        # does without BLAS: for AlexNet's fully connected layers that takes 20 times as long.
        return np.require(self._weights[index].array, self._dtype, "A")


def run(
    net: Net,
    inputs: Mapping[str, npt.ArrayLike],
    dtype: npt.DTypeLike = np.float32,
    keep: Callable[[Blob], bool] | None = None,
    watch: Callable[[Blob, Array], None] | None = None,
) -> dict[Key, Array]:
    """Compute a net's blobs as Caffe does in the TEST phase.

    Sizes come from the arrays, not from the prototxt: batch, height and width may differ.

    Args:
        net: with its weights attached.
        inputs: an array in Caffe's axis order for each input blob that is read, by name.
        dtype: float32 or float64, throughout.
        keep: which blobs to hand back; all of them if not given. The others are freed once no
            later layer reads them.
        watch: called with each blob as soon as it is computed, those too that are not kept.

    Returns:
        The kept blobs by (name, version), in order of production.

    Raises:
        InputError: an input is missing, has another rank, or belongs to no input blob.
        ShapeError: a layer cannot take its inputs.
        UnsupportedLayersError: the oracle does not know a type.
        UnsupportedFieldError: nobody knows a field.
    """
    _refuse_unknown_types(net)
    _refuse_unknown_fields(net)
    fed = _fed(net, inputs, dtype)
    waiting = Counter(blob.key for layer in net.layers for blob in layer.bottoms)
    blobs: dict[Key, Array] = {}
    for layer in net.layers:
        if layer.type == "Input":
            blobs.update({top.key: fed[top.name] for top in layer.tops if top.name in fed})
        else:
            tops = _tops(layer, [blobs[bottom.key] for bottom in layer.bottoms], dtype)
            blobs.update(zip((top.key for top in layer.tops), tops, strict=True))
        if watch is not None:
            for top in (top for top in layer.tops if top.key in blobs):
                watch(top, blobs[top.key])
        waiting.subtract(bottom.key for bottom in layer.bottoms)
        for blob in (*layer.bottoms, *layer.tops):
            if keep is not None and waiting[blob.key] == 0 and not keep(blob):
                blobs.pop(blob.key, None)
    return blobs


def _refuse_unknown_types(net: Net) -> None:
    known = known_types()
    counts = Counter(layer.type for layer in net.layers if layer.type not in known)
    if counts:
        raise UnsupportedLayersError(
            what=f"the oracle does not know {', '.join(sorted(counts))}",
            why="it computes only layers whose mathematics it has",
            hint="verify with stored blobs, or bring an oracle function in a plugin",
            refusals=tuple(f"{kind}: {counts[kind]} layer(s)" for kind in sorted(counts)),
        )


def _refuse_unknown_fields(net: Net) -> None:
    """The reader keeps what no schema knows; here it must not be passed over."""
    for layer in net.layers:
        if not comes_from_a_plugin(layer.type):  # its function may read them: asked when it has run
            _refuse_unread(layer)


def _refuse_unread(layer: Layer) -> None:
    for field in layer.params.unread_foreign():
        if not _STARTS_TRAINING.isdisjoint(field.path.split(".")):
            continue
        raise UnsupportedFieldError(
            what=f"{layer}: {field.path} = {field.value}",
            where=layer.where,
            why="no Caffe that is known here has this, so neither is known what it computes",
            hint=f"did you mean {field.suggestion}?" if field.suggestion else "",
        )


def _fed(net: Net, inputs: Mapping[str, npt.ArrayLike], dtype: npt.DTypeLike) -> dict[str, Array]:
    wanted = {blob.name: blob for blob in net.inputs}
    read = {bottom.name for layer in net.layers for bottom in layer.bottoms}
    missing = [name for name in wanted if name in read and name not in inputs]
    stray = [name for name in inputs if name not in wanted]
    if missing or stray:
        name = (missing or stray)[0]
        raise InputError(
            what=f'input "{name}" is {"missing" if missing else "no input of this net"}',
            where=net.name,
            why=f"expected {', '.join(wanted) or 'none'}; received {', '.join(inputs) or 'none'}",
        )
    return {name: _input(wanted[name], value, dtype) for name, value in inputs.items()}


def _input(blob: Blob, value: npt.ArrayLike, dtype: npt.DTypeLike) -> Array:
    array = np.asarray(value, dtype)
    if blob.dims is not None and array.ndim != len(blob.dims):
        raise InputError(
            what=f'input "{blob.name}" has another number of axes',
            why=f"expected {len(blob.dims)} axes, as in {blob.dims}; received {array.shape}",
        )
    return array


def _tops(layer: Layer, bottoms: Sequence[Array], dtype: npt.DTypeLike) -> tuple[Array, ...]:
    """What a layer produces, and what those that it has absorbed make of that."""
    tops = tuple(bottoms)
    for part in (layer, *layer.absorbed):
        part = replace(part, params=part.params.fresh())
        tops = _part(part, tops, dtype)
        _refuse_unread(part)
        if len(tops) != len(part.tops):
            raise ShapeError(
                what=f"{part} has {len(part.tops)} tops, but computes {len(tops)}",
                where=part.where,
            )
    return tops


def _part(layer: Layer, bottoms: Sequence[Array], dtype: npt.DTypeLike) -> tuple[Array, ...]:
    shapes = [bottom.shape for bottom in bottoms]
    try:
        with np.errstate(all="ignore"):  # an overflow is an infinity, here as in Caffe
            tops = function_of(layer.type)(layer, bottoms, _Weights(layer.weights, dtype))
    except ShapeError as error:
        raise error.located(str(layer)) from None
    except (ValueError, IndexError) as error:
        raise ShapeError(
            what=f"{layer} cannot take inputs of shape {shapes}", where=layer.where, why=str(error)
        ) from error
    return tuple(np.asarray(top, dtype) for top in tops)

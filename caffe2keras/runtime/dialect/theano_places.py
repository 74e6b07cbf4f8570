"""Operations that say what is where, or put something there, said in Theano."""

from __future__ import annotations

from typing import Any

from theano import tensor as T  # noqa: N812  # as all of Theano's documentation has it

from caffe2keras.runtime.dialect.theano_shapes import moveaxis
from caffe2keras.runtime.dialect.theano_tensor import Tensor, broadcast_shape, wrapped

__all__ = [
    "argmax",
    "argsort",
    "nonzero",
    "scatter_update",
    "take",
    "take_along_axis",
    "top_k",
]


def take(x: Any, indices: Any, axis: int = 0) -> Tensor:
    """The values at some indices along an axis."""
    tensor, chosen = wrapped(x), wrapped(indices)
    place = axis % tensor.ndim
    sizes = (*tensor.shape[:place], *chosen.shape, *tensor.shape[place + 1 :])
    return Tensor(T.take(tensor.variable, chosen.variable, axis=place), sizes)


def take_along_axis(x: Any, indices: Any, axis: int) -> Tensor:
    """For each place the value at its own index along an axis; all others are broadcast."""
    values, chosen = moveaxis(x, axis, -1), moveaxis(indices, axis, -1)
    sizes = broadcast_shape(values.shape[:-1], chosen.shape[:-1])
    rank = values.ndim
    grid = [
        _one_after_the_other(values, chosen, place).dimshuffle(
            *["x"] * place, 0, *["x"] * (rank - place - 1)
        )
        for place in range(rank - 1)
    ]
    taken = values.variable[(*grid, T.cast(chosen.variable, "int64"))]
    return moveaxis(Tensor(taken, (*sizes, chosen.shape[-1])), -1, axis)


def _one_after_the_other(values: Tensor, chosen: Tensor, axis: int) -> Any:
    """The indices along one of the other axes; all the first where the values are broadcast."""
    if values.shape[axis] == 1:
        return T.zeros((1,), "int64")
    return T.arange(values.variable.shape[axis])


def argmax(x: Any, axis: int = -1) -> Tensor:
    """Where the first of the largest is."""
    tensor = wrapped(x)
    place = axis % tensor.ndim
    sizes = (*tensor.shape[:place], *tensor.shape[place + 1 :])
    return Tensor(T.cast(T.argmax(tensor.variable, axis=place), "int32"), sizes)


def argsort(x: Any, axis: int = -1) -> Tensor:
    """The order of the values."""
    tensor = wrapped(x)
    order = T.argsort(tensor.variable, axis=axis % tensor.ndim, kind="mergesort")
    return Tensor(T.cast(order, "int32"), tensor.shape)


def top_k(x: Any, k: int) -> tuple[Tensor, Tensor]:
    """The k largest along the last axis, falling, and where they are."""
    tensor = wrapped(x)
    places = argsort(-tensor)[..., :k]
    return take_along_axis(tensor, places, -1), places


def nonzero(x: Any) -> tuple[Tensor, ...]:
    """Where there is no zero, an array of places for each axis."""
    return tuple(Tensor(places, (None,)) for places in wrapped(x).variable.nonzero())


def scatter_update(inputs: Any, indices: Any, updates: Any) -> Tensor:
    """The values, those at some places replaced by others."""
    tensor, chosen = wrapped(inputs), wrapped(indices, "int64")
    places = tuple(chosen.variable[..., axis] for axis in range(chosen.shape[-1] or 0))
    changed = T.set_subtensor(tensor.variable[places], wrapped(updates, tensor.dtype).variable)
    return Tensor(changed, tensor.shape)

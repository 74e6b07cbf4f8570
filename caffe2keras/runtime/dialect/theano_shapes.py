"""Operations that make, arrange and join tensors, said in Theano, with their shapes beside."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from theano import tensor as T  # noqa: N812  # as all of Theano's documentation has it

from caffe2keras.runtime.dialect.python import prod
from caffe2keras.runtime.dialect.theano_tensor import (
    Tensor,
    broadcast_shape,
    scalar_or_raw,
    wrapped,
)

if TYPE_CHECKING:
    from typing import TypeAlias

__all__ = [
    "arange",
    "array",
    "cast",
    "concatenate",
    "convert_to_tensor",
    "expand_dims",
    "flip",
    "full",
    "full_like",
    "moveaxis",
    "ones",
    "ones_like",
    "pad",
    "repeat",
    "reshape",
    "shape",
    "split",
    "squeeze",
    "stack",
    "tile",
    "transpose",
    "zeros",
    "zeros_like",
]

Sizes: TypeAlias = "Sequence[Any]"  # ints, or whole numbers that Theano will know


def convert_to_tensor(x: Any, dtype: str | None = None) -> Tensor:
    """A tensor of a variable, an array or numbers."""
    return wrapped(x, dtype)


array = convert_to_tensor


def cast(x: Any, dtype: str) -> Tensor:
    """The values as another type."""
    return wrapped(x, dtype)


def shape(x: Any) -> tuple[Any, ...]:
    """An int for each size that is known, a variable for each that is not."""
    tensor = wrapped(x)
    sizes = tensor.variable.shape
    return tuple(sizes[i] if size is None else size for i, size in enumerate(tensor.shape))


def _known(sizes: Sizes) -> tuple[int | None, ...]:
    return tuple(int(size) if isinstance(size, (int, np.integer)) else None for size in sizes)


def _all_known(sizes: Sizes) -> bool:
    return None not in sizes


def full(shape: Any, fill_value: Any, dtype: str | None = None) -> Tensor:
    """A tensor of one value."""
    sizes = tuple(shape) if isinstance(shape, (list, tuple)) else (shape,)
    value = wrapped(fill_value, dtype)
    return Tensor(T.alloc(value.variable, *map(scalar_or_raw, sizes)), _known(sizes))


def zeros(shape: Any, dtype: str = "float32") -> Tensor:
    """Zeros."""
    return full(shape, 0, dtype)


def ones(shape: Any, dtype: str = "float32") -> Tensor:
    """Ones."""
    return full(shape, 1, dtype)


def full_like(x: Any, fill_value: Any, dtype: str | None = None) -> Tensor:
    """One value everywhere, as many as there are."""
    tensor = wrapped(x)
    value = wrapped(fill_value, dtype or tensor.dtype)
    return Tensor(T.fill(tensor.variable, value.variable), tensor.shape)


def zeros_like(x: Any, dtype: str | None = None) -> Tensor:
    """Zeros, as many as there are values."""
    return full_like(x, 0, dtype)


def ones_like(x: Any, dtype: str | None = None) -> Tensor:
    """Ones, as many as there are values."""
    return full_like(x, 1, dtype)


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: str = "int32") -> Tensor:
    """Numbers from start (0) to below stop."""
    start, stop = (0, start) if stop is None else (start, stop)
    ends = (start, stop, step)
    length = len(range(*ends)) if _all_known(_known(ends)) else None
    steps = T.arange(*map(scalar_or_raw, (start, stop, step)))
    return Tensor(T.cast(steps, dtype), (length,))


def reshape(x: Any, newshape: Any) -> Tensor:
    """The same values in the same order under another shape, one size of which may be -1."""
    tensor = wrapped(x)
    sizes = list(newshape) if isinstance(newshape, (list, tuple)) else [newshape]
    if -1 in _known(sizes) and _all_known(tensor.shape) and _all_known(_known(sizes)):
        rest = prod(size for size in sizes if size != -1)
        sizes[_known(sizes).index(-1)] = prod(tensor.shape) // builtins.max(rest, 1)
    known = tuple(None if size == -1 else size for size in _known(sizes))
    if not sizes:
        return Tensor(T.reshape(tensor.variable, (), ndim=0), ())
    return Tensor(tensor.variable.reshape(tuple(map(scalar_or_raw, sizes))), known)


def transpose(x: Any, axes: Sequence[int] | None = None) -> Tensor:
    """The axes in another order."""
    tensor = wrapped(x)
    order = tuple(reversed(range(tensor.ndim))) if axes is None else tuple(axes)
    return Tensor(tensor.variable.dimshuffle(*order), [tensor.shape[axis] for axis in order])


def moveaxis(x: Any, source: Any, destination: Any) -> Tensor:
    """Some axes moved to other places."""
    marked = np.empty(tuple(range(1, wrapped(x).ndim + 1)))  # each axis known by its size
    order = [size - 1 for size in np.moveaxis(marked, source, destination).shape]
    return transpose(x, order)


def expand_dims(x: Any, axis: int | Sequence[int]) -> Tensor:
    """New axes of size 1, counted in the answer."""
    tensor = wrapped(x)
    new = [axis] if isinstance(axis, int) else list(axis)
    rank = tensor.ndim + len(new)
    places = {each % rank for each in new}
    old = iter(range(tensor.ndim))
    pattern: list[Any] = ["x" if place in places else next(old) for place in range(rank)]
    sizes = [1 if each == "x" else tensor.shape[each] for each in pattern]
    return Tensor(tensor.variable.dimshuffle(*pattern), sizes)


def squeeze(x: Any, axis: int | Sequence[int] | None = None) -> Tensor:
    """Without axes of size 1."""
    tensor = wrapped(x)
    if axis is None:
        gone = {i for i, size in enumerate(tensor.shape) if size == 1}
    else:
        gone = {each % tensor.ndim for each in ([axis] if isinstance(axis, int) else axis)}
    kept = [i for i in range(tensor.ndim) if i not in gone]
    variable = T.addbroadcast(tensor.variable, *gone) if gone else tensor.variable
    return Tensor(variable.dimshuffle(*kept), [tensor.shape[i] for i in kept])


def concatenate(xs: Sequence[Any], axis: int = -1) -> Tensor:
    """One behind the other along an axis."""
    tensors = _of_one_type(xs)
    place = axis % tensors[0].ndim
    sizes = list(broadcast_shape(*[each.shape for each in tensors]))
    along: list[Any] = [each.shape[place] for each in tensors]
    sizes[place] = builtins.sum(along) if _all_known(along) else None
    return Tensor(T.concatenate([each.variable for each in tensors], axis=place), sizes)


def _of_one_type(xs: Sequence[Any]) -> list[Tensor]:
    tensors = [wrapped(each) for each in xs]
    fractions = [each.dtype for each in tensors if each.dtype.startswith("float")]
    return [wrapped(each, fractions[0]) for each in tensors] if fractions else tensors


def stack(x: Sequence[Any], axis: int = 0) -> Tensor:
    """Tensors of one shape side by side along a new axis."""
    return concatenate([expand_dims(each, axis) for each in x], axis=axis)


def split(x: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """The parts between the indices along an axis, or so many equal ones."""
    tensor = wrapped(x)
    place, size = axis % tensor.ndim, shape(tensor)[axis]
    if isinstance(indices_or_sections, int):
        step = size // indices_or_sections
        ends = [step * i for i in range(indices_or_sections + 1)]
    else:
        ends = [0, *indices_or_sections, size]
    before = (slice(None),) * place
    return [tensor[(*before, slice(low, high))] for low, high in zip(ends, ends[1:])]


def flip(x: Any, axis: int | Sequence[int]) -> Tensor:
    """The other way round along an axis, or several."""
    tensor = wrapped(x)
    turned = {each % tensor.ndim for each in ([axis] if isinstance(axis, int) else axis)}
    index = [slice(None, None, -1 if place in turned else 1) for place in range(tensor.ndim)]
    return Tensor(tensor.variable[tuple(index)], tensor.shape)


def repeat(x: Any, repeats: Any, axis: int) -> Tensor:
    """Each value so many times."""
    tensor = wrapped(x)
    place = axis % tensor.ndim
    sizes = list(tensor.shape)
    known = _known((sizes[place], repeats))
    sizes[place] = prod(known) if _all_known(known) else None
    return Tensor(T.repeat(tensor.variable, scalar_or_raw(repeats), axis=place), sizes)


def tile(x: Any, repeats: int | Sequence[int]) -> Tensor:
    """The whole so many times along each axis, or along the last."""
    tensor = wrapped(x)
    numbers = [repeats] if isinstance(repeats, int) else list(repeats)
    for axis, times in enumerate(numbers, tensor.ndim - len(numbers)):
        tensor = concatenate([tensor] * times, axis=axis) if times > 1 else tensor
    return tensor


def pad(
    x: Any, pad_width: Sequence[Sequence[int]], mode: str = "constant", constant_values: float = 0
) -> Tensor:
    """One value before and behind along each axis."""
    if mode != "constant":
        raise ValueError(f"Keras 2 on Theano pads with constants only. Received: mode={mode!r}")
    tensor = wrapped(x)
    widths = [(int(low), int(high)) for low, high in pad_width]
    if not builtins.any(map(builtins.any, widths)):
        return tensor
    pairs = list(zip(shape(tensor), widths))
    sizes = [size + low + high for size, (low, high) in pairs]
    inner = tuple(slice(low, low + size) for size, (low, _) in pairs)
    frame = full(sizes, constant_values, tensor.dtype)
    return Tensor(T.set_subtensor(frame.variable[inner], tensor.variable), frame.shape)

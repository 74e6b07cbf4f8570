"""Operations that make, arrange and join tensors, said in TensorFlow 2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

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

Tensor = Any

_NARROW = {"float64": "float32", "int64": "int32"}  # what Keras makes of Python's numbers

cast = tf.cast  # the names are those of keras.ops
reshape = tf.reshape
squeeze = tf.squeeze
stack = tf.stack
transpose = tf.transpose


def convert_to_tensor(x: Any, dtype: str | None = None) -> Tensor:
    """A tensor of a variable, an array or numbers."""
    if tf.is_tensor(x) or _holds_tensors(x):
        tensor = tf.convert_to_tensor(x)
        return tensor if dtype is None else tf.cast(tensor, dtype)
    values = np.asarray(x)
    found = str(values.dtype)
    wanted = tf.as_dtype(dtype or _NARROW.get(found, found))
    return tf.convert_to_tensor(values.astype(wanted.as_numpy_dtype))


def _holds_tensors(x: Any) -> bool:
    return isinstance(x, (list, tuple)) and any(tf.is_tensor(each) for each in x)


array = convert_to_tensor


def shape(x: Any) -> tuple[Any, ...]:
    """An int for each size that is known, a tensor for each that is not."""
    known, sizes = tf.convert_to_tensor(x).shape, tf.shape(x)
    return tuple(sizes[i] if size is None else size for i, size in enumerate(known))


def full(shape: Any, fill_value: Any, dtype: str | None = None) -> Tensor:
    """A tensor of one value."""
    sizes = shape if isinstance(shape, (list, tuple)) else (shape,)
    return tf.fill(sizes, convert_to_tensor(fill_value, dtype))


def zeros(shape: Any, dtype: Any = "float32") -> Tensor:
    """Zeros."""
    return tf.zeros(shape, dtype)


def ones(shape: Any, dtype: Any = "float32") -> Tensor:
    """Ones."""
    return tf.ones(shape, dtype)


def full_like(x: Any, fill_value: Any, dtype: Any = None) -> Tensor:
    """One value everywhere, as many as there are."""
    return tf.ones_like(x, dtype) * tf.cast(fill_value, dtype or x.dtype)


def zeros_like(x: Any, dtype: Any = None) -> Tensor:
    """Zeros, as many as there are values."""
    return tf.zeros_like(x, dtype)


def ones_like(x: Any, dtype: Any = None) -> Tensor:
    """Ones, as many as there are values."""
    return tf.ones_like(x, dtype)


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: str = "int32") -> Tensor:
    """Numbers from start (0) to below stop."""
    start, stop = (0, start) if stop is None else (start, stop)
    return tf.cast(tf.range(start, stop, step), dtype)


def moveaxis(x: Any, source: Any, destination: Any) -> Tensor:
    """Some axes moved to other places."""
    marked = np.empty(tuple(range(1, len(x.shape) + 1)))  # each axis known by its size
    return tf.transpose(x, [size - 1 for size in np.moveaxis(marked, source, destination).shape])


def expand_dims(x: Any, axis: int | Sequence[int]) -> Tensor:
    """New axes of size 1, counted in the answer."""
    x = tf.convert_to_tensor(x)
    new = [axis] if isinstance(axis, int) else list(axis)
    rank = len(x.shape) + len(new)
    for place in sorted(each % rank for each in new):
        x = tf.expand_dims(x, place)
    return x


def concatenate(xs: Sequence[Any], axis: int = -1) -> Tensor:
    """One behind the other along an axis."""
    return tf.concat(list(xs), axis=axis)


def split(x: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """The parts between the indices along an axis, or so many equal ones."""
    if isinstance(indices_or_sections, int):
        return list(tf.split(x, indices_or_sections, axis=axis))
    ends = [0, *indices_or_sections, shape(x)[axis]]
    return list(tf.split(x, [high - low for low, high in zip(ends, ends[1:])], axis=axis))


def flip(x: Any, axis: int | Sequence[int]) -> Tensor:
    """The other way round along an axis, or several."""
    return tf.reverse(x, [axis] if isinstance(axis, int) else list(axis))


def tile(x: Any, repeats: int | Sequence[int]) -> Tensor:
    """The whole so many times along each axis, or along the last."""
    times = [repeats] if isinstance(repeats, int) else list(repeats)
    return tf.tile(x, [1] * (len(x.shape) - len(times)) + times)


def repeat(x: Any, repeats: Any, axis: int) -> Tensor:
    """Each value so many times."""
    return tf.repeat(x, repeats, axis=axis)


def pad(
    x: Any, pad_width: Sequence[Sequence[int]], mode: str = "constant", constant_values: float = 0
) -> Tensor:
    """Values before and behind along each axis."""
    return tf.pad(x, [list(pair) for pair in pad_width], mode, constant_values)

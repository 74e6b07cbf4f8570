"""The operations of ``keras.ops`` that the layers use, said in TensorFlow 2, for tf.keras.

Each has the name, the arguments and the answer of Keras 3's. An operation that is not here is one
that no layer needs which runs there.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import tensorflow as tf

from caffe2keras.runtime.dialect.tensorflow_windows import average_pool, conv, max_pool, resize

__all__ = [
    "abs",
    "add",
    "all",
    "any",
    "arange",
    "argmax",
    "argsort",
    "array",
    "average_pool",
    "cast",
    "ceil",
    "clip",
    "concatenate",
    "conv",
    "convert_to_tensor",
    "copy",
    "cumsum",
    "divide",
    "divide_no_nan",
    "einsum",
    "equal",
    "exp",
    "expand_dims",
    "expm1",
    "flip",
    "floor",
    "full",
    "full_like",
    "image",
    "log",
    "log_softmax",
    "logical_and",
    "logical_not",
    "logical_or",
    "matmul",
    "max",
    "max_pool",
    "maximum",
    "mean",
    "min",
    "minimum",
    "moveaxis",
    "multiply",
    "not_equal",
    "ones",
    "ones_like",
    "pad",
    "power",
    "relu",
    "repeat",
    "reshape",
    "rsqrt",
    "scan",
    "shape",
    "sigmoid",
    "sign",
    "softmax",
    "softplus",
    "split",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "stop_gradient",
    "subtract",
    "sum",
    "take",
    "take_along_axis",
    "tanh",
    "tile",
    "top_k",
    "transpose",
    "where",
    "zeros",
    "zeros_like",
]

Tensor = Any
Axes = Any  # an axis, several, or None for all

_NARROW = {"float64": "float32", "int64": "int32"}  # what Keras makes of Python's numbers


def convert_to_tensor(x: Any, dtype: str | None = None) -> Tensor:
    """A tensor of a variable, an array or numbers."""
    if tf.is_tensor(x) or _holds_tensors(x):
        tensor = tf.convert_to_tensor(x)
        return tensor if dtype is None else tf.cast(tensor, dtype)
    values = np.asarray(x)
    return tf.convert_to_tensor(values.astype(dtype or _NARROW.get(str(values.dtype))))


def _holds_tensors(x: Any) -> bool:
    return isinstance(x, (list, tuple)) and builtins.any(tf.is_tensor(each) for each in x)


array = convert_to_tensor
image = SimpleNamespace(resize=resize)


def _both(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Tensor]:
    """A function of two values in one type: numbers take a tensor's, whole ones a fraction's."""

    def apply(x1: Any, x2: Any) -> Tensor:
        types = [tf.as_dtype(each.dtype) for each in (x1, x2) if hasattr(each, "dtype")]
        fractions = [dtype for dtype in types if dtype.is_floating]
        if not fractions:
            return function(x1, x2)
        return function(tf.cast(x1, fractions[0]), tf.cast(x2, fractions[0]))

    return apply


abs = tf.abs  # the names are those of keras.ops
cast = tf.cast
ceil = tf.math.ceil
copy = tf.identity
exp = tf.exp
expm1 = tf.math.expm1
floor = tf.floor
log = tf.math.log
log_softmax = tf.nn.log_softmax
logical_and = tf.logical_and
logical_not = tf.logical_not
logical_or = tf.logical_or
matmul = tf.matmul
relu = tf.nn.relu
reshape = tf.reshape
rsqrt = tf.math.rsqrt
sigmoid = tf.sigmoid
sign = tf.sign
softmax = tf.nn.softmax
softplus = tf.nn.softplus
sqrt = tf.sqrt
square = tf.square
squeeze = tf.squeeze
stack = tf.stack
stop_gradient = tf.stop_gradient
tanh = tf.tanh
tile = tf.tile
transpose = tf.transpose

add = _both(tf.add)
divide = _both(tf.divide)
divide_no_nan = _both(tf.math.divide_no_nan)
equal = _both(tf.equal)
maximum = _both(tf.maximum)
minimum = _both(tf.minimum)
multiply = _both(tf.multiply)
not_equal = _both(tf.not_equal)
power = _both(tf.pow)
subtract = _both(tf.subtract)


def _reduction(function: Callable[..., Any]) -> Callable[..., Tensor]:
    """One value in place of all along some axes; axes that are none leave all as it is."""

    def reduce(x: Any, axis: Axes = None, keepdims: bool = False) -> Tensor:
        return function(x, axis=axis, keepdims=keepdims)

    return reduce


all = _reduction(tf.reduce_all)  # the names are those of keras.ops
any = _reduction(tf.reduce_any)
max = _reduction(tf.reduce_max)
mean = _reduction(tf.reduce_mean)
min = _reduction(tf.reduce_min)
sum = _reduction(tf.reduce_sum)


def clip(x: Any, x_min: float, x_max: float) -> Tensor:
    """The values, bounded."""
    return tf.clip_by_value(x, x_min, x_max)


def where(condition: Any, x1: Any, x2: Any) -> Tensor:
    """Values of x1 where the condition is True, else of x2."""
    return _both(lambda one, other: tf.where(condition, one, other))(x1, x2)


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


def flip(x: Any, axis: int) -> Tensor:
    """The other way round along an axis."""
    return tf.reverse(x, [axis])


def repeat(x: Any, repeats: Any, axis: int) -> Tensor:
    """Each value so many times."""
    return tf.repeat(x, repeats, axis=axis)


def pad(
    x: Any, pad_width: Sequence[Sequence[int]], mode: str = "constant", constant_values: float = 0
) -> Tensor:
    """Values before and behind along each axis."""
    return tf.pad(x, [list(pair) for pair in pad_width], mode, constant_values)


def take(x: Any, indices: Any, axis: int = 0) -> Tensor:
    """The values at some indices along an axis."""
    return tf.gather(x, tf.cast(indices, "int32"), axis=axis)


def take_along_axis(x: Any, indices: Any, axis: int) -> Tensor:
    """For each place the value at its own index along an axis."""
    place = axis % len(x.shape)
    return tf.gather(x, tf.cast(indices, "int32"), axis=place, batch_dims=place)


def argmax(x: Any, axis: int = -1) -> Tensor:
    """Where the first of the largest is."""
    return tf.argmax(x, axis=axis, output_type="int32")


def argsort(x: Any, axis: int = -1) -> Tensor:
    """The order of the values."""
    return tf.argsort(x, axis=axis, stable=True)


def top_k(x: Any, k: int, sorted: bool = True) -> Any:  # the name of keras.ops
    """The k largest, and where they are."""
    return tf.math.top_k(x, k, sorted=sorted)


def cumsum(x: Any, axis: int) -> Tensor:
    """Sums of all up to each place."""
    return tf.cumsum(x, axis=axis)


def einsum(subscripts: str, *operands: Any) -> Tensor:
    """Products and sums by letters."""
    return tf.einsum(subscripts, *operands)


def scan(f: Callable[[Any, Any], Any], init: Sequence[Any], xs: Sequence[Any]) -> Any:
    """Step after step along axis 0: (carry, slices) -> (carry, outputs)."""
    states, sequences = tuple(init), tuple(xs)
    count = shape(sequences[0])[0]
    _, like = f(list(states), [each[0] for each in sequences])
    rooms = tuple(tf.TensorArray(each.dtype, count, element_shape=each.shape) for each in like)

    def step(index: Any, before: Any, rooms: Any) -> Any:
        after, outputs = f(list(before), [each[index] for each in sequences])
        written = tuple(room.write(index, each) for room, each in zip(rooms, outputs))
        return index + 1, tuple(after), written

    _, last, rooms = tf.while_loop(
        lambda index, *_: index < count, step, (tf.constant(0), states, rooms)
    )
    return list(last), [_of_length(room.stack(), count) for room in rooms]


def _of_length(x: Any, count: Any) -> Tensor:
    return tf.ensure_shape(x, (count, *x.shape[1:])) if isinstance(count, int) else x

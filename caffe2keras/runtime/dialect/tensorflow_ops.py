"""The operations of ``keras.ops`` that the layers use, said in TensorFlow 2, for tf.keras.

Each has the name, the arguments and the answer of Keras 3's. Those that reckon are here; others are
in ``tensorflow_shapes``, ``tensorflow_places``, ``tensorflow_windows`` and ``tensorflow_loops``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

__all__ = [
    "abs",
    "add",
    "all",
    "any",
    "ceil",
    "clip",
    "copy",
    "cumsum",
    "divide",
    "einsum",
    "equal",
    "exp",
    "expm1",
    "fft",
    "floor",
    "log",
    "log_softmax",
    "logical_and",
    "logical_not",
    "logical_or",
    "matmul",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "multiply",
    "not_equal",
    "power",
    "relu",
    "rsqrt",
    "segment_sum",
    "sigmoid",
    "sign",
    "softmax",
    "softplus",
    "sqrt",
    "square",
    "stop_gradient",
    "subtract",
    "sum",
    "tanh",
    "where",
]

Tensor = Any
Axes = Any  # an axis, several, or None for all


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
rsqrt = tf.math.rsqrt
sigmoid = tf.sigmoid
sign = tf.sign
softmax = tf.nn.softmax
softplus = tf.nn.softplus
sqrt = tf.sqrt
square = tf.square
stop_gradient = tf.stop_gradient
tanh = tf.tanh

add = _both(tf.add)
divide = _both(tf.divide)
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


def cumsum(x: Any, axis: int) -> Tensor:
    """Sums of all up to each place."""
    return tf.cumsum(x, axis=axis)


def einsum(subscripts: str, *operands: Any) -> Tensor:
    """Products and sums by letters."""
    return tf.einsum(subscripts, *operands)


def segment_sum(data: Any, segment_ids: Any, num_segments: int) -> Tensor:
    """Rows added to so many sums, each row to the one that it names."""
    return tf.math.unsorted_segment_sum(data, segment_ids, num_segments)


def fft(x: tuple[Any, Any]) -> tuple[Tensor, Tensor]:
    """The Fourier transform along the last axis, of real and imaginary parts."""
    transformed = tf.signal.fft(tf.complex(*x))
    return tf.math.real(transformed), tf.math.imag(transformed)

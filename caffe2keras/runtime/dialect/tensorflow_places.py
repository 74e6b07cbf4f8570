"""Operations that say what is where, or put something there, said in TensorFlow 2."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from caffe2keras.runtime.dialect.tensorflow_shapes import moveaxis, shape

__all__ = [
    "argmax",
    "argsort",
    "nonzero",
    "scatter_update",
    "take",
    "take_along_axis",
    "top_k",
]

Tensor = Any


def take(x: Any, indices: Any, axis: int = 0) -> Tensor:
    """The values at some indices along an axis."""
    return tf.gather(x, tf.cast(indices, "int32"), axis=axis)


def take_along_axis(x: Any, indices: Any, axis: int) -> Tensor:
    """For each place the value at its own index along an axis; all others are broadcast."""
    values, chosen = (moveaxis(each, axis, -1) for each in (x, tf.cast(indices, "int32")))
    pairs = zip(shape(values)[:-1], shape(chosen)[:-1])
    batch = [many if _is_one(one) else one for one, many in pairs]
    values = tf.broadcast_to(values, [*batch, shape(values)[-1]])
    chosen = tf.broadcast_to(chosen, [*batch, shape(chosen)[-1]])
    return moveaxis(tf.gather(values, chosen, batch_dims=len(batch)), -1, axis)


def _is_one(size: Any) -> bool:
    return isinstance(size, int) and size == 1


def argmax(x: Any, axis: int = -1) -> Tensor:
    """Where the first of the largest is."""
    return tf.argmax(x, axis=axis, output_type="int32")


def argsort(x: Any, axis: int = -1) -> Tensor:
    """The order of the values."""
    return tf.argsort(x, axis=axis, stable=True)


def top_k(x: Any, k: int) -> Any:
    """The k largest along the last axis, falling, and where they are."""
    return tf.math.top_k(x, k)


def nonzero(x: Any) -> tuple[Tensor, ...]:
    """Where there is no zero, an array of places for each axis."""
    return tuple(tf.unstack(tf.where(tf.cast(x, "bool")), axis=-1))


def scatter_update(inputs: Any, indices: Any, updates: Any) -> Tensor:
    """The values, those at some places replaced by others."""
    return tf.tensor_scatter_nd_update(inputs, tf.cast(indices, "int32"), updates)

"""Loops, said in TensorFlow 2."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from caffe2keras.runtime.dialect.tensorflow_shapes import shape

__all__ = [
    "scan",
    "while_loop",
]

Tensor = Any


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


def while_loop(
    cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Sequence[Any]
) -> tuple[Tensor, ...]:
    """What the variables are when the condition no longer holds."""
    return tuple(tf.while_loop(cond, body, tuple(loop_vars)))

"""Images in the order of TensorFlow's CPU kernels, and ``keras.ops.image`` as the layers use it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

__all__ = ["as_asked", "channels_last", "resize"]

Tensor = Any


def channels_last(x: Any, data_format: str) -> Tensor:
    """What TensorFlow's CPU kernels take; some of them are wrong with channels first."""
    x = tf.convert_to_tensor(x)
    rank = len(x.shape)
    return x if data_format == "channels_last" else tf.transpose(x, (0, *range(2, rank), 1))


def as_asked(x: Any, data_format: str) -> Tensor:
    """Back to the order that was given."""
    rank = len(x.shape)
    if data_format == "channels_last":
        return x
    return tf.transpose(x, (0, rank - 1, *range(1, rank - 1)))


def resize(
    images: Any,
    size: Sequence[int],
    interpolation: str = "bilinear",
    data_format: str = "channels_last",
) -> Tensor:
    """Another height and width, (height, width)."""
    resized = tf.image.resize(channels_last(images, data_format), size, interpolation)
    return as_asked(resized, data_format)

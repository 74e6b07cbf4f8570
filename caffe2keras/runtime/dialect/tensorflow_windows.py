"""Convolution and pooling, said in TensorFlow 2."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from caffe2keras.runtime.dialect import tensorflow_image as image
from caffe2keras.runtime.dialect.tensorflow_image import as_asked, channels_last

__all__ = ["average_pool", "conv", "image", "max_pool"]

Tensor = Any


def conv(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str = "channels_last",
    dilation_rate: Any = 1,
) -> Tensor:
    """Cross-correlation; an input of more channels than the kernel's is cut into groups."""
    x, weights = channels_last(inputs, data_format), tf.convert_to_tensor(kernel)
    groups = x.shape[-1] // weights.shape[-2]
    # On a CPU the gradient of TensorFlow's own groups is missing.
    parts = zip(tf.split(x, groups, axis=-1), tf.split(weights, groups, axis=-1))
    convolved = [
        tf.nn.convolution(part, own, strides, padding.upper(), dilations=dilation_rate)
        for part, own in parts
    ]
    outputs = convolved[0] if groups == 1 else tf.concat(convolved, axis=-1)
    return as_asked(outputs, data_format)


def max_pool(
    inputs: Any,
    pool_size: Any,
    strides: Any = None,
    padding: str = "valid",
    data_format: str = "channels_last",
) -> Tensor:
    """The largest value of each window."""
    return _pool("MAX", inputs, pool_size, strides, padding, data_format)


def average_pool(
    inputs: Any,
    pool_size: Any,
    strides: Any = None,
    padding: str = "valid",
    data_format: str = "channels_last",
) -> Tensor:
    """The mean of each window."""
    return _pool("AVG", inputs, pool_size, strides, padding, data_format)


def _pool(
    kind: str, inputs: Any, pool_size: Any, strides: Any, padding: str, data_format: str
) -> Tensor:
    x = channels_last(inputs, data_format)
    rank = len(x.shape) - 2
    window = (pool_size,) * rank if isinstance(pool_size, int) else tuple(pool_size)
    steps = window if strides is None else strides
    steps = (steps,) * rank if isinstance(steps, int) else tuple(steps)
    # TensorFlow takes no stride beyond its window: such an axis is thinned out afterwards.
    taken = [1 if step > size else step for step, size in zip(steps, window)]
    pooled = tf.nn.pool(x, window, kind, strides=taken, padding=padding.upper())
    thinned = [slice(None, None, step // near) for step, near in zip(steps, taken)]
    return as_asked(pooled[(slice(None), *thinned)], data_format)

"""tf.keras 2's pooling layers, which with channels first are wrong on a CPU, without a word."""

from __future__ import annotations

from typing import Any

from caffe2keras.runtime.dialect.tensorflow_windows import average_pool, max_pool

__all__ = ["POOLING", "righted"]

POOLING = {"AveragePooling2D": average_pool, "MaxPooling2D": max_pool}


def righted(stock: Any) -> Any:
    """A pooling layer that puts the channels last while it pools.

    Args:
        stock: Keras's own class.
    """
    pool = POOLING[stock.__name__]

    def call(self: Any, inputs: Any) -> Any:
        return pool(inputs, self.pool_size, self.strides, self.padding, self.data_format)

    return type(stock.__name__, (stock,), {"call": call, "__doc__": stock.__doc__})

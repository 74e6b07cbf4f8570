"""Normalization by the batch at hand."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

__all__ = ["BatchStatisticsNormalization"]


@keras.saving.register_keras_serializable(package="caffe2keras")
class BatchStatisticsNormalization(keras.Layer):
    """``y = (x - mean) / sqrt(variance + epsilon)`` with the current batch's own moments.

    Caffe's BatchNorm with ``use_global_stats: false`` (batch_norm_layer.cpp), which it honours at
    inference too. Both moments run over every axis but one; the variance is the biased one.

    Args:
        axis: the axis, batch axis 0 included, along which the moments are kept apart.
        epsilon: what is added to the variance.

    Input shape:
        any.

    Output shape:
        the input's.

    Example:
        >>> BatchStatisticsNormalization(axis=1)(keras.ops.array([[1.0], [3.0]]))  # -1, 1
    """

    def __init__(self, axis: int = -1, epsilon: float = 1e-5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = int(axis)
        self.epsilon = float(epsilon)

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The normalized values."""
        rank = len(inputs.shape)
        others = tuple(axis for axis in range(rank) if axis != self.axis % rank)
        centred = inputs - ops.mean(inputs, axis=others, keepdims=True)
        variance = ops.mean(ops.square(centred), axis=others, keepdims=True)
        return centred / ops.sqrt(variance + self.epsilon)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The input's shape."""
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "axis": self.axis, "epsilon": self.epsilon}

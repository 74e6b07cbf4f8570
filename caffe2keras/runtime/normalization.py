"""Normalization by moments of the values at hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe2keras.runtime.dialect import keras, ops

__all__ = ["MVN", "BatchStatisticsNormalization", "StoredStatisticsNormalization"]


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


@keras.saving.register_keras_serializable(package="caffe2keras")
class MVN(keras.Layer):
    """``y = (x - mean) / (sqrt(variance) + epsilon)`` with each sample's own moments.

    Caffe's MVN (mvn_layer.cpp), which adds epsilon to the deviation, not to the variance. The
    variance is the biased one.

    Args:
        axes: the axes that the moments run over: the spatial ones, and the channels too for
            Caffe's ``across_channels``; with none, each value is its own mean.
        normalize_variance: whether to divide at all.
        epsilon: what is added to the deviation.

    Input shape:
        any.

    Output shape:
        the input's.

    Example:
        >>> MVN(axes=[1], epsilon=0.0)(keras.ops.array([[1.0, 3.0]]))  # -1, 1
    """

    def __init__(
        self,
        axes: Sequence[int],
        normalize_variance: bool = True,
        epsilon: float = 1e-9,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.axes = tuple(int(axis) for axis in axes)
        self.normalize_variance = bool(normalize_variance)
        self.epsilon = float(epsilon)

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The normalized values."""
        if not self.axes:
            return ops.zeros_like(inputs)
        centred = inputs - ops.mean(inputs, axis=self.axes, keepdims=True)
        if not self.normalize_variance:
            return centred
        variance = ops.mean(ops.square(centred), axis=self.axes, keepdims=True)
        return centred / (ops.sqrt(variance) + self.epsilon)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The input's shape."""
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "axes": list(self.axes),
            "normalize_variance": self.normalize_variance,
            "epsilon": self.epsilon,
        }


@keras.saving.register_keras_serializable(package="caffe2keras")
class StoredStatisticsNormalization(keras.layers.BatchNormalization):
    """Keras's BatchNormalization that keeps to its stored statistics in training, too.

    Caffe's BatchNorm with ``use_global_stats: true`` (batch_norm_layer.cpp): its scale and offset
    learn, its statistics do not. Keras says so only with ``trainable=False``, and then nothing
    learns.

    Args:
        **kwargs: as for ``keras.layers.BatchNormalization``.

    Input shape:
        any.

    Output shape:
        the input's.

    Example:
        >>> StoredStatisticsNormalization()(keras.ops.ones((2, 3)), training=True)  # nearly 1
    """

    def call(
        self, inputs: keras.KerasTensor, training: bool | None = None, mask: Any = None
    ) -> keras.KerasTensor:
        """The normalized values, whatever ``training`` is."""
        return super().call(inputs, training=False, mask=mask)

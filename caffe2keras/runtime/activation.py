"""Functions of one value that Keras's own activations cannot say."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

__all__ = ["AbsVal", "Clip", "Swish", "Threshold"]


class _Activation(keras.Layer):
    """A function of each value."""

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The input's shape."""
        return tuple(input_shape)


@keras.saving.register_keras_serializable(package="caffe2keras")
class AbsVal(_Activation):
    """``y = |x|`` (absval_layer.cpp).

    Input shape:
        any.

    Output shape:
        the input's.

    Example:
        >>> AbsVal()(keras.ops.array([[-2.0, 3.0]]))  # 2, 3
    """

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The absolute values."""
        return ops.abs(inputs)


@keras.saving.register_keras_serializable(package="caffe2keras")
class Clip(_Activation):
    """``y = max(min_value, min(x, max_value))`` (clip_layer.cpp).

    Args:
        min_value: the least value of y, even where it is above the greatest.
        max_value: the greatest value of y.

    Input shape:
        any.

    Output shape:
        the input's.

    Example:
        >>> Clip(-1.0, 0.5)(keras.ops.array([[-2.0, 0.0, 3.0]]))  # -1, 0, 0.5
    """

    def __init__(self, min_value: float, max_value: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.min_value = float(min_value)
        self.max_value = float(max_value)

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The clipped values."""
        return ops.maximum(ops.minimum(inputs, self.max_value), self.min_value)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "min_value": self.min_value,
            "max_value": self.max_value,
        }


@keras.saving.register_keras_serializable(package="caffe2keras")
class Swish(_Activation):
    """``y = x * sigmoid(beta * x)`` (swish_layer.cpp).

    Args:
        beta: the factor inside the sigmoid.

    Input shape:
        any.

    Output shape:
        the input's.

    Example:
        >>> Swish(beta=0.0)(keras.ops.array([[-2.0, 3.0]]))  # -1, 1.5
    """

    def __init__(self, beta: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.beta = float(beta)

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The activated values."""
        return inputs * ops.sigmoid(inputs * self.beta)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "beta": self.beta}


@keras.saving.register_keras_serializable(package="caffe2keras")
class Threshold(_Activation):
    """``y = 1 if x > threshold else 0`` (threshold_layer.cpp).

    Args:
        threshold: what x must exceed.

    Input shape:
        any.

    Output shape:
        the input's.

    Example:
        >>> Threshold(0.5)(keras.ops.array([[0.5, 0.6]]))  # 0, 1
    """

    def __init__(self, threshold: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.threshold = float(threshold)

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Ones and zeros."""
        return ops.cast(inputs > self.threshold, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "threshold": self.threshold}

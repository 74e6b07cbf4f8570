"""Functions of one value that Keras's own activations cannot say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe2keras.runtime.dialect import keras, ops

__all__ = ["AbsVal", "Clip", "SignedSqrt", "SoftThreshold", "Swish", "Threshold"]

_TINY = float(np.finfo(np.float32).tiny)


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
class SignedSqrt(_Activation):
    """``y = sign(x) * sqrt(|x|)``.

    SignedSqrt of gy20073's fork (signed_sqrt_layer.cpp), which follows bilinear pooling.

    Input shape:
        any.

    Output shape:
        the input's.

    Example:
        >>> SignedSqrt()(keras.ops.array([[-9.0, 4.0]]))  # -3, 2
    """

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The signed roots."""
        # The bound keeps the gradient at 0 finite; sign makes the root itself 0 there.
        return ops.sign(inputs) * ops.sqrt(ops.maximum(ops.abs(inputs), _TINY))


@keras.saving.register_keras_serializable(package="caffe2keras")
class SoftThreshold(_Activation):
    """``y = sign(x) * max(|x| - t, 0)``: nearer to zero by a threshold.

    Sparsify and, with a learned threshold, SymmetricRectify of wenwei202's fork
    (sparsify_layer.cpp, symmetric_rectify_layer.cpp). A learned one below 0 counts as 0.

    Args:
        threshold: t, or where it is learned its value to begin with.
        axes: the axes of the input, batch axis 0 excluded, that a learned t runs along,
            ascending; none of them means one number; None that t is not learned.

    Input shape:
        any; the sizes along ``axes`` must be known.

    Output shape:
        the input's.

    Weights:
        ``threshold``, of the input's sizes along ``axes``, if learned.

    Example:
        >>> SoftThreshold(2.0)(keras.ops.array([[-5.0, 1.0, 3.0]]))  # -3, 0, 1
    """

    def __init__(
        self, threshold: float = 0.0, axes: Sequence[int] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if axes is not None and (list(axes) != sorted(set(axes)) or any(a < 1 for a in axes)):
            raise ValueError(f"`axes` must ascend from 1 or more. Received: axes={axes!r}")
        self.threshold = float(threshold)
        self.axes = None if axes is None else tuple(int(axis) for axis in axes)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes ``threshold``."""
        if self.axes is not None:
            self.learned = self.add_weight(
                name="threshold",
                shape=tuple(input_shape[axis] for axis in self.axes),
                initializer=keras.initializers.Constant(self.threshold),
            )

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The thresholded values."""
        threshold: Any = self.threshold
        if self.axes is not None:
            missing = [axis for axis in range(len(inputs.shape)) if axis not in self.axes]
            learned = ops.maximum(ops.convert_to_tensor(self.learned), 0.0)
            threshold = ops.expand_dims(learned, missing)
        return ops.sign(inputs) * ops.maximum(ops.abs(inputs) - threshold, 0.0)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "threshold": self.threshold,
            "axes": None if self.axes is None else list(self.axes),
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

"""Factors and terms that are broadcast along named axes: learned, or from a second input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe2keras.runtime.dialect import keras, ops, zip

__all__ = ["BroadcastAdd", "BroadcastMultiply", "Scale"]


@keras.saving.register_keras_serializable(package="caffe2keras")
class Scale(keras.Layer):
    """A learned factor and term along some axes: ``y = gamma * x + beta``.

    Caffe's Scale with its own weights (scale_layer.cpp), and, with ``use_scale=False``, its Bias
    (bias_layer.cpp). No axes at all means one scalar for everything.

    Args:
        axes: the axes of the input, batch axis 0 included, that gamma and beta run along,
            ascending; the sizes there must be known, the batch's too if 0 is among them.
        use_scale: whether there is a gamma.
        use_bias: whether there is a beta.

    Input shape:
        any.

    Output shape:
        the input's.

    Weights:
        ``gamma`` and ``beta``, each of the input's sizes along ``axes``.

    Example:
        >>> Scale(axes=[3], use_bias=True)(keras.ops.ones((2, 5, 7, 3))).shape
        (2, 5, 7, 3)
    """

    def __init__(
        self,
        axes: Sequence[int],
        use_bias: bool = False,
        use_scale: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not (use_scale or use_bias):
            raise ValueError("At least one of `use_scale` and `use_bias` must be True.")
        self.axes = _ascending(axes)
        self.use_bias = bool(use_bias)
        self.use_scale = bool(use_scale)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes ``gamma`` and ``beta``.

        Raises:
            ValueError: when an axis is not there or its size is unknown.
        """
        shape = tuple(input_shape[axis] if axis < len(input_shape) else None for axis in self.axes)
        if None in shape:
            raise ValueError(
                f"The input must have a known size along axes={self.axes}. "
                f"Received: input_shape={input_shape}"
            )
        if self.use_scale:
            self.gamma = self.add_weight(name="gamma", shape=shape, initializer="ones")
        if self.use_bias:
            self.beta = self.add_weight(name="beta", shape=shape, initializer="zeros")

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The scaled and shifted values."""
        outputs, rank = inputs, len(inputs.shape)
        if self.use_scale:
            outputs = outputs * _aligned(ops.convert_to_tensor(self.gamma), self.axes, rank)
        if self.use_bias:
            outputs = outputs + _aligned(ops.convert_to_tensor(self.beta), self.axes, rank)
        return outputs

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The input's shape."""
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "axes": list(self.axes),
            "use_bias": self.use_bias,
            "use_scale": self.use_scale,
        }


class _Broadcast(keras.Layer):
    """Two inputs, the second of which lies along some axes of the first."""

    def __init__(self, axes: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axes = _ascending(axes)

    def compute_output_shape(
        self, input_shape: Sequence[tuple[int | None, ...]]
    ) -> tuple[int | None, ...]:
        """The first input's shape.

        Raises:
            ValueError: when the second does not have the first's sizes along ``axes``.
        """
        first, second = input_shape
        sizes = [first[axis] if axis < len(first) else -1 for axis in self.axes]
        fits = len(sizes) == len(second) and all(
            None in pair or pair[0] == pair[1] for pair in zip(sizes, second, strict=True)
        )
        if not fits:
            raise ValueError(
                f"The second input must have the first's sizes along axes={self.axes}. "
                f"Received: input_shape={input_shape}"
            )
        return tuple(first)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "axes": list(self.axes)}


@keras.saving.register_keras_serializable(package="caffe2keras")
class BroadcastMultiply(_Broadcast):
    """``y = x * g``, g broadcast over all axes of x but some.

    Caffe's Scale with two bottoms (scale_layer.cpp).

    Args:
        axes: the axes of x, batch axis 0 included, that g's axes are, ascending. Without 0 the
            first axis of g is not x's batch, though Keras calls it the batch of g.

    Input shape:
        a list [x, g]: x any, g with x's sizes along ``axes``.

    Output shape:
        x's.

    Example:
        >>> x, g = keras.ops.ones((2, 5, 7, 3)), keras.ops.ones((2, 3))
        >>> BroadcastMultiply(axes=[0, 3])([x, g]).shape
        (2, 5, 7, 3)
    """

    def call(self, inputs: Sequence[keras.KerasTensor]) -> keras.KerasTensor:
        """The product."""
        x, factor = inputs
        return x * _aligned(factor, self.axes, len(x.shape))


@keras.saving.register_keras_serializable(package="caffe2keras")
class BroadcastAdd(_Broadcast):
    """``y = x + g``, g broadcast over all axes of x but some.

    Caffe's Bias with two bottoms (bias_layer.cpp).

    Args:
        axes: the axes of x, batch axis 0 included, that g's axes are, ascending. Without 0 the
            first axis of g is not x's batch, though Keras calls it the batch of g.

    Input shape:
        a list [x, g]: x any, g with x's sizes along ``axes``.

    Output shape:
        x's.

    Example:
        >>> x, g = keras.ops.ones((2, 5, 7, 3)), keras.ops.ones((5, 7))
        >>> BroadcastAdd(axes=[1, 2])([x, g]).shape
        (2, 5, 7, 3)
    """

    def call(self, inputs: Sequence[keras.KerasTensor]) -> keras.KerasTensor:
        """The sum."""
        x, term = inputs
        # Not ops.add: on TensorFlow it takes any term with one axis longer than 1 for a channel
        # bias wherever that axis's size equals the channels'.
        return x + _aligned(term, self.axes, len(x.shape))


def _ascending(axes: Sequence[int]) -> tuple[int, ...]:
    values = tuple(int(axis) for axis in axes)
    if list(values) != sorted(set(values)) or any(axis < 0 for axis in values):
        raise ValueError(f"`axes` must ascend from 0 or more. Received: axes={axes!r}")
    return values


def _aligned(tensor: keras.KerasTensor, axes: Sequence[int], rank: int) -> keras.KerasTensor:
    """``tensor``, whose axes are ``axes`` of a tensor of ``rank`` axes, with 1 for the others."""
    missing = [axis for axis in range(rank) if axis not in axes]
    return ops.expand_dims(tensor, missing) if missing else tensor

"""Reshapes and transpositions that may move the batch axis, which Keras's own leave alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe2keras.runtime.dialect import keras, ops, prod

__all__ = ["FixedReshape", "Transpose"]


@keras.saving.register_keras_serializable(package="caffe2keras")
class FixedReshape(keras.Layer):
    """The same values in the same order under another shape, batch axis included.

    Caffe's Reshape and Flatten where they reach across the batch (reshape_layer.cpp).

    Args:
        target_shape: the whole shape, every size known.

    Input shape:
        any with as many values.

    Output shape:
        ``target_shape``.

    Example:
        >>> FixedReshape([3, 2, 5])(keras.ops.ones((2, 15))).shape
        (3, 2, 5)
    """

    def __init__(self, target_shape: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target_shape = tuple(int(size) for size in target_shape)
        if any(size < 1 for size in self.target_shape):
            raise ValueError(
                "`target_shape` must hold positive sizes only. "
                f"Received: target_shape={target_shape}"
            )

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The reshaped tensor."""
        return ops.reshape(inputs, self.target_shape)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int, ...]:
        """``target_shape``.

        Raises:
            ValueError: when the input is known to hold another number of values.
        """
        sizes = [size for size in input_shape if size is not None]
        known = len(sizes) == len(input_shape)
        if known and prod(sizes) != prod(self.target_shape):
            raise ValueError(
                f"Expected an input of {prod(self.target_shape)} values to reshape to "
                f"{self.target_shape}. Received: input_shape={input_shape}"
            )
        return self.target_shape

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "target_shape": list(self.target_shape)}


@keras.saving.register_keras_serializable(package="caffe2keras")
class Transpose(keras.Layer):
    """The axes in another order, batch axis included.

    Caffe forks' Permute and Transpose where they move axis 0, and the way between two layouts.

    Args:
        permutation: which axis of the input each axis of the output is.

    Input shape:
        any with as many axes.

    Output shape:
        the input's, permuted.

    Example:
        >>> Transpose([1, 0, 2])(keras.ops.ones((2, 5, 3))).shape
        (5, 2, 3)
    """

    def __init__(self, permutation: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.permutation = tuple(int(axis) for axis in permutation)
        if sorted(self.permutation) != list(range(len(self.permutation))):
            raise ValueError(
                "`permutation` must hold every axis once, counted from 0. "
                f"Received: permutation={permutation}"
            )
        self._sizes: tuple[int | None, ...] = (None,)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Remembers the sizes."""
        self._sizes = tuple(input_shape)

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The transposed tensor."""
        if None in tuple(inputs.shape) and None not in self._sizes:
            # OpenVINO leaves every model's batch open, and what was the batch may be channels now.
            inputs = ops.reshape(inputs, self._sizes)
        return ops.transpose(inputs, self.permutation)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The input's shape, permuted.

        Raises:
            ValueError: when the input has another number of axes.
        """
        if len(input_shape) != len(self.permutation):
            raise ValueError(
                f"Expected an input of {len(self.permutation)} axes. "
                f"Received: input_shape={input_shape}"
            )
        return tuple(input_shape[axis] for axis in self.permutation)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "permutation": list(self.permutation)}

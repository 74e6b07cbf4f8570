"""A tensor that is part of the net."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe2keras.runtime.dialect import keras, ops

__all__ = ["Constant"]


@keras.saving.register_keras_serializable(package="caffe2keras")
class Constant(keras.Layer):
    """Its weight, whatever the input holds.

    Caffe's DummyData with constant fillers and its Parameter layer (parameter_layer.hpp). The
    input only gives the layer a place in the graph.

    Args:
        shape: the whole shape, batch axis included; may be empty for a scalar.

    Input shape:
        any.

    Output shape:
        ``shape``.

    Weights:
        ``value``, of shape ``shape``, not trainable.

    Example:
        >>> Constant([2, 3])(keras.ops.ones((5, 7))).shape
        (2, 3)
    """

    def __init__(self, shape: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shape = tuple(int(size) for size in shape)
        if any(size < 1 for size in self.shape):
            raise ValueError(f"`shape` must hold positive sizes only. Received: shape={shape}")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes ``value``."""
        self.value = self.add_weight(
            name="value", shape=self.shape, initializer="zeros", trainable=False
        )

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The weight."""
        return ops.convert_to_tensor(self.value)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int, ...]:
        """``shape``."""
        return self.shape

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "shape": list(self.shape)}

"""Vectors brought to length one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe2keras.runtime.dialect import keras, ops

__all__ = ["Normalize"]


@keras.saving.register_keras_serializable(package="caffe2keras")
class Normalize(keras.Layer):
    """``y = x / norm``: ``norm = sqrt(sum(x ** 2) + epsilon)``, or ``sum(abs(x)) + epsilon``.

    The Normalize of two forks (normalize_layer.cpp): weiliu89's SSD divides by the root, and
    scales afterwards; happynear's caffe-windows has both norms, and gives them as a second top.

    Args:
        axes: the axes that the sum runs over.
        order: 2 for the root of the squares, 1 for the absolute values.
        epsilon: what is added to the sum.
        with_norm: whether the norm is a second output.

    Input shape:
        any.

    Output shape:
        the input's; with ``with_norm`` a list of that and the norm's, 1 along ``axes``.

    Example:
        >>> Normalize(axes=[1], epsilon=0.0)(keras.ops.array([[3.0, 4.0]]))  # 0.6, 0.8
    """

    def __init__(
        self,
        axes: Sequence[int],
        order: int = 2,
        epsilon: float = 1e-10,
        with_norm: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not axes:
            raise ValueError("`axes` must not be empty.")
        if order not in (1, 2):
            raise ValueError(f"`order` must be 1 or 2. Received: order={order}")
        self.axes = tuple(int(axis) for axis in axes)
        self.order = int(order)
        self.epsilon = float(epsilon)
        self.with_norm = bool(with_norm)

    def call(self, inputs: keras.KerasTensor) -> Any:
        """The normalized values, and their norm if it is wanted."""
        terms = ops.abs(inputs) if self.order == 1 else ops.square(inputs)
        norm = ops.sum(terms, axis=self.axes, keepdims=True) + self.epsilon
        if self.order == 2:
            norm = ops.sqrt(norm)
        return [inputs / norm, norm] if self.with_norm else inputs / norm

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> Any:
        """The input's shape, and the norm's if it is wanted."""
        shape = tuple(input_shape)
        summed = {axis % len(shape) for axis in self.axes}
        norm = tuple(1 if axis in summed else size for axis, size in enumerate(shape))
        return [shape, norm] if self.with_norm else shape

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "axes": list(self.axes),
            "order": self.order,
            "epsilon": self.epsilon,
            "with_norm": self.with_norm,
        }

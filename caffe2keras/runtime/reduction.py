"""Sums over axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from caffe2keras.runtime.dialect import keras, ops

__all__ = ["Reduction"]

_OPERATIONS: dict[str, Callable[..., keras.KerasTensor]] = {
    "sum": lambda x, axes: ops.sum(x, axis=axes),
    "asum": lambda x, axes: ops.sum(ops.abs(x), axis=axes),
    "sumsq": lambda x, axes: ops.sum(ops.square(x), axis=axes),
    "mean": lambda x, axes: ops.mean(x, axis=axes),
}


@keras.saving.register_keras_serializable(package="caffe2keras")
class Reduction(keras.Layer):
    """A sum, sum of absolute values, sum of squares or mean over some axes, times a factor.

    Caffe's Reduction (reduction_layer.cpp), which reduces its last axes from one on.

    Args:
        operation: ``"sum"``, ``"asum"``, ``"sumsq"`` or ``"mean"``.
        axes: the axes that go, batch axis 0 included.
        coeff: the factor.

    Input shape:
        any.

    Output shape:
        the input's without ``axes``; () when they are all.

    Example:
        >>> Reduction("sumsq", axes=[1, 2], coeff=0.5)(keras.ops.ones((2, 5, 7, 3))).shape
        (2, 3)
    """

    def __init__(
        self, operation: str, axes: Sequence[int], coeff: float = 1.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if operation not in _OPERATIONS:
            raise ValueError(
                f"`operation` must be one of {tuple(_OPERATIONS)}. Received: {operation!r}"
            )
        if not axes or any(axis < 0 for axis in axes):
            raise ValueError(f"`axes` must be some, counted from 0. Received: axes={axes!r}")
        self.operation = operation
        self.axes = tuple(int(axis) for axis in axes)
        self.coeff = float(coeff)

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The reduced tensor."""
        outputs = _OPERATIONS[self.operation](inputs, self.axes)
        return outputs if self.coeff == 1.0 else outputs * self.coeff

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The input's shape without the axes."""
        return tuple(size for axis, size in enumerate(input_shape) if axis not in self.axes)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "operation": self.operation,
            "axes": list(self.axes),
            "coeff": self.coeff,
        }

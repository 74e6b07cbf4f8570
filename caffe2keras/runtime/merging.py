"""Weighted sums of several inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe2keras.runtime.dialect import keras, zip

__all__ = ["WeightedSum"]


@keras.saving.register_keras_serializable(package="caffe2keras")
class WeightedSum(keras.Layer):
    """``y = Σ c_i * x_i``, in the order of the inputs.

    Caffe's Eltwise SUM with ``coeff`` (eltwise_layer.cpp).

    Args:
        coefficients: one number for each input.

    Input shape:
        a list of tensors of one shape.

    Output shape:
        theirs.

    Example:
        >>> x = keras.ops.ones((2, 3))
        >>> WeightedSum([1.0, -0.5])([x, x])  # 0.5 everywhere
    """

    def __init__(self, coefficients: Sequence[float], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not coefficients:
            raise ValueError("`coefficients` must not be empty.")
        self.coefficients = tuple(float(each) for each in coefficients)

    def call(self, inputs: Sequence[keras.KerasTensor]) -> keras.KerasTensor:
        """The sum."""
        terms = [
            each if coefficient == 1.0 else each * coefficient
            for each, coefficient in zip(inputs, self.coefficients, strict=True)
        ]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return total

    def compute_output_shape(
        self, input_shape: Sequence[tuple[int | None, ...]]
    ) -> tuple[int | None, ...]:
        """The inputs' shape, each size from the first input that knows it.

        Raises:
            ValueError: when there are not as many inputs as coefficients, or their shapes differ.
        """
        if len(input_shape) != len(self.coefficients):
            raise ValueError(
                f"Expected {len(self.coefficients)} inputs, one for each coefficient. "
                f"Received: {len(input_shape)}"
            )
        sizes = [set(each) - {None} for each in zip(*input_shape, strict=False)]
        if len(set(map(len, input_shape))) > 1 or any(len(each) > 1 for each in sizes):
            raise ValueError(f"The inputs' shapes differ. Received: input_shape={input_shape}")
        return tuple(each.pop() if each else None for each in sizes)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "coefficients": list(self.coefficients)}

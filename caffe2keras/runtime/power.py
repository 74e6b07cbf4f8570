"""Powers."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

__all__ = ["Power"]


@keras.saving.register_keras_serializable(package="caffe2keras")
class Power(keras.Layer):
    """``y = (shift + scale * x) ** power``.

    power_layer.cpp settles the corners: with power 0, y is 1, and with scale 0 it is
    shift ** power, whatever x holds (NaN included); with power 1 no power is taken. A negative
    base under a power that is no integer gives NaN.

    Args:
        power: the exponent.
        scale: the factor of x.
        shift: what is added before the power.

    Input shape:
        any.

    Output shape:
        the input's.

    Example:
        >>> Power(power=2.0, scale=0.5, shift=1.0)(keras.ops.ones((1, 2)))  # 2.25, 2.25
    """

    def __init__(
        self, power: float = 1.0, scale: float = 1.0, shift: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.power = float(power)
        self.scale = float(scale)
        self.shift = float(shift)

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The powers."""
        if self.power * self.scale == 0.0:
            return ops.full_like(inputs, self._constant())
        outputs = inputs if self.scale == 1.0 else inputs * self.scale
        if self.shift != 0.0:
            outputs = outputs + self.shift
        if self.power == 1.0:
            return outputs
        if self.power == 2.0:
            return ops.square(outputs)
        return ops.power(outputs, self.power)

    def _constant(self) -> float:
        if self.power == 0.0:
            return 1.0
        if self.shift == 0.0:
            # C's pow answers a pole with infinity where Python raises.
            return 0.0 if self.power > 0.0 else float("inf")
        power = self.shift**self.power
        return power if isinstance(power, float) else float("nan")

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The input's shape."""
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "power": self.power,
            "scale": self.scale,
            "shift": self.shift,
        }

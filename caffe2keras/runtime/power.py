"""Powers, exponentials and logarithms of scaled and shifted values."""

from __future__ import annotations

import math
from typing import Any

from caffe2keras.runtime.dialect import keras, ops

__all__ = ["Exp", "Log", "Power"]


class _ScaledAndShifted(keras.Layer):
    """A function of ``shift + scale * x``, value by value."""

    def __init__(self, scale: float, shift: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = float(scale)
        self.shift = float(shift)

    def _inner(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """``shift + scale * x``, without the operations that would change nothing."""
        scaled = inputs if self.scale == 1.0 else inputs * self.scale
        return scaled if self.shift == 0.0 else scaled + self.shift

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The input's shape."""
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "scale": self.scale, "shift": self.shift}


@keras.saving.register_keras_serializable(package="caffe2keras")
class Power(_ScaledAndShifted):
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
        super().__init__(scale, shift, **kwargs)
        self.power = float(power)

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The powers."""
        if self.power * self.scale == 0.0:
            return ops.full_like(inputs, self._constant())
        if self.power == 1.0:
            return self._inner(inputs)
        if self.power == 2.0:
            return ops.square(self._inner(inputs))
        return ops.power(self._inner(inputs), self.power)

    def _constant(self) -> float:
        if self.power == 0.0:
            return 1.0
        if self.shift == 0.0:
            # C's pow answers a pole with infinity where Python raises.
            return 0.0 if self.power > 0.0 else math.inf
        power = self.shift**self.power
        return power if isinstance(power, float) else math.nan

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "power": self.power}


@keras.saving.register_keras_serializable(package="caffe2keras")
class Exp(_ScaledAndShifted):
    """``y = base ** (shift + scale * x)``.

    exp_layer.cpp settles the order of the operations: base ** shift is one factor outside, and
    log(base) * scale one inside, so a shift never overflows the exponent.

    Args:
        base: a positive number, or -1 for e.
        scale: the factor of x.
        shift: what is added in the exponent.

    Input shape:
        any.

    Output shape:
        the input's.

    Example:
        >>> Exp(base=2.0, scale=3.0, shift=1.0)(keras.ops.ones((1, 2)))  # 16, 16
    """

    def __init__(
        self, base: float = -1.0, scale: float = 1.0, shift: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(scale, shift, **kwargs)
        self.base = float(base)
        self._log_base = _log_of_base(self.base)

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The exponentials."""
        inside, outside = self._log_base * self.scale, math.exp(self._log_base * self.shift)
        outputs = ops.exp(inputs if inside == 1.0 else inputs * inside)
        return outputs if outside == 1.0 else outputs * outside

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "base": self.base}


@keras.saving.register_keras_serializable(package="caffe2keras")
class Log(_ScaledAndShifted):
    """``y = log(shift + scale * x)`` to a base, as log_layer.cpp; NaN below 0, -inf at 0.

    Args:
        base: a positive number other than 1, or -1 for e.
        scale: the factor of x.
        shift: what is added before the logarithm.

    Input shape:
        any.

    Output shape:
        the input's.

    Example:
        >>> Log(base=2.0, scale=3.0, shift=5.0)(keras.ops.ones((1, 2)))  # 3, 3
    """

    def __init__(
        self, base: float = -1.0, scale: float = 1.0, shift: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(scale, shift, **kwargs)
        if base == 1.0:
            raise ValueError("There is no logarithm to `base` 1.")
        self.base = float(base)
        self._log_base = _log_of_base(self.base)

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The logarithms."""
        outputs = ops.log(self._inner(inputs))
        return outputs if self._log_base == 1.0 else outputs * (1.0 / self._log_base)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "base": self.base}


def _log_of_base(base: float) -> float:
    if base == -1.0:
        return 1.0
    if base <= 0.0:
        raise ValueError(f"`base` must be positive, or -1 for e. Received: base={base}")
    return math.log(base)

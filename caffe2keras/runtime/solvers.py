"""Caffe's six solvers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from caffe2keras.runtime.base_solver import CaffeSolver
from caffe2keras.runtime.dialect import keras, ops

__all__ = [
    "CaffeAdaDelta",
    "CaffeAdaGrad",
    "CaffeAdam",
    "CaffeNesterov",
    "CaffeRMSProp",
    "CaffeSGD",
]


@keras.saving.register_keras_serializable(package="caffe2keras")
class CaffeSGD(CaffeSolver):
    """``v = momentum v + lr g;  w = w - v``, sgd_solver.cpp.

    Unlike Keras's SGD, whose velocity is the same but for its sign, with Caffe's decay and
    multipliers.

    Args:
        learning_rate: this and others as in :class:`CaffeSolver`.
        momentum: how much of a step is taken again.
        **kwargs: the others.
    """

    def __init__(self, learning_rate: Any = 0.01, momentum: float = 0.0, **kwargs: Any) -> None:
        super().__init__(learning_rate, **kwargs)
        self.momentum = float(momentum)

    def step(self, gradient: Any, rate: Any, *memories: Any) -> tuple[Any, list[Any]]:
        """The velocity."""
        velocity = gradient * rate + memories[0] * self.momentum
        return velocity, [velocity]

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "momentum": self.momentum}


@keras.saving.register_keras_serializable(package="caffe2keras")
class CaffeNesterov(CaffeSGD):
    """``v' = momentum v + lr g;  w = w - ((1 + momentum) v' - momentum v)``, nesterov_solver.cpp.

    Args:
        learning_rate: this and others as in :class:`CaffeSGD`.
        momentum: likewise.
        **kwargs: likewise.
    """

    def step(self, gradient: Any, rate: Any, *memories: Any) -> tuple[Any, list[Any]]:
        """The velocity as it will be, ahead of itself."""
        before = memories[0] * self.momentum
        velocity = gradient * rate + before
        return velocity * (1.0 + self.momentum) - before, [velocity]


@keras.saving.register_keras_serializable(package="caffe2keras")
class CaffeAdaGrad(CaffeSolver):
    """``a = a + g²;  w = w - lr g / (√a + delta)``, adagrad_solver.cpp.

    Args:
        learning_rate: this and others as in :class:`CaffeSolver`.
        delta: beside the root, where Keras's epsilon is under it.
        **kwargs: the others.
    """

    def __init__(self, learning_rate: Any = 0.01, delta: float = 1e-8, **kwargs: Any) -> None:
        super().__init__(learning_rate, **kwargs)
        self.delta = float(delta)

    def step(self, gradient: Any, rate: Any, *memories: Any) -> tuple[Any, list[Any]]:
        """The gradient over the root of all squares so far."""
        squares = self._squares(gradient, memories[0])
        return gradient * rate / (ops.sqrt(squares) + self.delta), [squares]

    def _squares(self, gradient: Any, before: Any) -> Any:
        return before + ops.square(gradient)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "delta": self.delta}


@keras.saving.register_keras_serializable(package="caffe2keras")
class CaffeRMSProp(CaffeAdaGrad):
    """``a = rms_decay a + (1 - rms_decay) g²;  w = w - lr g / (√a + delta)``, rmsprop_solver.cpp.

    Args:
        learning_rate: this and others as in :class:`CaffeAdaGrad`.
        delta: likewise.
        rms_decay: how much of the mean square is kept.
        **kwargs: the others.
    """

    def __init__(
        self,
        learning_rate: Any = 0.01,
        delta: float = 1e-8,
        rms_decay: float = 0.99,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, delta, **kwargs)
        self.rms_decay = float(rms_decay)

    def _squares(self, gradient: Any, before: Any) -> Any:
        return ops.square(gradient) * _rest(self.rms_decay) + before * self.rms_decay

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "rms_decay": self.rms_decay}


@keras.saving.register_keras_serializable(package="caffe2keras")
class CaffeAdaDelta(CaffeSolver):
    """Steps of the size of the steps so far, adadelta_solver.cpp.

    ::

        a = momentum a + (1 - momentum) g²;   u = g √((d + delta) / (a + delta))
        d = momentum d + (1 - momentum) u²;   w = w - lr u

    Args:
        learning_rate: this and others as in :class:`CaffeSolver`.
        momentum: how much of both mean squares is kept.
        delta: under both roots.
        **kwargs: the others.
    """

    memories = ("gradients", "updates")

    def __init__(
        self,
        learning_rate: Any = 1.0,
        momentum: float = 0.95,
        delta: float = 1e-6,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.momentum = float(momentum)
        self.delta = float(delta)

    def step(self, gradient: Any, rate: Any, *memories: Any) -> tuple[Any, list[Any]]:
        """The gradient times the ratio of both roots."""
        keep, new = self.momentum, _rest(self.momentum)
        squares = memories[0] * keep + ops.square(gradient) * new
        update = gradient * ops.sqrt((memories[1] + self.delta) / (squares + self.delta))
        updates = memories[1] * keep + ops.square(update) * new
        return update * rate, [squares, updates]

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "momentum": self.momentum, "delta": self.delta}


@keras.saving.register_keras_serializable(package="caffe2keras")
class CaffeAdam(CaffeSolver):
    """Adam with the correction in the rate, adam_solver.cpp.

    ::

        m = momentum m + (1 - momentum) g;   v = momentum2 v + (1 - momentum2) g²
        w = w - lr √(1 - momentum2^t) / (1 - momentum^t) · m / (√v + delta)

    Args:
        learning_rate: this and others as in :class:`CaffeSolver`.
        momentum: how much of m is kept.
        momentum2: how much of v is kept.
        delta: beside the root.
        **kwargs: the others.
    """

    memories = ("momentum", "velocity")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        momentum: float = 0.9,
        momentum2: float = 0.999,
        delta: float = 1e-8,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.momentum = float(momentum)
        self.momentum2 = float(momentum2)
        self.delta = float(delta)

    def step(self, gradient: Any, rate: Any, *memories: Any) -> tuple[Any, list[Any]]:
        """The mean over the root of the mean square."""
        time = ops.cast(self.caffe_iteration + 1, gradient.dtype)
        first, second = self.momentum, self.momentum2
        mean = memories[0] * first + gradient * _rest(first)
        square = memories[1] * second + ops.square(gradient) * _rest(second)
        correction = ops.sqrt(_rest_after(second, time)) / _rest_after(first, time)
        return rate * correction * mean / (ops.sqrt(square) + self.delta), [mean, square]

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "momentum2": self.momentum2,
            "delta": self.delta,
        }


def _rest(kept: float) -> float:
    # Caffe's coefficients are float32: what 0.999 leaves of 1 is 1.3e-5 less there than 0.001.
    return 1.0 - float(np.float32(kept))


def _rest_after(kept: float, time: Any) -> Any:
    """``1 - kept ** time``; Caffe takes it in double precision, where it is not cancelled."""
    return -ops.expm1(time * math.log(float(np.float32(kept))))

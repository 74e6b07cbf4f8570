"""The learning-rate policies of Caffe that Keras has no schedule for."""

from __future__ import annotations

from typing import Any

from caffe2keras.runtime.dialect import keras, ops

__all__ = ["InverseDecay", "SigmoidDecay"]


@keras.saving.register_keras_serializable(package="caffe2keras")
class InverseDecay(keras.optimizers.schedules.LearningRateSchedule):
    """``base_lr * (1 + gamma * iteration) ** -power``, Caffe's policy ``inv``.

    Args:
        base_lr: the rate to begin with.
        gamma: how fast it falls.
        power: how steeply.
    """

    def __init__(self, base_lr: float, gamma: float, power: float) -> None:
        super().__init__()
        self.base_lr = float(base_lr)
        self.gamma = float(gamma)
        self.power = float(power)

    def __call__(self, step: Any) -> Any:
        """The rate of an iteration, counted from 0."""
        return self.base_lr * ops.power(1.0 + self.gamma * ops.cast(step, "float32"), -self.power)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {"base_lr": self.base_lr, "gamma": self.gamma, "power": self.power}


@keras.saving.register_keras_serializable(package="caffe2keras")
class SigmoidDecay(keras.optimizers.schedules.LearningRateSchedule):
    """``base_lr / (1 + exp(-gamma * (iteration - stepsize)))``, Caffe's policy ``sigmoid``.

    With a positive gamma the rate rises, as Caffe's does.

    Args:
        base_lr: the rate's bound.
        gamma: how fast it changes; negative to fall.
        stepsize: the iteration of half ``base_lr``.
    """

    def __init__(self, base_lr: float, gamma: float, stepsize: int) -> None:
        super().__init__()
        self.base_lr = float(base_lr)
        self.gamma = float(gamma)
        self.stepsize = int(stepsize)

    def __call__(self, step: Any) -> Any:
        """The rate of an iteration, counted from 0."""
        past = ops.cast(step, "float32") - self.stepsize
        return self.base_lr / (1.0 + ops.exp(-self.gamma * past))

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {"base_lr": self.base_lr, "gamma": self.gamma, "stepsize": self.stepsize}

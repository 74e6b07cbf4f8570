"""``LearningRateMultiplier`` for tf.keras 2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from caffe2keras.runtime.lr_multiplier import Wrapping, multiplier_of

__all__ = ["LearningRateMultiplier"]


@tf.keras.saving.register_keras_serializable(package="caffe2keras")
class LearningRateMultiplier(Wrapping, tf.keras.optimizers.Optimizer):
    """An optimizer whose steps are multiplied, for each variable by a number of its own.

    As that for Keras 3: gradients, their clipping and the optimizer's memory of them stay as they
    are. SGD's velocity is one of steps there and contains the multiplier; here it does not, and
    each of its steps is multiplied instead, which comes to the same.

    Args:
        optimizer: any Keras optimizer.
        multipliers: a path (``"conv1/kernel"``), a layer, or a pattern (``"*/bias"``) ->
            multiplier; then what ``set_lr_multipliers`` said; then 1. None is 1, 0 freezes.
        name: of this optimizer.
    """

    def __init__(
        self,
        optimizer: Any,
        multipliers: Mapping[str, float | None] | None = None,
        name: str = "LearningRateMultiplier",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.optimizer = tf.keras.optimizers.get(optimizer)
        self.multipliers = dict(multipliers or {})

    def build(self, var_list: Any) -> None:
        """Build the optimizer."""
        super().build(var_list)
        self.optimizer.build(var_list)

    def apply_gradients(self, grads_and_vars: Any, *args: Any, **kwargs: Any) -> Any:
        """Take one step."""
        pairs = list(grads_and_vars)
        factors = [multiplier_of(variable, self.multipliers) for _, variable in pairs]
        before = [
            (variable, factor, tf.identity(variable))
            for (_, variable), factor in zip(pairs, factors)
            if factor != 1.0
        ]
        done = self.optimizer.apply_gradients(pairs, *args, **kwargs)
        for variable, factor, old in before:
            variable.assign(old + (variable - old) * factor)
        return done

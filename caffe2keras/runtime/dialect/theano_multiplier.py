"""``LearningRateMultiplier`` for Keras 2.3 on Theano, whose optimizers are lists of updates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from caffe2keras.runtime.lr_multiplier import multiplier_of

__all__ = ["LearningRateMultiplier"]


class LearningRateMultiplier(keras.optimizers.Optimizer):
    """An optimizer whose steps are multiplied, for each variable by a number of its own.

    As that for Keras 3: gradients, their clipping and the optimizer's memory of them stay as they
    are. SGD's velocity is one of steps there and contains the multiplier; here it does not, and
    each of its steps is multiplied instead, which comes to the same.

    Args:
        optimizer: any Keras optimizer.
        multipliers: a path (``"conv1/kernel"``), a layer, or a pattern (``"*/bias"``) ->
            multiplier; then what ``set_lr_multipliers`` said; then 1. None is 1, 0 freezes.
    """

    def __init__(
        self, optimizer: Any, multipliers: Mapping[str, float | None] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.optimizer = keras.optimizers.get(optimizer)
        self.multipliers = dict(multipliers or {})

    def get_updates(self, loss: Any, params: Any) -> list[Any]:
        """The optimizer's, with the variables' own steps multiplied."""
        factors = {variable: multiplier_of(variable, self.multipliers) for variable in params}
        constraints = {variable: getattr(variable, "constraint", None) for variable in params}
        # A constraint holds for where the multiplied step leads.
        for variable in params:
            variable.constraint = None
        self.updates = [
            self._multiplied(update, factors, constraints)
            for update in self.optimizer.get_updates(loss, params)
        ]
        for variable in params:
            variable.constraint = constraints[variable]
        self.weights = self.optimizer.weights
        return list(self.updates)

    def _multiplied(
        self, update: Any, factors: Mapping[Any, float], constraints: Mapping[Any, Any]
    ) -> Any:
        if not isinstance(update, tuple) or update[0] not in factors:
            return update
        variable, after = update
        factor = factors[variable]
        if factor != 1.0:
            after = variable + (after - variable) * keras.backend.cast_to_floatx(factor)
        constrain = constraints[variable]
        return variable, constrain(after) if constrain else after

    @property
    def lr(self) -> Any:
        """The optimizer's learning rate, before multipliers."""
        return self.optimizer.lr

    @property
    def iterations(self) -> Any:
        """The optimizer's."""
        return self.optimizer.iterations

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            "optimizer": keras.optimizers.serialize(self.optimizer),
            "multipliers": self.multipliers,
        }

    @classmethod
    def from_config(
        cls, config: Mapping[str, Any], custom_objects: Any = None
    ) -> LearningRateMultiplier:
        """The optimizer of a config."""
        inner = keras.optimizers.deserialize(config["optimizer"], custom_objects=custom_objects)
        return cls(inner, config["multipliers"])


keras.utils.get_custom_objects()["LearningRateMultiplier"] = LearningRateMultiplier
# Keras 2.3 looks optimizers up by their names in lower case.
keras.utils.get_custom_objects()["learningratemultiplier"] = LearningRateMultiplier

"""Learning rates of their own for single variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from caffe2keras.runtime.dialect import keras, ops, zip

if TYPE_CHECKING:
    from typing import TypeAlias

__all__ = ["LearningRateMultiplier", "Wrapping", "multiplier_of", "set_lr_multipliers"]

Multipliers: TypeAlias = "Mapping[str, float | None]"


def set_lr_multipliers(layer: keras.Layer, **multipliers: float | None) -> None:
    """Give variables of a layer learning rates of their own.

    They count where the model is compiled with a :class:`LearningRateMultiplier` or one of Caffe's
    solvers, which must not be built yet. The MarcBS fork of Keras 1 called them
    ``W_learning_rate_multiplier`` and ``b_learning_rate_multiplier``.

    Args:
        layer: a built layer.
        **multipliers: variable name -> multiplier, as ``kernel=10, bias=20``; 0 freezes the
            variable, None takes the multiplier away.

    Raises:
        ValueError: the layer has no such variable.
    """
    variables = {_path(variable).rpartition("/")[2]: variable for variable in layer.weights}
    for name, multiplier in multipliers.items():
        if name not in variables:
            raise ValueError(
                f"Layer {layer.name!r} has the variables {sorted(variables)}. Received: {name!r}"
            )
        variables[name].lr_multiplier = None if multiplier is None else float(multiplier)


def _path(variable: keras.Variable) -> str:
    """As ``conv1/kernel``; Keras 2 calls it the variable's name."""
    return str(getattr(variable, "path", None) or variable.name).partition(":")[0]


def multiplier_of(
    variable: keras.Variable, multipliers: Multipliers, attribute: str = "lr_multiplier"
) -> float:
    """What the step of a variable is multiplied by.

    Args:
        variable: the variable.
        multipliers: as those of :class:`LearningRateMultiplier`.
        attribute: where a variable carries its own.
    """
    path = _path(variable)
    for key, multiplier in multipliers.items():
        if path == key or path.startswith(f"{key}/") or fnmatchcase(path, key):
            return 1.0 if multiplier is None else float(multiplier)
    own = getattr(variable, attribute, None)
    return 1.0 if own is None else float(own)


class Wrapping:
    """What an optimizer has of the one that it works through, on every Keras alike."""

    name: str
    optimizer: Any
    multipliers: dict[str, float | None]

    @property
    def iterations(self) -> Any:
        """The optimizer's."""
        return self.optimizer.iterations

    @property
    def learning_rate(self) -> Any:
        """The optimizer's, before multipliers."""
        return self.optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        self.optimizer.learning_rate = learning_rate

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            "name": self.name,
            "optimizer": keras.optimizers.serialize(self.optimizer),
            "multipliers": self.multipliers,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Any = None) -> Any:
        """The optimizer of a config."""
        inner = keras.optimizers.deserialize(config["optimizer"], custom_objects=custom_objects)
        return cls(**{**config, "optimizer": inner})


@keras.saving.register_keras_serializable(package="caffe2keras")
class LearningRateMultiplier(Wrapping, keras.optimizers.Optimizer):
    """An optimizer whose steps are multiplied, for each variable by a number of its own.

    The learning rate that a variable sees is lr · m, in the step alone: gradients, their clipping,
    and the optimizer's memory of them stay as they are (SGD's velocity is one of steps, and
    contains m, as in the MarcBS fork of Keras 1 and in Caffe). Decoupled weight decay, a step too,
    is multiplied as well, so that 0 freezes a variable whatever the optimizer. The fork handed
    the multipliers to the wrong variables: it counted two for every layer, weights or not.

    Args:
        optimizer: any Keras optimizer, not built yet. It belongs to this one from then on.
        multipliers: what a variable is found by -> its multiplier: a path (``"conv1/kernel"``), a
            layer (``"conv1"``), or a pattern (``"*/bias"``). The first that fits counts; then
            what :func:`set_lr_multipliers` said; then 1. None is 1, 0 freezes.

    A ``.keras`` file keeps the optimizer's state. A ``.h5`` file keeps the multipliers, but Keras
    finds the variables of a functional model's optimizer in none, warns, and begins anew.

    Example:
        >>> LearningRateMultiplier(keras.optimizers.SGD(0.01), {"*/bias": 2, "conv1": 0})
    """

    def __init__(
        self,
        optimizer: Any,
        multipliers: Multipliers | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(learning_rate=0.0, name=name or "learning_rate_multiplier")
        self.optimizer = keras.optimizers.get(optimizer)
        if self.optimizer.built:
            raise ValueError("`optimizer` must not be built. Received one that is.")
        self.multipliers = dict(multipliers or {})
        self._factors: list[float] = []
        self._take_over()

    def _take_over(self) -> None:
        """Put our factors between the optimizer and its last step."""
        inner = self.optimizer
        # Keras's torch optimizers move all variables at once, past update_step. What they inherit
        # it from moves them one by one, as on every other backend.
        for kind in type(inner).__mro__:
            if kind.__name__ == "TorchParallelOptimizer":
                bulk: Any = kind
                inner._backend_update_step = super(bulk, inner)._backend_update_step
        inner.update_step = self._multiplied(inner.update_step)
        inner._apply_weight_decay = self._decay_weights

    def _multiplied(self, update_step: Callable[..., None]) -> Callable[..., None]:
        def step(gradient: Any, variable: Any, learning_rate: Any) -> None:
            factor = self._factors[self.optimizer._get_variable_index(variable)]
            rate = learning_rate if factor == 1.0 else learning_rate * factor
            update_step(gradient, variable, rate)

        return step

    def _decay_weights(self, variables: Sequence[Any]) -> None:
        inner = self.optimizer
        if inner.weight_decay is None:
            return
        for variable in variables:
            if inner._use_weight_decay(variable):
                factor = self._factors[inner._get_variable_index(variable)]
                rate = ops.cast(inner.learning_rate, variable.dtype)
                variable.assign(variable - variable * (rate * (inner.weight_decay * factor)))

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Build the optimizer, and look every variable's multiplier up."""
        # Reading a .h5 file, Keras builds optimizers with a model's own variables: a functional
        # model has none, its layers do, and Keras's own optimizers can never be used after that.
        if self.built or not variables:
            return
        self.optimizer.build(variables)
        super().build(variables)
        self._factors = [multiplier_of(variable, self.multipliers) for variable in variables]
        # What set_lr_multipliers said goes into the file too.
        for variable, factor in zip(variables, self._factors, strict=True):
            if factor != 1.0 and getattr(variable, "lr_multiplier", None) is not None:
                self.multipliers.setdefault(variable.path, factor)

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """Take one step."""
        if not self.built:
            self.build(list(trainable_variables))
        self.optimizer.apply(grads, trainable_variables)

    @property
    def variables(self) -> list[Any]:
        """The optimizer's."""
        return list(self.optimizer.variables)

    def scale_loss(self, loss: Any) -> Any:
        """As the optimizer does."""
        return self.optimizer.scale_loss(loss)

    def finalize_variable_values(self, var_list: Any) -> None:
        """As the optimizer does."""
        self.optimizer.finalize_variable_values(var_list)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set the optimizer's variables, once it is built."""
        self.optimizer.set_weights(weights)

    def save_own_variables(self, store: Any) -> None:
        """Nothing: Keras saves the optimizer inside by itself."""

    def load_own_variables(self, store: Any) -> None:
        """Nothing: Keras loads the optimizer inside by itself."""

"""What Caffe's solvers share: the order of clipping, averaging, decay and step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe2keras.runtime.dialect import keras, ops, zip
from caffe2keras.runtime.lr_multiplier import Multipliers, multiplier_of

__all__ = ["CaffeSolver"]

_REGULARIZATIONS = ("L2", "L1")


class CaffeSolver(keras.optimizers.Optimizer):
    """An update as sgd_solver.cpp makes it, in this order.

    1. The gradients of ``iter_size`` batches are summed; those with lr_mult 0 count as zeros.
    2. All of them together are scaled down to the norm ``clip_gradients``, if theirs is larger.
    3. They are divided by ``iter_size``.
    4. weight_decay · decay_mult times the weights (L2), or their signs (L1), is added. It is part
       of the gradient from here on, and so of what the solver remembers.
    5. The solver makes a step of it, with the rate lr · lr_mult.

    Args:
        learning_rate: base_lr, or a schedule; of iterations, each of ``iter_size`` batches.
        weight_decay: Caffe's; not Keras's, which is no part of the gradient.
        regularization_type: ``"L2"`` or ``"L1"``.
        clip_gradients: the largest norm of all gradients together, or None.
        iter_size: how many batches make an iteration.
        lr_multipliers: as those of :class:`LearningRateMultiplier`; first these count, then what
            a variable carries as ``lr_multiplier``, which ``load_model`` and
            ``set_lr_multipliers`` write there.
        decay_multipliers: the same for decay_mult, and ``decay_multiplier``.
        name: of the optimizer.
    """

    #: What the solver remembers of each variable, in the order of Caffe's history.
    memories: Sequence[str] = ("history",)

    def __init__(
        self,
        learning_rate: Any = 0.01,
        weight_decay: float = 0.0,
        regularization_type: str = "L2",
        clip_gradients: float | None = None,
        iter_size: int = 1,
        lr_multipliers: Multipliers | None = None,
        decay_multipliers: Multipliers | None = None,
        name: str | None = None,
    ) -> None:
        if regularization_type not in _REGULARIZATIONS:
            raise ValueError(
                f"`regularization_type` must be one of {_REGULARIZATIONS}. "
                f"Received: {regularization_type!r}"
            )
        if iter_size < 1:
            raise ValueError(f"`iter_size` must be at least 1. Received: iter_size={iter_size}")
        super().__init__(
            learning_rate=learning_rate,
            gradient_accumulation_steps=iter_size if iter_size > 1 else None,
            name=name or type(self).__name__.lower(),
        )
        self.decay = float(weight_decay)
        self.regularization_type = regularization_type
        self.clip_gradients = None if clip_gradients is None else float(clip_gradients)
        self.iter_size = int(iter_size)
        self.lr_multipliers = dict(lr_multipliers or {})
        self.decay_multipliers = dict(decay_multipliers or {})
        self.memory: list[list[Any]] = []
        self._rates: list[float] = []
        self._decays: list[float] = []

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Begin to remember, and look the multipliers up."""
        # Reading a .h5 file, Keras builds optimizers with a model's own variables, and a
        # functional model has none.
        if self.built or not variables:
            return
        super().build(variables)
        self.memory = [self.add_optimizer_variables(variables, name) for name in self.memories]
        rates, decays = self.lr_multipliers, self.decay_multipliers
        self._rates = [multiplier_of(one, rates) for one in variables]
        self._decays = [multiplier_of(one, decays, "decay_multiplier") for one in variables]
        for one, rate, decay in zip(variables, self._rates, self._decays, strict=True):
            self._keep(rates, one, rate)
            self._keep(decays, one, decay)

    @staticmethod
    def _keep(table: dict[str, float | None], variable: Any, found: float) -> None:
        # What a variable carries is in no file; the config is.
        if found != multiplier_of(variable, table, attribute=""):
            table[variable.path] = found

    def _clip_gradients(self, grads: list[Any]) -> list[Any]:
        if self.clip_gradients is None:
            return grads
        # Keras hands over the mean of the batches' gradients, and Caffe clips their sum.
        bound = self.clip_gradients / self.iter_size
        learned = [ops.sum(ops.square(g)) for g, m in zip(grads, self._rates, strict=True) if m]
        norm = ops.sqrt(sum(learned))
        scale = ops.where(norm > bound, bound / norm, 1.0)
        return [grad * scale for grad in grads]

    def _get_current_learning_rate(self) -> Any:
        if isinstance(self._learning_rate, keras.optimizers.schedules.LearningRateSchedule):
            return self._learning_rate(self.caffe_iteration)
        return super()._get_current_learning_rate()

    @property
    def caffe_iteration(self) -> Any:
        """How many updates there have been, each of ``iter_size`` batches."""
        return self._iterations if self.iter_size == 1 else self._iterations // self.iter_size

    def iterations_done(self, count: int) -> None:
        """Let the next update be number ``count``, counted from 0."""
        self._iterations.assign(count * self.iter_size)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Decay and step of one variable."""
        index = self._get_variable_index(variable)
        if self._rates[index] == 0.0:
            return
        dtype = variable.dtype
        gradient = ops.cast(gradient, dtype)
        decay = self.decay * self._decays[index]
        if decay:
            weights = ops.convert_to_tensor(variable)
            weights = weights if self.regularization_type == "L2" else ops.sign(weights)
            gradient = gradient + weights * decay
        rate = ops.cast(learning_rate, dtype) * self._rates[index]
        remembered = [memory[index] for memory in self.memory]
        step, after = self.step(gradient, rate, *remembered)
        for memory, value in zip(remembered, after, strict=True):
            self.assign(memory, value)
        self.assign_sub(variable, step)

    def step(self, gradient: Any, rate: Any, *memories: Any) -> tuple[Any, list[Any]]:
        """What is taken off a variable, and what is remembered of it."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        config = super().get_config()
        return {
            "name": config["name"],
            "learning_rate": config["learning_rate"],
            "weight_decay": self.decay,
            "regularization_type": self.regularization_type,
            "clip_gradients": self.clip_gradients,
            "iter_size": self.iter_size,
            "lr_multipliers": self.lr_multipliers,
            "decay_multipliers": self.decay_multipliers,
        }

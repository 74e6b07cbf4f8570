"""A solver in Keras's words, as data: no Keras is imported to know what a file means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from caffe2keras.errors import UnsupportedFieldError

if TYPE_CHECKING:
    from caffe2keras.proto.caffe_pb2 import SolverParameter

__all__ = ["Schedule", "SolverPlan", "plan_of"]

# Caffe's type -> our class, and the arguments it has beside the common ones.
_SOLVERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "SGD": ("CaffeSGD", ("momentum",)),
    "Nesterov": ("CaffeNesterov", ("momentum",)),
    "AdaGrad": ("CaffeAdaGrad", ("delta",)),
    "RMSProp": ("CaffeRMSProp", ("delta", "rms_decay")),
    "AdaDelta": ("CaffeAdaDelta", ("momentum", "delta")),
    "Adam": ("CaffeAdam", ("momentum", "momentum2", "delta")),
}

# CHECK_EQ in the constructors of adagrad_solver.cpp and rmsprop_solver.cpp.
_WITHOUT_MOMENTUM = ("AdaGrad", "RMSProp")


@dataclass(frozen=True)
class Schedule:
    """A learning rate that changes.

    Attributes:
        class_name: as in ``keras.optimizers.schedules``, or ours with the package,
            ``caffe2keras>InverseDecay``.
        config: its arguments.
    """

    class_name: str
    config: Mapping[str, Any]


@dataclass(frozen=True)
class SolverPlan:
    """What a solver file means.

    Attributes:
        class_name: a class of ``caffe2keras.runtime``.
        learning_rate: base_lr, or what becomes of it.
        config: the other arguments.
        max_iter: how many updates Caffe makes; 0 if the file does not say.
        net: the net that it trains, as the file names it.
    """

    class_name: str
    learning_rate: float | Schedule
    config: Mapping[str, Any] = field(default_factory=dict)
    max_iter: int = 0
    net: str = ""

    def to_json(self) -> dict[str, Any]:
        """As ``caffe2keras solver --json`` prints it."""
        rate = self.learning_rate
        if isinstance(rate, Schedule):
            rate_json: Any = {"class_name": rate.class_name, "config": dict(rate.config)}
        else:
            rate_json = rate
        return {
            "class_name": f"caffe2keras>{self.class_name}",
            "learning_rate": rate_json,
            "config": dict(self.config),
            "max_iter": self.max_iter,
            "net": self.net,
        }

    def render(self) -> str:
        """The same as Python source."""
        rate = self.learning_rate
        said = _source_of(rate) if isinstance(rate, Schedule) else repr(rate)
        pairs = {"learning_rate": said} | {key: repr(value) for key, value in self.config.items()}
        lines = [f"optimizer = caffe2keras.runtime.{self.class_name}("]
        lines += [f"    {key}={value}," for key, value in pairs.items()]
        lines += [")"]
        batches = self.max_iter * int(self.config.get("iter_size", 1))
        if self.max_iter:
            lines += [f"# for {self.max_iter} updates, which take {batches} batches"]
        if self.net:
            lines += [f"# the net: {self.net}"]
        return "\n".join(lines)


def plan_of(solver: SolverParameter, where: str = "") -> SolverPlan:
    """What a solver means in Keras.

    Args:
        solver: as ``read_solver`` gives it.
        where: the file, for messages.

    Raises:
        UnsupportedFieldError: there is no such type, policy or regularization, or what there is
            lacks what it needs.
    """
    if solver.type not in _SOLVERS:
        raise _unknown("type", solver.type, list(_SOLVERS), where)
    if solver.regularization_type not in ("L1", "L2"):
        raise _unknown("regularization_type", solver.regularization_type, ["L1", "L2"], where)
    if solver.type in _WITHOUT_MOMENTUM and solver.momentum:
        raise UnsupportedFieldError(
            what=f"momentum: {solver.momentum:g}",
            where=where,
            why=f"Caffe's {solver.type} refuses momentum",
        )
    class_name, own = _SOLVERS[solver.type]
    config: dict[str, Any] = {name: _short(getattr(solver, name)) for name in own}
    if solver.weight_decay:
        config["weight_decay"] = _short(solver.weight_decay)
        config["regularization_type"] = str(solver.regularization_type)
    if solver.clip_gradients >= 0:
        config["clip_gradients"] = _short(solver.clip_gradients)
    if solver.iter_size > 1:
        config["iter_size"] = int(solver.iter_size)
    return SolverPlan(
        class_name=class_name,
        learning_rate=_learning_rate(solver, where),
        config=config,
        max_iter=int(solver.max_iter),
        net=str(solver.net or solver.train_net),
    )


def _learning_rate(solver: SolverParameter, where: str) -> float | Schedule:
    """The policy, by a stock schedule where one computes the same (sgd_solver.cpp)."""
    base, gamma, power = (_short(getattr(solver, n)) for n in ("base_lr", "gamma", "power"))
    steps = int(solver.stepsize)
    match solver.lr_policy:
        case "fixed":
            return base
        case "step":
            _need(solver, "stepsize", where)
            config = {"decay_steps": steps, "decay_rate": gamma, "staircase": True}
            return Schedule("ExponentialDecay", {"initial_learning_rate": base, **config})
        case "exp":
            config = {"decay_steps": 1, "decay_rate": gamma}
            return Schedule("ExponentialDecay", {"initial_learning_rate": base, **config})
        case "poly":
            _need(solver, "max_iter", where)
            config = {"decay_steps": int(solver.max_iter), "end_learning_rate": 0.0}
            config["power"] = power
            return Schedule("PolynomialDecay", {"initial_learning_rate": base, **config})
        case "multistep":
            return _multistep(base, gamma, list(solver.stepvalue))
        case "inv":
            config = {"base_lr": base, "gamma": gamma, "power": power}
            return Schedule("caffe2keras>InverseDecay", config)
        case "sigmoid":
            config = {"base_lr": base, "gamma": gamma, "stepsize": steps}
            return Schedule("caffe2keras>SigmoidDecay", config)
    known = ["fixed", "step", "exp", "inv", "multistep", "poly", "sigmoid"]
    raise _unknown("lr_policy", solver.lr_policy, known, where)


def _multistep(base: float, gamma: float, values: list[int]) -> float | Schedule:
    # At most one step an iteration, from its value on; Keras keeps a rate up to its boundary.
    boundaries: list[int] = []
    for value in values:
        boundaries.append(max(value - 1, boundaries[-1] + 1 if boundaries else -1))
    if not boundaries:
        return base
    rates = [_short(base * gamma**count) for count in range(len(boundaries) + 1)]
    return Schedule("PiecewiseConstantDecay", {"boundaries": boundaries, "values": rates})


def _short(number: float) -> float:
    """The shortest decimal that is the same float32: 0.1, not 0.10000000149."""
    return float(f"{number:.7g}")


def _need(solver: SolverParameter, name: str, where: str) -> None:
    if getattr(solver, name) <= 0:
        raise UnsupportedFieldError(
            what=f'lr_policy "{solver.lr_policy}" without {name}',
            where=where,
            why=f"it divides by {name}",
        )


def _source_of(schedule: Schedule) -> str:
    package, _, name = schedule.class_name.rpartition(">")
    home = "caffe2keras.runtime" if package else "keras.optimizers.schedules"
    arguments = ", ".join(f"{key}={value!r}" for key, value in schedule.config.items())
    return f"{home}.{name}({arguments})"


def _unknown(name: str, value: str, known: list[str], where: str) -> UnsupportedFieldError:
    return UnsupportedFieldError(
        what=f'{name}: "{value}"', where=where, why="Caffe knows " + ", ".join(known)
    )

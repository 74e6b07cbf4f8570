"""Models compiled as a solver file says."""

from __future__ import annotations

from os import PathLike
from typing import Any

from caffe2keras.backend import import_keras
from caffe2keras.errors import UnsupportedCombinationError
from caffe2keras.read.solver import read_solver
from caffe2keras.train.plan import Schedule, SolverPlan, plan_of

__all__ = ["compile_from_solver", "optimizer_of"]


def compile_from_solver(
    model: Any, solver: str | PathLike[str], *, loss: Any = None, metrics: Any = None
) -> SolverPlan:
    """Compile a model so that it trains as Caffe would.

    Learning rates and decay follow the lr_mult and decay_mult that the file carries, if the model
    comes from :func:`caffe2keras.load_model`. An iteration of Caffe's is ``iter_size`` batches.

    Args:
        model: the model.
        solver: a solver.prototxt.
        loss: as for ``model.compile``; by default those that the model is compiled with, as one
            is that was converted in phase TRAIN, their weights included; else what
            SoftmaxWithLoss computes, of labels that are class numbers, for a model that ends in a
            softmax.
        metrics: as for ``model.compile``; by default those that the model is compiled with.

    Returns:
        What the file means; ``max_iter`` says for how long to train.

    Raises:
        PrototxtError: the solver cannot be read.
        UnsupportedError: it asks for what there is not; or no loss is given, and none is known.
        BackendError: no Keras backend can be imported.
    """
    plan = plan_of(read_solver(solver), str(solver))
    keras = import_keras()
    arguments: dict[str, Any] = {"loss": loss}
    if loss is None:
        arguments = _kept_losses(keras, model) or {"loss": _softmax_loss(keras, model)}
    if metrics is not None:
        arguments["metrics"] = metrics
    model.compile(optimizer=optimizer_of(plan), **arguments)
    return plan


def optimizer_of(plan: SolverPlan) -> Any:
    """The optimizer of a plan.

    Raises:
        BackendError: no Keras backend can be imported.
    """
    keras = import_keras()
    from caffe2keras import runtime

    rate: Any = plan.learning_rate
    if isinstance(rate, Schedule):
        package, _, name = rate.class_name.rpartition(">")
        home = runtime if package else keras.optimizers.schedules
        rate = getattr(home, name)(**rate.config)
    return getattr(runtime, plan.class_name)(learning_rate=rate, **plan.config)


def _kept_losses(keras: Any, model: Any) -> dict[str, Any] | None:
    """What a compiled model is trained for; None for one that is not compiled."""
    if not model.compiled:
        return None
    config = model.get_compile_config()
    names = ("loss", "loss_weights", "metrics", "weighted_metrics")
    return {name: keras.saving.deserialize_keras_object(config[name]) for name in names}


def _softmax_loss(keras: Any, model: Any) -> Any:
    last = model.layers[-1]
    activation = getattr(last, "activation", None)
    if isinstance(last, keras.layers.Softmax) or activation is keras.activations.softmax:
        return keras.losses.SparseCategoricalCrossentropy()
    raise UnsupportedCombinationError(
        what=f'no loss is given for a model that ends in "{last.name}" ({type(last).__name__})',
        why="only a softmax tells its loss by itself",
        hint="give loss=, as to model.compile",
    )

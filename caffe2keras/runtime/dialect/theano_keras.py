"""``keras`` as the layers speak of it, made of Keras 2.3 on Theano."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import keras as old
from keras import backend

from caffe2keras.runtime.dialect.keras2 import (
    Names,
    NeedsKeras3,
    SeedGenerator,
    serializable,
    training_words,
)
from caffe2keras.runtime.dialect.theano_tensor import Tensor, raw, wrapped

__all__ = ["RNN", "Layer", "keras"]


class Layer(old.layers.Layer):
    """Keras's, whose subclasses see tensors that know their shapes, as in Keras 3."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "call" in cls.__dict__:
            cls.call = _with_tensors(cls.__dict__["call"])

    @property
    def compute_dtype(self) -> str:
        """The type that it computes in, which Keras 2 does not set apart."""
        return str(backend.floatx())

    def add_weight(
        self,
        shape: Any = (),
        initializer: Any = "glorot_uniform",
        name: str | None = None,
        **kwargs: Any,
    ) -> Tensor:
        """A variable, as a tensor."""
        own = _returning_raw(initializer) if inspect.isfunction(initializer) else initializer
        sizes = tuple(int(size) for size in shape)
        return wrapped(super().add_weight(name=name, shape=sizes, initializer=own, **kwargs))


class RNN(NeedsKeras3):
    """Its cells would be handed variables, not tensors."""


def _returning_raw(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args, **kwargs: raw(function(*args, **kwargs))


def _with_tensors(call: Callable[..., Any]) -> Callable[..., Any]:
    """``call`` between Keras, which hands variables over, and a layer, which wants tensors."""
    trains = "training" in inspect.signature(call).parameters

    @functools.wraps(call)
    def speaking(self: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if trains and any(getattr(self, name, 0.0) for name in ("dropout", "recurrent_dropout")):
            # Keras 2 chooses between the phases when the graph runs: see _dropout.
            kwargs.setdefault("training", True)
            self.uses_learning_phase = True
        masks = {key: _map(_tensor, kwargs[key]) for key in ("mask",) if key in kwargs}
        return _map(raw, call(self, _map(_tensor, inputs), *args, **{**kwargs, **masks}))

    return speaking


def _map(function: Callable[[Any], Any], values: Any) -> Any:
    several = isinstance(values, (list, tuple))
    return [function(each) for each in values] if several else function(values)


def _tensor(value: Any) -> Any:
    return None if value is None else wrapped(value)


def _register(package: str, thing: Any) -> None:
    """Under the name in a file, and under the one that this Keras gives it on saving."""
    names = old.utils.get_custom_objects()
    names[f"{package}>{thing.__name__}"] = thing
    names[thing.__name__] = thing


def _activation(identifier: Any) -> Any:
    """An activation of Keras's, or a function of the layers', of tensors."""
    function = old.activations.get(identifier)

    @functools.wraps(function)
    def of_tensor(x: Any) -> Tensor:
        tensor = wrapped(x)
        return Tensor(raw(function(tensor.variable)), tensor.shape)

    return of_tensor


def _dropout(inputs: Any, rate: float, seed: SeedGenerator | None = None) -> Tensor:
    """Dropped in training, all of it otherwise."""
    tensor = wrapped(inputs)
    dropped = backend.dropout(tensor.variable, rate, seed=seed.seed if seed else None)
    return Tensor(backend.in_train_phase(dropped, tensor.variable), tensor.shape)


keras = Names(
    old,
    Layer=Layer,
    activations=Names(old.activations, get=_activation),
    layers=Names(old.layers, RNN=RNN),
    config=SimpleNamespace(image_data_format=backend.image_data_format),
    random=SimpleNamespace(SeedGenerator=SeedGenerator, dropout=_dropout),
    saving=SimpleNamespace(register_keras_serializable=serializable(_register)),
    **training_words(old),
)

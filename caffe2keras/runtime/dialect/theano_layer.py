"""``keras.Layer`` as the layers speak of it, made of Keras 2.3 on Theano."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import keras as old
from keras import backend
from theano import tensor as T  # noqa: N812  # as all of Theano's documentation has it

from caffe2keras.runtime.dialect.theano_tensor import Tensor, raw, wrapped

__all__ = ["Layer"]


class Layer(old.layers.Layer):
    """Keras's, whose subclasses see tensors that know their shapes, as in Keras 3."""

    built: bool

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "call" in cls.__dict__:
            cls.call = _with_tensors(cls.__dict__["call"])

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """As Keras does; a layer that is part of another is given tensors, and just computes."""
        if not _are_tensors(inputs):
            return super().__call__(inputs, *args, **kwargs)
        if not self.built:
            several = isinstance(inputs, (list, tuple))
            self.build([each.shape for each in inputs] if several else inputs.shape)
            self.built = True
        return self.call(inputs, *args, **kwargs)

    @property
    def trainable_weights(self) -> list[Any]:
        """This layer's, then those of the layers that it is made of, as in Keras 3."""
        return self._with_parts("trainable_weights", super().trainable_weights)

    @property
    def non_trainable_weights(self) -> list[Any]:
        """Likewise."""
        return self._with_parts("non_trainable_weights", super().non_trainable_weights)

    def _with_parts(self, kind: str, own: list[Any]) -> list[Any]:
        parts = [each for each in vars(self).values() if isinstance(each, Layer)]
        weights = [*own, *(weight for part in parts for weight in getattr(part, kind))]
        return list(dict.fromkeys(weights))

    @property
    def compute_dtype(self) -> str:
        """The type that it computes in, which Keras 2 does not set apart."""
        return str(backend.floatx())

    def add_weight(
        self,
        shape: Any = (),
        initializer: Any = "glorot_uniform",
        name: str | None = None,
        autocast: bool = True,
        **kwargs: Any,
    ) -> Tensor:
        """A variable, as a tensor; its type is never changed behind it, ``autocast`` or not."""
        own = _returning_raw(initializer) if inspect.isfunction(initializer) else initializer
        sizes = tuple(int(size) for size in shape)
        return wrapped(super().add_weight(name=name, shape=sizes, initializer=own, **kwargs))


def _are_tensors(inputs: Any) -> bool:
    """Whether they come from a layer's own code, and not from Keras."""
    first = inputs[0] if isinstance(inputs, (list, tuple)) and inputs else inputs
    return isinstance(first, Tensor)


def _returning_raw(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args, **kwargs: raw(function(*args, **kwargs))


def _with_tensors(call: Callable[..., Any]) -> Callable[..., Any]:
    """``call`` between Keras, which hands variables over, and a layer, which wants tensors."""
    trains = "training" in inspect.signature(call).parameters

    @functools.wraps(call)
    def speaking(self: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if _are_tensors(inputs):
            return call(self, inputs, *args, **kwargs)  # from a layer that it is part of
        if trains and any(getattr(self, name, 0.0) for name in ("dropout", "recurrent_dropout")):
            # Keras 2 chooses between the phases when the graph runs: see _dropout.
            kwargs.setdefault("training", True)
            self.uses_learning_phase = True
        masks = {key: _map(_tensor, kwargs[key]) for key in ("mask",) if key in kwargs}
        return _map(_given_back, call(self, _map(_tensor, inputs), *args, **{**kwargs, **masks}))

    return speaking


def _given_back(value: Any) -> Any:
    """What Keras knows of an output; Keras's LSTM wants a batch that is not said to be of one."""
    variable = raw(value)
    single = getattr(variable, "broadcastable", ())[:1] == (True,)
    return T.unbroadcast(variable, 0) if single else variable


def _map(function: Callable[[Any], Any], values: Any) -> Any:
    several = isinstance(values, (list, tuple))
    return [function(each) for each in values] if several else function(values)


def _tensor(value: Any) -> Any:
    return None if value is None else wrapped(value)

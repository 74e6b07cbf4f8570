"""``keras`` as the layers speak of it, made of Keras 2.3 on Theano."""

from __future__ import annotations

import functools
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
from caffe2keras.runtime.dialect.theano_layer import Layer
from caffe2keras.runtime.dialect.theano_recurrent import RNN
from caffe2keras.runtime.dialect.theano_tensor import Tensor, raw, wrapped

__all__ = ["keras"]


def _register(package: str, thing: Any) -> None:
    """Under the name in a file, and under the one that this Keras gives it on saving."""
    names = old.utils.get_custom_objects()
    names[f"{package}>{thing.__name__}"] = thing
    if not (isinstance(thing, type) and issubclass(thing, NeedsKeras3)):
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

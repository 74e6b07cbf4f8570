"""``keras`` as the layers speak of it, made of tf.keras 2."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import tensorflow as tf

from caffe2keras.runtime.dialect.keras2 import (
    Names,
    SeedGenerator,
    serializable,
    training_words,
)

__all__ = ["Layer", "keras"]


class Layer(tf.keras.layers.Layer):
    """tf.keras's, whose code is run as it stands: the layers' loops are over what is known."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "call" in cls.__dict__:
            cls.call = _as_it_stands(cls.__dict__["call"])
        for name in ("build", "compute_output_shape"):
            if name in cls.__dict__:
                setattr(cls, name, _with_tuples(cls.__dict__[name]))

    def add_weight(self, *args: Any, autocast: bool = True, **kwargs: Any) -> Any:
        """A variable; tf.keras says otherwise whether its type is the layer's."""
        return super().add_weight(*args, experimental_autocast=autocast, **kwargs)


def _as_it_stands(call: Callable[..., Any]) -> Callable[..., Any]:
    """``call``, which TensorFlow shall not rewrite; Keras still sees its arguments."""
    plain = tf.autograph.experimental.do_not_convert(call)
    return tf.__internal__.decorator.make_decorator(call, plain)  # type: ignore[no-any-return]


def _with_tuples(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method that is given shapes as tuples, as in Keras 3."""

    @functools.wraps(method)
    def speaking(self: Any, input_shape: Any) -> Any:
        return method(self, _as_tuples(input_shape))

    return speaking


def _as_tuples(shape: Any) -> Any:
    if isinstance(shape, tf.TensorShape):
        return tuple(shape)
    several = isinstance(shape, (list, tuple)) and any(
        isinstance(each, (list, tuple, tf.TensorShape)) for each in shape
    )
    return [_as_tuples(each) for each in shape] if several else shape


def _register(package: str, thing: Any) -> None:
    tf.keras.saving.register_keras_serializable(package=package)(thing)


def _dropout(inputs: Any, rate: float, seed: SeedGenerator | None = None) -> Any:
    return tf.nn.dropout(inputs, rate, seed=seed.seed if seed else None)


keras = Names(
    tf.keras,
    __version__=tf.__version__,
    Layer=Layer,
    config=SimpleNamespace(image_data_format=tf.keras.backend.image_data_format),
    random=SimpleNamespace(SeedGenerator=SeedGenerator, dropout=_dropout),
    saving=Names(tf.keras.saving, register_keras_serializable=serializable(_register)),
    **training_words(tf.keras),
)

"""The Keras that is installed, in the words of Keras 3.

The layers of the runtime are written once, for Keras 3, and take ``keras`` and ``ops`` from here.
Where Keras 3 is installed, that is what they get. Where tf.keras 2 or Keras 2.3 on Theano is, they
get a stand-in: the same names, as far as the layers use them, made of what is there.

    Keras 3              keras                      keras.ops
    tf.keras 2           keras2, tensorflow_keras   tensorflow_ops and its neighbours
    Keras 2.3 on Theano  keras2, theano_keras       theano_ops and its neighbours

``LayerOfKeras3`` is for layers that do not run in the old ones, and say so there.
``zip`` and ``prod`` are Python's own, or stand in for them on the old Pythons that go with it.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from typing import TYPE_CHECKING, Any

from caffe2keras.runtime.dialect.keras2 import NeedsKeras3, Operations
from caffe2keras.runtime.dialect.python import prod, zip

__all__ = ["IS_KERAS_3", "LayerOfKeras3", "keras", "ops", "prod", "zip"]


def _installed_keras() -> Any:
    """Keras; of an old one that nobody has told a backend, the one on Theano."""
    found = importlib.util.find_spec
    if not os.environ.get("KERAS_BACKEND") and found("theano") and not found("tensorflow"):
        os.environ["KERAS_BACKEND"] = "theano"
    return importlib.import_module("keras")


def _operations(dialect: str) -> Operations:
    """The tables of operations, as far as Keras 3's have a counterpart."""
    parts = ("ops", "shapes", "places", "windows", "loops")
    return Operations(*(importlib.import_module(f"{__name__}.{dialect}_{part}") for part in parts))


if TYPE_CHECKING:
    import keras
    from keras import ops

    IS_KERAS_3 = True
    LayerOfKeras3 = keras.Layer
else:
    keras = _installed_keras()
    IS_KERAS_3 = not keras.__version__.startswith("2.")
    if IS_KERAS_3:
        ops = importlib.import_module("keras.ops")
    elif keras.backend.backend() == "theano":
        from caffe2keras.runtime.dialect.theano_keras import keras

        ops = _operations("theano")
    else:
        from caffe2keras.runtime.dialect.tensorflow_keras import keras

        ops = _operations("tensorflow")
    LayerOfKeras3 = keras.Layer if IS_KERAS_3 else NeedsKeras3

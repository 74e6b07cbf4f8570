"""The Keras that is installed, in the words of Keras 3.

The layers of the runtime are written once, for Keras 3, and take ``keras`` and ``ops`` from here.
Where Keras 3 is installed, that is what they get. Where tf.keras 2 or Keras 2.3 on Theano is, they
get a stand-in: the same names, as far as the layers use them, made of what is there.

    Keras 3              keras                   keras.ops
    tf.keras 2           keras2, tensorflow_*    tensorflow_ops
    Keras 2.3 on Theano  keras2, theano_*        theano_ops

``zip`` and ``prod`` are Python's own, or stand in for them on the old Pythons that go with it.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from typing import TYPE_CHECKING, Any

from caffe2keras.runtime.dialect.keras2 import Operations
from caffe2keras.runtime.dialect.python import prod, zip

__all__ = ["IS_KERAS_3", "keras", "ops", "prod", "zip"]


def _installed_keras() -> Any:
    """Keras; of an old one that nobody has told a backend, the one on Theano."""
    found = importlib.util.find_spec
    if not os.environ.get("KERAS_BACKEND") and found("theano") and not found("tensorflow"):
        os.environ["KERAS_BACKEND"] = "theano"
    return importlib.import_module("keras")


if TYPE_CHECKING:
    import keras
    from keras import ops

    IS_KERAS_3 = True
else:
    keras = _installed_keras()
    IS_KERAS_3 = not keras.__version__.startswith("2.")
    if IS_KERAS_3:
        ops = importlib.import_module("keras.ops")
    elif keras.backend.backend() == "theano":
        from caffe2keras.runtime.dialect import theano_ops
        from caffe2keras.runtime.dialect.theano_keras import keras

        ops = Operations(theano_ops)
    else:
        from caffe2keras.runtime.dialect import tensorflow_ops
        from caffe2keras.runtime.dialect.tensorflow_keras import keras

        ops = Operations(tensorflow_ops)

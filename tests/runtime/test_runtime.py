"""The runtime as a whole."""

from __future__ import annotations

import inspect

import keras
import numpy as np

from caffe2keras import runtime


def test_every_layer_is_registered_under_its_own_name():
    for name in runtime.__all__:
        kind = getattr(runtime, name)
        assert issubclass(kind, keras.Layer)
        assert keras.saving.get_registered_object(f"caffe2keras>{name}") is kind


def test_every_layer_says_its_shapes_and_shows_an_example():
    for name in runtime.__all__:
        text = inspect.getdoc(getattr(runtime, name))
        for section in ("Input shape:", "Output shape:", "Example:", ">>>"):
            assert section in text, name


def test_softplus_is_bnll():
    # Caffe's BNLL needs no layer of ours: log(1 + exp(x)), computed without overflow.
    x = np.array([[-90.0, -3.0, 0.0, 2.0, 60.0, 90.0]], "float32")
    y = keras.ops.convert_to_numpy(keras.layers.Activation("softplus")(x))
    np.testing.assert_allclose(y, np.logaddexp(0, x.astype("float64")), rtol=2e-6, atol=1e-30)

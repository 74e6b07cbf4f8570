"""The runtime as a whole."""

from __future__ import annotations

import inspect

import keras
import numpy as np

from caffe2keras import runtime

CLASSES = {
    name: getattr(runtime, name)
    for name in runtime.__all__
    if inspect.isclass(getattr(runtime, name))
}
LAYERS = {name: kind for name, kind in CLASSES.items() if issubclass(kind, keras.Layer)}


def test_everything_is_a_layer_or_serves_training():
    others = set(CLASSES) - set(LAYERS)
    training = (
        keras.losses.Loss,
        keras.metrics.Metric,
        keras.optimizers.Optimizer,
        keras.optimizers.schedules.LearningRateSchedule,
    )
    assert all(issubclass(CLASSES[name], training) for name in others)
    assert len(LAYERS) > 30


def test_every_class_is_registered_under_its_own_name():
    for name, kind in CLASSES.items():
        assert keras.saving.get_registered_object(f"caffe2keras>{name}") is kind


def test_every_layer_says_its_shapes_and_shows_an_example():
    for name, kind in LAYERS.items():
        text = inspect.getdoc(kind)
        for section in ("Output shape:", "Example:", ">>>"):
            assert section in text, name
        assert "Input shape:" in text or "Call arguments:" in text, name


def test_softplus_is_bnll():
    # Caffe's BNLL needs no layer of ours: log(1 + exp(x)), computed without overflow.
    x = np.array([[-90.0, -3.0, 0.0, 2.0, 60.0, 90.0]], "float32")
    y = keras.ops.convert_to_numpy(keras.layers.Activation("softplus")(x))
    np.testing.assert_allclose(y, np.logaddexp(0, x.astype("float64")), rtol=2e-6, atol=1e-30)

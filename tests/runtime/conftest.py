"""The contract every layer of the runtime keeps, on whatever backend KERAS_BACKEND names."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

Arrays = np.ndarray | Sequence[np.ndarray]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20260814)


@pytest.fixture
def needs_gradients() -> None:
    if keras.backend.backend() == "openvino":
        pytest.skip("Keras's openvino backend is inference only")


@pytest.fixture
def contract(tmp_path: Path) -> Callable[..., Any]:
    """Holds a layer to its contract in one call and returns what it computes.

    The config must survive JSON, a functional model must survive JSON, `.keras` and `.h5` with
    the same numbers, and the inferred shapes must be the actual ones, with the batch known
    (``static=True``: a layer that needs it) or not.
    """

    def check(layer: keras.Layer, *arrays: np.ndarray, static: bool = False) -> Any:
        kind = type(layer)
        config = json.loads(json.dumps(layer.get_config()))
        assert kind.from_config(config).get_config() == layer.get_config()
        assert keras.saving.get_registered_name(kind) == f"caffe2keras>{kind.__name__}"
        model = model_of(layer, *arrays, static=static)
        expected = model.predict_on_batch(list(arrays))
        check_shapes(layer, arrays, expected, model)
        again = keras.models.model_from_json(model.to_json())
        again.set_weights(model.get_weights())
        np.testing.assert_array_equal(again.predict_on_batch(list(arrays)), expected)
        for suffix in (".keras", ".h5"):
            path = tmp_path / f"model{suffix}"
            model.save(path)
            loaded = keras.models.load_model(path)
            np.testing.assert_array_equal(loaded.predict_on_batch(list(arrays)), expected)
        return expected

    return check


def model_of(layer: keras.Layer, *arrays: np.ndarray, static: bool = False) -> keras.Model:
    """A functional model of one layer."""
    inputs = [
        keras.Input(batch_shape=array.shape if static else (None, *array.shape[1:]))
        for array in arrays
    ]
    return keras.Model(inputs, layer(inputs if len(inputs) > 1 else inputs[0]))


def check_shapes(
    layer: keras.Layer, arrays: Sequence[np.ndarray], actual: Any, model: keras.Model
) -> None:
    shapes = [array.shape for array in arrays]
    inferred = layer.compute_output_shape(shapes if len(shapes) > 1 else shapes[0])
    assert inferred == actual.shape
    for promised, size in zip(model.output_shape, actual.shape, strict=True):
        assert promised in (None, size)

"""The contract every layer of the runtime keeps, on whatever backend KERAS_BACKEND names."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

Arrays = np.ndarray | Sequence[np.ndarray]
RECORDED = Path(__file__).parents[1] / "fixtures" / "runtime"


@dataclass(frozen=True)
class ForkCase:
    """One run: what went in, the weights as the fork lists them, what came out."""

    arrays: dict[str, np.ndarray]

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[name]

    def get(self, name: str) -> np.ndarray | None:
        return self.arrays.get(name)

    @property
    def weights(self) -> list[np.ndarray]:
        return [self.arrays[name] for name in sorted(self.arrays) if name.startswith("weight_")]

    @property
    def is_sequence(self) -> bool:
        return self.arrays["output_0"].ndim == 3


@pytest.fixture(scope="session")
def fork_case() -> Callable[[str], ForkCase]:
    """``fork_case("LSTMCond_seq")``: a recorded run of the MarcBS fork of Keras 1."""

    def load(name: str) -> ForkCase:
        with np.load(RECORDED / f"{name}.npz") as arrays:
            return ForkCase({key: arrays[key] for key in arrays.files})

    return load


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20260814)


@pytest.fixture(autouse=True)
def float32_arithmetic(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a CPU that has bfloat16, OpenVINO multiplies in it unless told otherwise."""
    if keras.backend.backend() == "openvino":
        import openvino

        precise = partial(openvino.compile_model, config={"INFERENCE_PRECISION_HINT": "f32"})
        monkeypatch.setattr(openvino, "compile_model", precise)


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
        expected = outputs_of(model, arrays)
        check_shapes(layer, arrays, expected, model)
        again = keras.models.model_from_json(model.to_json())
        again.set_weights(model.get_weights())
        assert_same(outputs_of(again, arrays), expected)
        for suffix in (".keras", ".h5"):
            path = tmp_path / f"model{suffix}"
            model.save(path)
            assert_same(outputs_of(keras.models.load_model(path), arrays), expected)
        return expected if len(expected) > 1 else expected[0]

    return check


def model_of(layer: keras.Layer, *arrays: np.ndarray, static: bool = False) -> keras.Model:
    """A functional model of one layer."""
    inputs = [
        keras.Input(batch_shape=array.shape if static else (None, *array.shape[1:]))
        for array in arrays
    ]
    return keras.Model(inputs, layer(inputs if len(inputs) > 1 else inputs[0]))


def outputs_of(model: keras.Model, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    outputs = model.predict_on_batch(list(arrays))
    return outputs if isinstance(outputs, list) else [outputs]


def assert_same(actual: list[np.ndarray], expected: list[np.ndarray]) -> None:
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def check_shapes(
    layer: keras.Layer,
    arrays: Sequence[np.ndarray],
    outputs: list[np.ndarray],
    model: keras.Model,
) -> None:
    shapes = [array.shape for array in arrays]
    inferred = layer.compute_output_shape(shapes if len(shapes) > 1 else shapes[0])
    promised = model.output_shape
    if len(outputs) == 1:
        inferred, promised = [inferred], [promised]
    for output, one, other in zip(outputs, inferred, promised, strict=True):
        assert output.dtype == np.float32
        for size, *known in zip(output.shape, one, other, strict=True):
            assert all(each in (None, size) for each in known)


@pytest.fixture
def dynamic_call() -> Callable[..., np.ndarray]:
    """Runs a layer on arrays of whose shapes it knows only the channels beforehand."""

    def run(layer: keras.Layer, *arrays: np.ndarray, known: Sequence[int] = (-1,)) -> np.ndarray:
        shapes = []
        for array in arrays:
            kept = {axis % array.ndim for axis in known}
            shapes.append([n if axis in kept else None for axis, n in enumerate(array.shape)])
        if keras.backend.backend() == "tensorflow":
            return _tensorflow_dynamic_call(layer, arrays, shapes)
        if keras.backend.backend() == "openvino":
            return _openvino_dynamic_call(layer, arrays, shapes)
        inputs = [keras.Input(batch_shape=shape) for shape in shapes]
        model = keras.Model(inputs, layer(inputs if len(inputs) > 1 else inputs[0]))
        return model.predict_on_batch(list(arrays))

    return run


def _tensorflow_dynamic_call(
    layer: keras.Layer, arrays: Sequence[np.ndarray], shapes: list[list[int | None]]
) -> np.ndarray:
    import tensorflow as tf

    signature = [tf.TensorSpec(shape, "float32") for shape in shapes]
    function = tf.function(lambda *x: layer(x if len(x) > 1 else x[0]), input_signature=signature)
    return function(*arrays).numpy()


def _openvino_dynamic_call(
    layer: keras.Layer, arrays: Sequence[np.ndarray], shapes: list[list[int | None]]
) -> np.ndarray:
    import openvino
    from keras.src.backend.openvino.core import OpenVINOKerasTensor

    parameters = [
        openvino.opset15.parameter([-1 if n is None else n for n in shape], np.float32)
        for shape in shapes
    ]
    tensors = [OpenVINOKerasTensor(each.output(0)) for each in parameters]
    outputs = layer(tensors if len(tensors) > 1 else tensors[0])
    model = openvino.Model([openvino.opset15.result(outputs.output)], parameters)
    return openvino.compile_model(model, "CPU")(list(arrays))[0]


@pytest.fixture
def gradient() -> Callable[[keras.Layer, np.ndarray], np.ndarray]:
    """The gradient of the sum of a layer's outputs with respect to its input."""

    def run(layer: keras.Layer, x: np.ndarray) -> np.ndarray:
        backend = keras.backend.backend()
        if backend == "jax":
            import jax

            return np.asarray(jax.grad(lambda tensor: layer(tensor).sum())(jax.numpy.asarray(x)))
        if backend == "torch":
            import torch

            tensor = torch.tensor(x, requires_grad=True)
            layer(tensor).sum().backward()
            return tensor.grad.numpy()
        import tensorflow as tf

        tensor = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(tensor)
            total = tf.reduce_sum(layer(tensor))
        return tape.gradient(total, tensor).numpy()

    return run

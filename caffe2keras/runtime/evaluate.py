"""Blobs of a converted file, computed by the Keras 2 that is installed beside this package.

``caffe2keras verify --python`` starts this in the environment to be proved::

    python -m caffe2keras.runtime.evaluate MODEL.h5 QUESTION.npz ANSWER.npz

QUESTION holds ``question``, a JSON text with

* ``inputs``: names of input layers, whose arrays are ``input_0``, ``input_1``, ... beside it, in
  Keras's axis order;
* ``wanted``: [layer, call, tensor] of each blob.

The exit code is 5 where a layer needs Keras 3; the last line says which.

ANSWER then holds ``keras``, which Keras it was, and ``blob_0``, ``blob_1``, ... in Keras's axis
order. The numbers' shapes need not be those that the file was converted for, where the net allows
others.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import h5py
import numpy as np

from caffe2keras.runtime.dialect import keras
from caffe2keras.runtime.dialect.keras2 import NeedsKeras3Error

__all__ = ["NEEDS_KERAS_3", "evaluate", "main"]

NEEDS_KERAS_3 = 5  # the exit code of caffe2keras for what is unsupported


def evaluate(
    path: str, inputs: Mapping[str, Any], wanted: Sequence[Sequence[Any]]
) -> list[np.ndarray]:
    """The wanted blobs.

    Args:
        path: the converted file.
        inputs: input layer -> array in Keras's axis order.
        wanted: [layer, call, tensor] of each blob.
    """
    if keras.backend.backend() == "theano":
        keras.backend.set_learning_phase(0)  # which is an input of the graph otherwise
    model = _loaded(path, inputs)
    tensors = [_tensor(model, *place) for place in wanted]
    feed = [np.asarray(inputs[name], np.float32) for name in model.input_names]
    # Not Model.predict: inputs may differ in what Keras takes for their batch.
    return [np.asarray(each) for each in keras.backend.function(model.inputs, tensors)(feed)]


def _loaded(path: str, inputs: Mapping[str, Any]) -> Any:
    """The model, for inputs of these shapes."""
    with h5py.File(path, "r") as file:
        config = json.loads(_text(file.attrs["model_config"]))
    for layer in config["config"]["layers"]:
        if layer["name"] in inputs:
            layer["config"]["batch_input_shape"] = list(inputs[layer["name"]].shape)
    model = keras.models.model_from_json(json.dumps(config))
    model.load_weights(path)
    for layer in model.layers:
        if hasattr(layer, "sampling"):
            layer.sampling = False  # the mean in place of what is drawn at random
    return model


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _tensor(model: Any, layer: str, call: int, tensor: int) -> Any:
    outputs = model.get_layer(layer).get_output_at(call)
    return outputs[tensor] if isinstance(outputs, (list, tuple)) else outputs


def _name() -> str:
    return f"Keras {keras.__version__} on {keras.backend.backend()}"


def main(arguments: Sequence[str]) -> None:
    """Answer one question."""
    model, question, answer = arguments
    with np.load(question) as arrays:
        asked = json.loads(str(arrays["question"]))
        inputs = {name: arrays[f"input_{i}"] for i, name in enumerate(asked["inputs"])}
    blobs = evaluate(model, inputs, asked["wanted"])
    found: dict[str, Any] = {f"blob_{i}": blob for i, blob in enumerate(blobs)}
    np.savez(answer, keras=np.array(_name()), **found)


def _line_of(error: NeedsKeras3Error) -> str:
    """The one that says it; tf.keras puts others around it."""
    return next(line for line in str(error).splitlines() if "needs Keras 3" in line)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except NeedsKeras3Error as error:
        print(_line_of(error), file=sys.stderr)
        sys.exit(NEEDS_KERAS_3)

"""The Keras side of a verification: every wanted blob from one pass, in Caffe's axis order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

from caffe2keras.backend import following_long_chains, import_keras, keep_float32
from caffe2keras.load import load_model
from caffe2keras.record import BlobRecord, Record
from caffe2keras.verify.feed import open_shapes
from caffe2keras.verify.pictures import picture_of

__all__ = ["backend_name", "predict"]

Array = npt.NDArray[Any]


def backend_name() -> str:
    """The Keras backend that computes."""
    return str(import_keras().backend.backend())


def predict(
    path: str | PathLike[str],
    record: Record,
    inputs: Mapping[str, Array],
    wanted: Sequence[BlobRecord],
) -> tuple[Array, ...]:
    """Compute blobs of a converted file.

    Only these tensors are outputs of the model that runs, so that the rest of a large net's
    blobs do not stay in memory.

    Args:
        path: the converted file.
        record: its record.
        inputs: input blob -> numbers in Caffe's axis order; any batch size that the net allows.
        wanted: the blobs.

    Returns:
        One array for each wanted blob, in Caffe's axis order.

    Raises:
        InputError: the net does not take inputs of these shapes.
        BackendError: no Keras backend can be imported.
    """
    keras = import_keras()
    if not wanted:
        return ()
    model = load_model(path, open_shapes(record, inputs))
    _take_means(model)
    tensors = [_tensor(model, blob) for blob in wanted]
    by_layer = {entry.layer: entry for entry in record.inputs}
    order = [by_layer[tensor._keras_history.operation.name] for tensor in model.inputs]

    def weights_of(layer: str) -> list[Array]:
        return list(model.get_layer(layer).get_weights())

    feed = [
        np.ascontiguousarray(
            entry.layout.to_keras(picture_of(inputs[entry.blob], entry, record, weights_of)),
            dtype=np.float32,
        )
        for entry in order
    ]
    with following_long_chains():
        probed = keep_float32(keras.Model(model.inputs, tensors))
    outputs = probed.predict_on_batch(feed)
    arrays = [outputs] if len(tensors) == 1 else list(outputs)  # Keras unpacks a list of one
    return tuple(
        # A loss is a number in Caffe, and a row of one in Keras.
        blob.layout.to_caffe(np.asarray(array) if blob.layout.rank else np.reshape(array, ()))
        for blob, array in zip(wanted, arrays, strict=True)
    )


def _take_means(model: Any) -> None:
    """Let layers that draw at random, as their ``sampling`` says, give the mean instead."""
    for layer in model.layers:
        if hasattr(layer, "sampling"):
            layer.sampling = False


def _tensor(model: Any, blob: BlobRecord) -> Any:
    # Keras has no public way to the n-th call of a shared layer; its own loader goes this one.
    return model.get_layer(blob.layer)._inbound_nodes[blob.node].output_tensors[blob.tensor]

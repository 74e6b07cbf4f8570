"""The steps as layers of the model, between the picture and the blob that Caffe calls data."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from caffe2keras.errors import InputError
from caffe2keras.layer_map.names import NameTable
from caffe2keras.preprocessing.steps import Steps
from caffe2keras.spec import (
    BlobTensor,
    KerasLayer,
    KerasModel,
    KerasNode,
    NamedLayer,
    TensorRef,
    Variable,
)

__all__ = ["bake"]


def bake(model: KerasModel, steps: Steps) -> tuple[KerasModel, tuple[str, ...]]:
    """Put the steps behind the input that takes the pictures.

    A 1x1 convolution that is not trained puts the channels in order, multiplies, and takes the
    channels' means away; a mean image is taken away by a Scale behind it.

    Args:
        model: takes the blob.
        steps: what makes the blob of a picture.

    Returns:
        A model that takes the picture, values 0 to 255, and the names of the layers put in.

    Raises:
        InputError: the model does not need this input.
    """
    fed = (b for b in model.blobs if b.blob == steps.blob and b.tensor in model.inputs)
    blob = next(fed, None)
    if blob is None:
        raise InputError(
            what=f'no layer of the model needs the input "{steps.blob}"',
            hint="leave out what is said about its pictures",
        )
    names = NameTable()
    for named in model.layers:
        names.unique(named.name)
    added = [
        NamedLayer(names.unique(blob.tensor.layer + layer.suffix), layer, blob.caffe_layer)
        for layer in _layers(steps, blob)
    ]
    chain = [blob.tensor, *(TensorRef(named.name) for named in added)]
    nodes = [KerasNode(ref.layer, (before,)) for before, ref in pairwise(chain)]
    return _inserted(model, blob, added, nodes), tuple(named.name for named in added)


def _inserted(
    model: KerasModel, blob: BlobTensor, added: list[NamedLayer], nodes: list[KerasNode]
) -> KerasModel:
    """The model with everything that read the picture reading what the steps make of it."""
    end = TensorRef(added[-1].name)

    def moved(tensor: TensorRef) -> TensorRef:
        return end if tensor == blob.tensor else tensor

    place = next(i for i, named in enumerate(model.layers) if named.name == blob.tensor.layer) + 1
    readers = [replace(node, inputs=tuple(map(moved, node.inputs))) for node in model.nodes]
    picture = replace(blob, final=False)  # what Caffe calls data comes behind the steps
    fixed = any(named.layer.class_name == "caffe2keras>Scale" for named in added)
    return replace(
        model,
        layers=(*model.layers[:place], *added, *model.layers[place:]),
        nodes=(*nodes, *readers),
        outputs=tuple(map(moved, model.outputs)),
        blobs=(picture, *(replace(b, tensor=moved(b.tensor)) for b in model.blobs)),
        resizable=model.resizable and not fixed,
    )


def _layers(steps: Steps, blob: BlobTensor) -> list[KerasLayer]:
    channels = blob.shape[1]
    turned = np.eye(channels, dtype=np.float32)
    if steps.channel_order == "rgb":
        turned = turned[::-1]
    kernel = np.ascontiguousarray(turned * np.float32(steps.scale))[None, None]
    variables = [Variable("kernel", kernel.shape, kernel, trainable=False)]
    offset = -steps.mean * np.float32(steps.scale)
    if not steps.has_mean_image:
        variables.append(Variable("bias", (channels,), offset.reshape(-1), trainable=False))
    config = {
        "filters": channels,
        "kernel_size": [1, 1],
        "data_format": "channels_last" if blob.layout.keras_axis(1) == 3 else "channels_first",
        "use_bias": len(variables) == 2,
        "trainable": False,
    }
    convolution = KerasLayer("Conv2D", config, tuple(variables), suffix="_preprocessing")
    if not steps.has_mean_image:
        return [convolution]
    return [convolution, _minus_image(offset[None], blob)]


def _minus_image(offset: np.ndarray, blob: BlobTensor) -> KerasLayer:
    values = blob.layout.to_keras(offset)[0]
    config = {"axes": [1, 2, 3], "use_scale": False, "use_bias": True, "trainable": False}
    beta = Variable("beta", values.shape, values, trainable=False)
    return KerasLayer("caffe2keras>Scale", config, (beta,), suffix="_mean")

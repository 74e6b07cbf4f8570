"""Factors and terms of channels, folded into the weights of the layer before them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from caffe2keras.graph.net import Layer, Net, Note, Weight
from caffe2keras.params import Params

__all__ = ["fold_channel_factors"]

Array = npt.NDArray[np.float64]
Key = tuple[str, int]

_PARAMS = {
    "Convolution": "convolution_param",
    "ConvolutionDepthwise": "convolution_param",
    "Deconvolution": "convolution_param",
    "DepthwiseConvolution": "convolution_param",
    "InnerProduct": "inner_product_param",
}


def fold_channel_factors(net: Net) -> Net:
    """Let a convolution or a matrix do what the BatchNorm, Scale or Bias behind it does.

    Given:  x ─ Convolution ─▶ y ─ BatchNorm (absorbed: Scale) ─▶ z
    Result: x ─ Convolution ─▶ z, with each output channel's weights multiplied and its bias moved

    Not where anyone else reads y or the net ends in it, where the statistics are the batch's own,
    where the factors are not those of output channels, or where arrays are shared.
    """
    readers = Counter(bottom.key for layer in net.layers for bottom in layer.bottoms)
    readers.update(blob.key for blob in net.outputs)
    users = Counter((w.owner, w.index) for layer in net.layers for w in layer.weights)
    shared = {use for use, count in users.items() if count > 1}
    layers: list[Layer] = []
    producers: dict[Key, int] = {}
    notes: list[Note] = []
    for layer in net.layers:
        place = producers.pop(layer.bottoms[0].key, None) if layer.bottoms else None
        steps = None if place is None else _channel_steps(layer, shared)
        if place is None or steps is None or readers[layer.bottoms[0].key] != 1:
            place = len(layers)
            layers.append(layer)
        else:
            layers[place] = _folded(layers[place], layer, *steps)
            notes += [_note(one, layers[place]) for one in (layer, *layer.absorbed)]
        if _is_foldable(layers[place], shared):
            producers[layers[place].tops[0].key] = place
    if not notes:
        notes = [Note("decided", "--fold", "nothing in this net can be folded")]
    return replace(net, layers=tuple(layers), notes=(*net.notes, *notes))


def _is_foldable(layer: Layer, shared: set[Key]) -> bool:
    """Whether its weights are its own and its output channels are axis 1."""
    if layer.type not in _PARAMS or len(layer.tops) != 1 or not layer.weights:
        return False
    if any((weight.owner, weight.index) in shared for weight in layer.weights):
        return False
    axis = getattr(layer.params.fresh(), _PARAMS[layer.type]).axis
    dims = layer.bottoms[0].dims
    return dims is not None and axis in (1, 1 - len(dims))


def _channel_steps(layer: Layer, shared: set[Key]) -> tuple[Array, Array] | None:
    """A factor and a term for each channel, (C,) both; None where the layer is none such."""
    if any((weight.owner, weight.index) in shared for weight in layer.weights):
        return None
    if len(layer.bottoms) != 1 or layer.bottoms[0].dims is None or len(layer.bottoms[0].dims) < 2:
        return None
    steps = _own_steps(layer)
    for absorbed in layer.absorbed:
        behind = _own_steps(absorbed)
        if steps is None or behind is None:
            return None
        steps = behind[0] * steps[0], behind[0] * steps[1] + behind[1]
    return steps


def _own_steps(layer: Layer) -> tuple[Array, Array] | None:
    channels = layer.bottoms[0].shape[1]
    arrays = [np.asarray(weight.array, np.float64) for weight in layer.weights]
    params = layer.params.fresh()
    if layer.type == "BatchNorm" and len(arrays) == 3:
        p = params.batch_norm_param
        if p.has("use_global_stats") and not p.use_global_stats:
            return None
        # The third array says how much the sums have gathered (batch_norm_layer.cpp).
        gathered = 0.0 if arrays[2].item() == 0 else 1.0 / arrays[2].item()
        factor = 1.0 / np.sqrt(arrays[1] * gathered + p.eps)
        return factor, -arrays[0] * gathered * factor
    if layer.type == "Scale" and arrays and _is_over_channels(layer, params.scale_param.axis):
        term = arrays[1] if len(arrays) > 1 else np.zeros(channels)
        return arrays[0], term
    if layer.type == "Bias" and arrays and _is_over_channels(layer, params.bias_param.axis):
        return np.ones(channels), arrays[0]
    return None


def _is_over_channels(layer: Layer, axis: int) -> bool:
    dims = layer.bottoms[0].shape
    return axis in (1, 1 - len(dims)) and layer.weights[0].shape == dims[1:2]


def _folded(producer: Layer, layer: Layer, factor: Array, term: Array) -> Layer:
    """The producer with the factors and terms in its weights, and the layer's top as its own."""
    name = _PARAMS[producer.type]
    kernel, *bias = producer.weights
    weights = _times(kernel, factor, producer)
    moved = factor * np.asarray(bias[0].array, np.float64) + term if bias else term
    offset = (
        replace(bias[0], data=moved.astype(np.float32))
        if bias
        else Weight(kernel.owner, 1, moved.shape, moved.astype(np.float32))
    )
    message = type(producer.params.message)()
    message.CopyFrom(producer.params.message)
    getattr(message, name).bias_term = True
    new = replace(kernel, data=weights.astype(np.float32))
    return replace(producer, params=Params(message), weights=(new, offset), tops=layer.tops)


def _times(kernel: Weight, factor: Array, producer: Layer) -> Array:
    """The kernel with each output channel multiplied."""
    array = np.asarray(kernel.array, np.float64)
    params = producer.params.fresh()
    if producer.type == "Deconvolution":
        # (in, out / group, ...): output channels count through the groups first.
        groups = params.convolution_param.group
        rows = np.repeat(factor.reshape(groups, -1), array.shape[0] // groups, axis=0)
        return array * rows.reshape(*rows.shape, *(1,) * (array.ndim - 2))
    if producer.type == "InnerProduct" and params.inner_product_param.transpose:
        return array * factor
    return array * factor.reshape(-1, *(1,) * (array.ndim - 1))


def _note(folded: Layer, producer: Layer) -> Note:
    return Note("decided", folded.name, f'folded into {producer.type} "{producer.name}"')

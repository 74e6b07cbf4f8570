"""BatchNorm normalizes, the Scale behind it learns; Keras does both in one layer."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from caffe2keras.graph.net import Layer, Net

__all__ = ["join_batchnorm_and_scale"]

Key = tuple[str, int]


def join_batchnorm_and_scale(net: Net) -> Net:
    """Let a BatchNorm absorb the Scale that alone reads it.

    Given:  x ─ BatchNorm ─▶ y ─ Scale ─▶ z
    Result: x ─ BatchNorm (absorbed: Scale) ─▶ z

    Not where anyone else reads y or the net ends in it, where the statistics are the batch's own,
    where the Scale is not over channels, or where one of its arrays is shared with other layers.
    """
    readers = Counter(bottom.key for layer in net.layers for bottom in layer.bottoms)
    readers.update(blob.key for blob in net.outputs)
    users = Counter(
        (weight.owner, weight.index) for layer in net.layers for weight in layer.weights
    )
    scales = {
        layer.bottoms[0].key: layer
        for layer in net.layers
        if _is_over_channels(layer) and readers[layer.bottoms[0].key] == 1
        if all(users[weight.owner, weight.index] == 1 for weight in layer.weights)
    }
    absorbed: set[Key] = set()
    layers = []
    for layer in net.layers:
        scale = scales.get(layer.tops[0].key) if _has_plain_statistics(layer) else None
        if scale is not None:
            absorbed.add(layer.tops[0].key)
            layers.append(replace(layer, tops=scale.tops, absorbed=(scale,)))
        elif not (layer.type == "Scale" and layer.bottoms[0].key in absorbed):
            layers.append(layer)
    return replace(net, layers=tuple(layers)) if absorbed else net


def _has_plain_statistics(layer: Layer) -> bool:
    if layer.type != "BatchNorm" or len(layer.tops) != 1:
        return False
    params = layer.params.fresh().batch_norm_param
    own = not params.has("use_global_stats") or params.use_global_stats
    # NVIDIA's has a scale of its own already, and five arrays.
    return bool(own and len(layer.weights) == 3)


def _is_over_channels(layer: Layer) -> bool:
    if layer.type != "Scale" or len(layer.bottoms) != 1 or not layer.weights:
        return False
    dims = layer.bottoms[0].dims
    if dims is None or len(dims) < 2:
        return False
    axis = layer.params.fresh().scale_param.axis
    return axis in (1, 1 - len(dims)) and layer.weights[0].shape == dims[1:2]

"""Blobs of which the net itself says that no number in them is below zero."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from caffe2keras.graph.net import Layer, Net

__all__ = ["non_negative"]


def _unless_leaky(layer: Layer) -> bool:
    params = layer.params.fresh()
    param = params.relu6_param if layer.type == "ReLU6" else params.relu_param
    return not param.negative_slope


# Whatever they are given.
_MAKES: Mapping[str, Callable[[Layer], bool]] = {
    "AbsVal": lambda layer: True,
    "BNLL": lambda layer: True,
    "ReLU": _unless_leaky,
    "ReLU6": _unless_leaky,
    "Sigmoid": lambda layer: True,
    "Softmax": lambda layer: True,
}

# If they are given nothing below zero.
_KEEPS: Mapping[str, Callable[[Layer], bool]] = {
    "Concat": lambda layer: True,
    "Dropout": lambda layer: True,
    "Eltwise": lambda layer: all(c >= 0 for c in layer.params.fresh().eltwise_param.coeff),
    "Flatten": lambda layer: True,
    "LRN": lambda layer: layer.params.fresh().lrn_param.alpha >= 0,
    "Pooling": lambda layer: len(layer.tops) == 1,
    "Reshape": lambda layer: True,
    "ShuffleChannel": lambda layer: True,
    "Slice": lambda layer: True,
    "Split": lambda layer: True,
}


def non_negative(net: Net) -> frozenset[tuple[str, int]]:
    """The keys of those blobs; others may be so too."""
    found: set[tuple[str, int]] = set()
    for layer in net.layers:
        if _makes(layer) or (_keeps(layer) and all(blob.key in found for blob in layer.bottoms)):
            found.update(blob.key for blob in layer.tops)
    return frozenset(found)


def _makes(layer: Layer) -> bool:
    return layer.type in _MAKES and _MAKES[layer.type](layer)


def _keeps(layer: Layer) -> bool:
    return bool(layer.bottoms) and layer.type in _KEEPS and _KEEPS[layer.type](layer)

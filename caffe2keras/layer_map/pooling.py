"""Pooling, with Caffe's sizes: rounded up, clipped, averaged over the padding too."""

from __future__ import annotations

from typing import Any

from caffe2keras.errors import UnsupportedCombinationError
from caffe2keras.layer_map.registry import Operand, Placed, maps
from caffe2keras.layer_map.wiring import reshape
from caffe2keras.shapes.geometry import PoolGeometry, pool_geometry
from caffe2keras.spec import Fragment, KerasLayer, line

__all__ = ["pooling"]


@maps("Pooling", wants="image")
def pooling(layer: Placed) -> Fragment:
    """Maximum or average over a sliding window.

    Caffe    output size rounded up, last window clipped; AVE divides by the window inside H + pad
    Keras    MaxPooling2D, AveragePooling2D where they are exact for this size (for every size, if
             the net keeps its freedom of size), else caffe2keras>Pooling2D;
             Global pooling and Reshape for global_pooling
    """
    p, x = layer.params.pooling_param, layer.inputs[0]
    if len(layer.outputs) > 1 or p.pool == "STOCHASTIC":
        raise UnsupportedCombinationError(
            what="a second top for the mask" if len(layer.outputs) > 1 else "pool = STOCHASTIC",
            why="Keras's pooling layers have no counterpart",
        )
    average = p.pool == "AVE"
    geometry = pool_geometry(p, x.shape)
    if p.global_pooling:
        return _global(layer, average)
    if _windows_fit(geometry, x, layer.resizable):
        return line(_stock(layer, geometry, average, "valid"))
    if not average and _is_same(geometry, x, layer.resizable):
        return line(_stock(layer, geometry, average, "same"))
    config = {
        "pool": "avg" if average else "max",
        "pool_size": list(geometry.kernel),
        "strides": list(geometry.stride),
        "padding": list(geometry.pad),
        "ceil_mode": geometry.ceil_mode,
        "data_format": layer.data_format,
    }
    return line(KerasLayer("caffe2keras>Pooling2D", config))


def _global(layer: Placed, average: bool) -> Fragment:
    word = "Average" if average else "Max"
    pool = KerasLayer(f"Global{word}Pooling2D", {"data_format": layer.data_format}, suffix="_pool")
    channels = layer.inputs[0].shape[1]
    last = layer.data_format == "channels_last"
    target = (1, 1, channels) if last else (channels, 1, 1)
    return line(pool, reshape(target, suffix=""), layout=layer.inputs[0].layout)


def _stock(layer: Placed, geometry: PoolGeometry, average: bool, padding: str) -> KerasLayer:
    config: dict[str, Any] = {
        "pool_size": list(geometry.kernel),
        "strides": list(geometry.stride),
        "padding": padding,
        "data_format": layer.data_format,
    }
    return KerasLayer("AveragePooling2D" if average else "MaxPooling2D", config)


def _windows_fit(g: PoolGeometry, x: Operand, resizable: bool) -> bool:
    """Whether unpadded windows, rounded down, are Caffe's."""
    if any(g.pad):
        return False
    if resizable:
        return not g.ceil_mode or all(s == 1 for s in g.stride)
    spatial = zip(x.shape[2:], g.kernel, g.stride, g.out, strict=True)
    return all((size - k) // s + 1 == out for size, k, s, out in spatial)


def _is_same(g: PoolGeometry, x: Operand, resizable: bool) -> bool:
    """Whether Keras's "same" places the windows as Caffe does.

    It yields ceil(size / stride) windows and pads what they lack, the odd row behind.
    """
    for size, k, s, pad, out in zip(x.shape[2:], g.kernel, g.stride, g.pad, g.out, strict=True):
        lacking = max((out - 1) * s + k - size, 0)
        if out != -(-size // s) or lacking // 2 != pad or lacking >= 2 * k:
            return False
        if resizable and s != 1:
            return False
    return True

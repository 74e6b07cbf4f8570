"""Pooling, with Caffe's sizes: rounded up, clipped, averaged over the padding too."""

from __future__ import annotations

from typing import Any

from caffe2keras.errors import UnsupportedCombinationError
from caffe2keras.graph.net import Layer
from caffe2keras.layer_map.registry import Operand, Placed, maps
from caffe2keras.layer_map.wiring import flatten, permuted_to_caffe, reshape, zero_padding
from caffe2keras.layout import DataFormat, caffe_order
from caffe2keras.shapes.geometry import PoolGeometry, pool_geometry, spp_geometry
from caffe2keras.spec import (
    Call,
    Fragment,
    FragmentInput,
    FragmentOutput,
    FragmentTensor,
    KerasLayer,
    line,
)

__all__ = ["pooling", "spp"]


def _pools_the_whole_of_this_size(layer: Layer) -> bool:
    """Whether a global pooling becomes a layer whose window is this image."""
    p = layer.params.pooling_param
    return p.global_pooling and (len(layer.tops) == 2 or p.pool == "STOCHASTIC")


@maps("Pooling", wants="image", fixes_size=_pools_the_whole_of_this_size)
def pooling(layer: Placed) -> Fragment:
    """Maximum or average over a sliding window.

    Caffe    output size rounded up, last window clipped; AVE divides by the window inside H + pad;
             a second top of MAX tells where each maximum was found
    Keras    MaxPooling2D, AveragePooling2D where they are exact for this size (for every size, if
             the net keeps its freedom of size), else caffe2keras>Pooling2D; ZeroPadding2D before
             MAX where nothing is below zero;
             Global pooling and Reshape for global_pooling; caffe2keras>MaxPooling2DWithMask;
             caffe2keras>StochasticPooling2D
    Differs  STOCHASTIC gives the mean weighted by probability, as Caffe's TEST phase on a GPU
    """
    p, x = layer.params.pooling_param, layer.inputs[0]
    method, geometry = p.pool, pool_geometry(p, x.shape)
    if len(layer.outputs) == 2:
        return _with_mask(layer, geometry)
    if method == "STOCHASTIC":
        config = _window(geometry, layer.data_format)
        return line(KerasLayer("caffe2keras>StochasticPooling2D", config))
    average = method == "AVE"
    if p.global_pooling:
        return _global(layer, average)
    if _windows_fit(geometry, x, layer.resizable):
        return line(_stock(layer, geometry, average, "valid"))
    if not average and _is_same(geometry, x, layer.resizable):
        if _is_same_everywhere(geometry):
            return line(_stock(layer, geometry, average, "same"))
        if x.non_negative:
            padding = zero_padding(_lacking(geometry, x), layer.data_format)
            return line(padding, _stock(layer, geometry, average, "valid"))
    return line(_runtime(geometry, average, layer.data_format))


def _window(g: PoolGeometry, data_format: DataFormat) -> dict[str, Any]:
    return {
        "pool_size": list(g.kernel),
        "strides": list(g.stride),
        "padding": list(g.pad),
        "ceil_mode": g.ceil_mode,
        "data_format": data_format,
    }


def _runtime(
    geometry: PoolGeometry, average: bool, data_format: DataFormat, suffix: str = ""
) -> KerasLayer:
    config = {"pool": "avg" if average else "max", **_window(geometry, data_format)}
    return KerasLayer("caffe2keras>Pooling2D", config, suffix=suffix)


def _with_mask(layer: Placed, geometry: PoolGeometry) -> Fragment:
    config = _window(geometry, layer.data_format)
    call = Call(KerasLayer("caffe2keras>MaxPooling2DWithMask", config), (FragmentInput(0),))
    layouts = (layer.inputs[0].layout,) * 2
    return Fragment((call,), (FragmentOutput(0, 0), FragmentOutput(0, 1)), layouts)


@maps("SPP", wants="image", fixes_size=True)
def spp(layer: Placed) -> Fragment:
    """Pooling into ever finer grids, all of them in one row.

    Caffe    2 ** level windows along each axis for each level of pyramid_height; pool
    Keras    caffe2keras>Pooling2D, Permute, Flatten for each level, and Concatenate
    Refuses  STOCHASTIC
    """
    p, x = layer.params.spp_param, layer.inputs[0]
    if p.pool == "STOCHASTIC":
        raise UnsupportedCombinationError(
            what="spp_param.pool = STOCHASTIC",
            why="Caffe pads the windows of a pyramid, and its stochastic pooling takes no padding",
        )
    average = p.pool == "AVE"
    levels = spp_geometry(p, x.shape)
    if len(levels) == 1:
        return line(_runtime(levels[0], average, layer.data_format), layout=x.layout)
    calls: list[Call] = []
    rows: list[FragmentTensor] = []
    for i, geometry in enumerate(levels):
        tensor: FragmentTensor = FragmentInput(0)
        pool = _runtime(geometry, average, layer.data_format, f"_{i}")
        for keras in (pool, *permuted_to_caffe(x), flatten()):
            calls.append(Call(keras, (tensor,)))
            tensor = FragmentOutput(len(calls) - 1)
        rows.append(tensor)
    calls.append(Call(KerasLayer("Concatenate", {"axis": 1}), tuple(rows)))
    return Fragment(tuple(calls), (FragmentOutput(len(calls) - 1),), (caffe_order(2),))


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
        if out != -(-size // s) or lacking // 2 != pad:
            return False
        if resizable and s != 1:
            return False
    return True


def _is_same_everywhere(g: PoolGeometry) -> bool:
    """Whether "same" is the same in Keras 2.3 on Theano.

    There a window of 3 has one row before and one behind, of any other size k it has k - 1 or, if
    that is even, k - 2 on either side.
    """
    return all(k == 1 or (k == 3 and pad == 1) for k, pad in zip(g.kernel, g.pad, strict=True))


def _lacking(g: PoolGeometry, x: Operand) -> tuple[tuple[int, int], ...]:
    """The rows that windows lack before and behind the image, along each axis."""
    spatial = zip(x.shape[2:], g.kernel, g.stride, g.pad, g.out, strict=True)
    return tuple((pad, max((out - 1) * s + k - size - pad, 0)) for size, k, s, pad, out in spatial)

"""C3D's layers over (N, C, L, H, W)."""

from __future__ import annotations

from math import prod
from typing import Any

from caffe2keras.errors import UnsupportedCombinationError, UnsupportedFieldError
from caffe2keras.graph.net import Weight
from caffe2keras.layer_map.registry import Placed, maps
from caffe2keras.layer_map.wiring import cropping, zero_padding
from caffe2keras.layout import iohw_to_hwoi, oihw_to_hwio
from caffe2keras.shapes.geometry import ConvGeometry
from caffe2keras.shapes.volume import volume_convolution, volume_pooling
from caffe2keras.spec import Fragment, KerasLayer, Variable, line

__all__ = ["convolution_3d", "deconvolution_3d", "pooling_3d"]


@maps("Convolution3D", wants="image")
def convolution_3d(layer: Placed) -> Fragment:
    """Cross-correlation over length, height and width with a learned kernel.

    Caffe    W (O, I, l, h, w), b (1, 1, 1, 1, O); kernel_depth, temporal_stride, temporal_pad
    Keras    Conv3D, kernel (l, h, w, I, O); ZeroPadding3D before it where padding="same" does not
             say the same
    Source   convolution3d_layer.cpp in facebookarchive's C3D, 1.0 and 1.1
    """
    p, geometry = volume_convolution(layer.params, layer.inputs[0].shape)
    p.honoured("num_output", "bias_term")  # the arrays' shapes say them
    p.honoured("filter_group")  # splits the work, not the channels
    kernel, *bias = layer.weights
    same = all(
        s == 1 and 2 * pad == k - 1
        for s, pad, k in zip(geometry.stride, geometry.pad, geometry.kernel, strict=True)
    )
    config = {**_config(layer, geometry, bias), "filters": kernel.shape[0]}
    config["padding"] = "same" if same and any(geometry.pad) else "valid"
    view = oihw_to_hwio(kernel.array)
    variables = (Variable("kernel", view.shape, view, kernel), *_bias(bias))
    main = KerasLayer("Conv3D", config, variables)
    if same or not any(geometry.pad):
        return line(main)
    return line(zero_padding(_both_sides(geometry), layer.data_format), main)


@maps("Deconvolution3D", wants="image")
def deconvolution_3d(layer: Placed) -> Fragment:
    """Transposed convolution over length, height and width.

    Caffe    W (I, O, l, h, w), b (1, 1, 1, 1, O); kernel_depth, temporal_stride, temporal_pad
    Keras    Conv3DTranspose, kernel (l, h, w, O, I), and Cropping3D; caffe2keras>ConvTranspose
             where the stride leaves gaps between kernels
    Source   deconvolution3d_layer.cpp in facebookarchive's C3D, 1.0 and 1.1
    """
    p, geometry = volume_convolution(layer.params, layer.inputs[0].shape)
    p.honoured("num_output", "bias_term", "filter_group")
    layer.params.convolution_param.honoured("bias_term")  # where both versions look for it
    kernel, *bias = layer.weights
    config = {**_config(layer, geometry, bias), "filters": kernel.shape[1]}
    view = iohw_to_hwoi(kernel.array)
    variables = (Variable("kernel", view.shape, view, kernel), *_bias(bias))
    if any(s > k for s, k in zip(geometry.stride, geometry.kernel, strict=True)):
        # There Keras adds rows behind the last kernel.
        del config["kernel_initializer"]
        config |= {"padding": list(geometry.pad), "groups": 1}
        return line(KerasLayer("caffe2keras>ConvTranspose", config, variables))
    main = KerasLayer("Conv3DTranspose", {**config, "padding": "valid"}, variables)
    if not any(geometry.pad):
        return line(main)
    return line(main, cropping(_both_sides(geometry), layer.data_format))


def _config(layer: Placed, g: ConvGeometry, bias: list[Weight]) -> dict[str, Any]:
    return {
        "kernel_size": list(g.kernel),
        "strides": list(g.stride),
        "data_format": layer.data_format,
        "use_bias": len(bias) > 0,
        "kernel_initializer": "zeros",
    }


def _bias(bias: list[Weight]) -> tuple[Variable, ...]:
    return tuple(Variable("bias", (prod(b.shape),), b.array, b) for b in bias)


def _both_sides(g: ConvGeometry) -> tuple[tuple[int, int], ...]:
    return tuple((pad, pad) for pad in g.pad)


@maps("Pooling3D", wants="image")
def pooling_3d(layer: Placed) -> Fragment:
    """Maximum or average over a window of length, height and width.

    Caffe    output size rounded up and never clipped; AVE divides by the window inside the padded
             volume
    Keras    MaxPooling3D, AveragePooling3D where they are exact for this size (for every size, if
             the net keeps its freedom of size), else caffe2keras>Pooling3D
    Refuses  STOCHASTIC; padding as wide as the window
    Source   pool3d_layer.cpp in facebookarchive's C3D, 1.0 and 1.1
    """
    p, geometry = volume_pooling(layer.params, layer.inputs[0].shape)
    method = p.pool
    if method == "STOCHASTIC":
        raise UnsupportedFieldError(
            what="pool = STOCHASTIC", why="C3D's own code does not compute it"
        )
    if any(pad >= k for pad, k in zip(geometry.pad, geometry.kernel, strict=True)):
        raise UnsupportedCombinationError(
            what=f"pad {geometry.pad} with a window of {geometry.kernel}",
            why="a window may lie wholly in such a padding",
        )
    config: dict[str, Any] = {
        "pool_size": list(geometry.kernel),
        "strides": list(geometry.stride),
        "data_format": layer.data_format,
    }
    if _windows_fit(layer, geometry):
        name = "AveragePooling3D" if method == "AVE" else "MaxPooling3D"
        return line(KerasLayer(name, {**config, "padding": "valid"}))
    config |= {"pool": "avg" if method == "AVE" else "max", "padding": list(geometry.pad)}
    return line(KerasLayer("caffe2keras>Pooling3D", config))


def _windows_fit(layer: Placed, g: ConvGeometry) -> bool:
    """Whether unpadded windows, rounded down, are C3D's."""
    if any(g.pad):
        return False
    if layer.resizable:
        return all(s == 1 for s in g.stride)
    places = zip(layer.inputs[0].shape[2:], g.kernel, g.stride, layer.outputs[0][2:], strict=True)
    return all((size - k) // s + 1 == out for size, k, s, out in places)

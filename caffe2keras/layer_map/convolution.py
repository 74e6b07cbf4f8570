"""Convolution, Deconvolution and Im2col, in one, two or three dimensions."""

from __future__ import annotations

from typing import Any

from caffe2keras.errors import UnsupportedCombinationError
from caffe2keras.graph.net import Layer, Weight
from caffe2keras.layer_map.registry import Placed, maps
from caffe2keras.layer_map.wiring import cropping, zero_padding
from caffe2keras.layout import Array, iohw_to_hwoi, oihw_to_hwio
from caffe2keras.shapes.geometry import ConvGeometry, conv_geometry
from caffe2keras.spec import Fragment, KerasLayer, Variable, line

__all__ = ["convolution", "convolution_depthwise", "deconvolution", "im2col", "local"]


def _overhangs(layer: Layer) -> bool:
    """Whether zeros behind the image make a window whole, as many as this size lacks."""
    shape = layer.bottoms[0].shape
    geometry = conv_geometry(layer.params.convolution_param, shape)
    amounts = geometry.padding(shape[geometry.axis + 1 :])
    return any(before != behind for before, behind in amounts)


@maps("Convolution", "DepthwiseConvolution", wants="image", per_bottom=True, fixes_size=_overhangs)
def convolution(layer: Placed) -> Fragment:
    """Cross-correlation with a learned kernel; several bottoms share it.

    yonghenglh6's DepthwiseConvolution is the same, only faster (depthwise_conv_layer.cpp).

    Caffe    W (O, I/G, *hw), b (O,); dilation, or DeepLab's hole
    Keras    Conv1D, Conv2D, Conv3D, kernel (*hw, I/G, O); DepthwiseConv2D, kernel (h, w, I, O/I);
             ZeroPadding before it where padding="same" does not say the same;
             caffe2keras>Conv where stride and dilation meet
    Refuses  another channel axis than 1, more than three spatial axes
    """
    p = layer.params.convolution_param
    geometry = conv_geometry(p, layer.inputs[0].shape)
    groups, use_bias = p.group, p.bias_term
    p.honoured("num_output")  # the kernel's shape says it
    _refuse_other_axes(layer, geometry)
    padding, before = _padding(layer, geometry)
    if _stride_meets_dilation(geometry):
        return line(*before, _runtime_conv(layer, geometry, groups, use_bias))
    if _is_depthwise(layer, geometry, groups):
        return line(*before, _depthwise(layer, geometry, padding, use_bias))
    return line(*before, _conv(layer, geometry, padding, groups, use_bias))


@maps("ConvolutionDepthwise", wants="image", fixes_size=_overhangs)
def convolution_depthwise(layer: Placed) -> Fragment:
    """Cross-correlation of every channel by itself, whatever num_output and group say.

    Caffe    W (C, 1, h, w), b (C,)
    Keras    DepthwiseConv2D, kernel (h, w, C, 1); ZeroPadding2D before it where padding="same"
             does not say the same; caffe2keras>Conv where stride and dilation meet
    Source   conv_dw_layer.cpp in farmingyard's ShuffleNet, a pull request that forks took over
    """
    p = layer.params.convolution_param
    geometry = conv_geometry(p, layer.inputs[0].shape)
    p.honoured("num_output", "group", "bias_term")  # the arrays' shapes say what counts
    channels, use_bias = layer.inputs[0].shape[1], len(layer.weights) > 1
    padding, before = _padding(layer, geometry)
    if _stride_meets_dilation(geometry):
        return line(*before, _runtime_conv(layer, geometry, channels, use_bias))
    if _is_depthwise(layer, geometry, channels):
        return line(*before, _depthwise(layer, geometry, padding, use_bias))
    return line(*before, _conv(layer, geometry, padding, channels, use_bias))


def _refuse_other_axes(layer: Placed, geometry: ConvGeometry) -> None:
    rank = len(geometry.kernel)
    if geometry.axis != 1 or not 1 <= rank <= 3:
        raise UnsupportedCombinationError(
            what=f"{layer.type} over {rank} axes of a blob of shape {layer.inputs[0].shape}",
            why="Keras's convolutions slide along one, two or three axes behind batch and channels",
            hint="reshape the blob before and behind the layer",
        )


def _stride_meets_dilation(geometry: ConvGeometry) -> bool:
    # Keras refuses the two together on every backend.
    return any(s > 1 for s in geometry.stride) and any(d > 1 for d in geometry.dilation)


def _padding(layer: Placed, g: ConvGeometry) -> tuple[str, tuple[KerasLayer, ...]]:
    """Keras's word for the padding, and the layer that pads where there is no word."""
    amounts = g.padding(layer.inputs[0].shape[2:])
    if not any(map(any, amounts)):
        return "valid", ()
    steps = zip(amounts, g.extent, g.stride, strict=True)
    if all(s == 1 and before == behind and 2 * before == e - 1 for (before, behind), e, s in steps):
        return "same", ()
    return "valid", (zero_padding(amounts, layer.data_format),)


def _is_depthwise(layer: Placed, g: ConvGeometry, groups: int) -> bool:
    # TensorFlow's depthwise kernel knows one stride and one dilation for both axes.
    even = len(set(g.stride)) == 1 and len(set(g.dilation)) == 1
    return len(g.kernel) == 2 and even and 1 < groups == layer.inputs[0].shape[1]


def _config(g: ConvGeometry, padding: str, data_format: str, use_bias: bool) -> dict[str, Any]:
    return {
        "kernel_size": list(g.kernel),
        "strides": list(g.stride),
        "padding": padding,
        "data_format": data_format,
        "dilation_rate": list(g.dilation),
        "use_bias": use_bias,
    }


def _bias(weights: tuple[Weight, ...]) -> tuple[Variable, ...]:
    return tuple(Variable("bias", b.shape, b.array, b) for b in weights[1:])


def _kernel(name: str, weight: Weight, view: Array) -> Variable:
    return Variable(name, view.shape, view, weight)


def _conv(layer: Placed, g: ConvGeometry, padding: str, groups: int, use_bias: bool) -> KerasLayer:
    weight = layer.weights[0]
    config = {
        "filters": weight.shape[0],
        **_config(g, padding, layer.data_format, use_bias),
        "kernel_initializer": "zeros",
    }
    if groups > 1:
        config["groups"] = groups  # Keras 2.3 does not know the word, so it is said only if needed
    kernel = _kernel("kernel", weight, oihw_to_hwio(weight.array))
    class_name = f"Conv{len(g.kernel)}D"
    return KerasLayer(class_name, config, (kernel, *_bias(layer.weights)))


def _depthwise(layer: Placed, g: ConvGeometry, padding: str, use_bias: bool) -> KerasLayer:
    weight, channels = layer.weights[0], layer.inputs[0].shape[1]
    multiplier = weight.shape[0] // channels
    config = {
        "depth_multiplier": multiplier,
        **_config(g, padding, layer.data_format, use_bias),
        "depthwise_initializer": "zeros",
    }
    # (O, 1, h, w) -> (h, w, I, O/I): Caffe numbers the outputs channel by channel, as Keras does.
    view = oihw_to_hwio(weight.array)[:, :, 0, :]
    view = view.reshape((*view.shape[:2], channels, multiplier))
    kernel = _kernel("depthwise_kernel", weight, view)
    return KerasLayer("DepthwiseConv2D", config, (kernel, *_bias(layer.weights)))


def _runtime_conv(layer: Placed, g: ConvGeometry, groups: int, use_bias: bool) -> KerasLayer:
    weight = layer.weights[0]
    config = {
        "filters": weight.shape[0],
        **_config(g, "", layer.data_format, use_bias),
        "padding": [0] * len(g.kernel),
        "groups": groups,
    }
    kernel = _kernel("kernel", weight, oihw_to_hwio(weight.array))
    return KerasLayer("caffe2keras>Conv", config, (kernel, *_bias(layer.weights)))


@maps("Deconvolution", wants="image", per_bottom=True)
def deconvolution(layer: Placed) -> Fragment:
    """Transposed convolution: size s * (i - 1) + d * (k - 1) + 1 - 2 * pad.

    Caffe    W (I, O/G, *hw), b (O,)
    Keras    Conv2DTranspose or Conv3DTranspose and Cropping, kernel (*hw, O, I);
             caffe2keras>ConvTranspose, kernel (*hw, O/G, I), with groups, in one dimension, where
             stride and dilation meet, or where the stride leaves gaps between kernels
    Refuses  another channel axis than 1, more than three spatial axes
    """
    p = layer.params.convolution_param
    geometry = conv_geometry(p, layer.inputs[0].shape)
    _refuse_other_axes(layer, geometry)
    groups, use_bias = p.group, p.bias_term
    weight = layer.weights[0]
    kernel = _kernel("kernel", weight, iohw_to_hwoi(weight.array))
    variables = (kernel, *_bias(layer.weights))
    config = {"filters": p.num_output, **_config(geometry, "valid", layer.data_format, use_bias)}
    if groups > 1 or len(geometry.kernel) == 1 or not _stock_transpose_is_exact(geometry):
        config |= {"padding": list(geometry.pad), "groups": groups}
        return line(KerasLayer("caffe2keras>ConvTranspose", config, variables))
    config["kernel_initializer"] = "zeros"
    main = KerasLayer(f"Conv{len(geometry.kernel)}DTranspose", config, variables)
    if not any(geometry.pad):
        return line(main)
    return line(main, cropping(tuple((c, c) for c in geometry.pad), layer.data_format))


def _stock_transpose_is_exact(g: ConvGeometry) -> bool:
    if _stride_meets_dilation(g):
        return False
    # With a stride above the kernel's extent Keras adds rows behind the last kernel.
    extents = (d * (k - 1) + 1 for k, d in zip(g.kernel, g.dilation, strict=True))
    return all(e >= s for e, s in zip(extents, g.stride, strict=True))


@maps("Im2col", wants="image", fixes_size=_overhangs)
def im2col(layer: Placed) -> Fragment:
    """What a convolution's kernel sees at each place, as channels.

    Caffe    channels in the order (C, *hw)
    Keras    caffe2keras>Im2col; ZeroPadding before it where the kernel reaches over the image
    Refuses  another channel axis than 1, more than three spatial axes
    """
    geometry = conv_geometry(layer.params.convolution_param, layer.inputs[0].shape)
    _refuse_other_axes(layer, geometry)
    amounts = geometry.padding(layer.inputs[0].shape[2:])
    even = all(before == behind for before, behind in amounts)
    pad = geometry.pad if even else (0,) * len(geometry.pad)
    config = {
        "kernel_size": list(geometry.kernel),
        "strides": list(geometry.stride),
        "padding": list(pad),
        "dilation_rate": list(geometry.dilation),
        "data_format": layer.data_format,
    }
    before = () if even else (zero_padding(amounts, layer.data_format),)
    return line(*before, KerasLayer("caffe2keras>Im2col", config))


@maps("Local", wants="image", fixes_size=True)
def local(layer: Placed) -> Fragment:
    """Cross-correlation with kernels of its own at every place.

    Caffe    W (O, 1, C·k·k, places), b (1, 1, O, places)
    Keras    caffe2keras>LocallyConnected2D, kernel (places, C·k·k, O), bias (places, O)
    Source   local_layer.cpp in happynear's caffe-windows, which was a pull request to Caffe
    """
    p = layer.params.local_param
    kernel, *bias = layer.weights
    config = {
        "filters": p.num_output,
        "kernel_size": [p.kernel_size] * 2,
        "strides": [p.stride] * 2,
        "padding": [p.pad] * 2,
        "use_bias": p.bias_term,
        "data_format": layer.data_format,
    }
    view = kernel.array[:, 0].transpose(2, 1, 0)
    variables = [Variable("kernel", view.shape, view, kernel)]
    for b in bias:
        rows = b.array[0, 0].T
        variables.append(Variable("bias", rows.shape, rows, b))
    return line(KerasLayer("caffe2keras>LocallyConnected2D", config, tuple(variables)))

"""Layers that slide a learned window, and Im2col, which only unfolds it."""

from __future__ import annotations

from collections.abc import Sequence

from caffe2keras.graph.net import Shape
from caffe2keras.params import Params
from caffe2keras.shapes.demands import blobs, count, demand, legacy_shape, same_shapes, unbounded
from caffe2keras.shapes.geometry import ConvGeometry, conv_geometry
from caffe2keras.shapes.registry import Inferred, infers

__all__ = ["convolution", "convolution_depthwise", "deconvolution", "im2col", "local"]


@infers("Convolution", "DepthwiseConvolution")
@blobs(bottoms=(1, unbounded), tops=(1, unbounded))
def convolution(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """(N, I, *in) -> (N, O, *out); weights (O, I/G, *kernel) and (O,).

    yonghenglh6's DepthwiseConvolution is a Convolution but for its speed; it needs its group too.
    """
    p, bottom = params.convolution_param, same_shapes(bottoms)
    geometry = _window(p, bottom, len(bottoms), tops)
    weight = (p.num_output, bottom[geometry.axis] // p.group, *geometry.kernel)
    spatial = geometry.convolved(bottom[geometry.axis + 1 :])
    top = (*bottom[: geometry.axis], p.num_output, *spatial)
    return Inferred((top,) * tops, (weight, *_bias(p)))


@infers("Deconvolution")
@blobs(bottoms=(1, unbounded), tops=(1, unbounded))
def deconvolution(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """(N, I, *in) -> (N, O, *out); weights (I, O/G, *kernel) and (O,)."""
    p, bottom = params.convolution_param, same_shapes(bottoms)
    geometry = _window(p, bottom, len(bottoms), tops)
    weight = (bottom[geometry.axis], p.num_output // p.group, *geometry.kernel)
    spatial = geometry.deconvolved(bottom[geometry.axis + 1 :])
    top = (*bottom[: geometry.axis], p.num_output, *spatial)
    return Inferred((top,) * tops, (weight, *_bias(p)))


@infers("ConvolutionDepthwise")
@blobs(bottoms=1)
def convolution_depthwise(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """(N, C, H, W) -> (N, C, H', W'); weights (C, 1, kh, kw) and (C,).

    farmingyard's conv_dw_layer.cpp reads neither num_output nor group: there are as many of
    either as input channels, whatever they say.
    """
    p, bottom = params.convolution_param, bottoms[0]
    demand(len(bottom) == 4, f"it takes an input of 4 axes (N, C, H, W), received {bottom}")
    geometry = conv_geometry(p, bottom)
    channels = bottom[1]
    weight = (channels, 1, *geometry.kernel)
    top = (*bottom[:2], *geometry.convolved(bottom[2:]))
    return Inferred((top,), (weight, (channels,)) if p.bias_term else (weight,))


@infers("Im2col")
@blobs(bottoms=1)
def im2col(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """(N, C, *in) -> (N, C·taps, *out)."""
    bottom = bottoms[0]
    geometry = conv_geometry(params.convolution_param, bottom)
    demand(len(geometry.kernel) > 0, f"the input {bottom} has no spatial axis to unfold")
    columns = bottom[geometry.axis] * count(geometry.kernel)
    spatial = geometry.convolved(bottom[geometry.axis + 1 :])
    return Inferred(((*bottom[: geometry.axis], columns, *spatial),))


@infers("Local")
@blobs(bottoms=1)
def local(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """(N, C, H, W) -> (N, O, H', W'); weights (O, 1, C·k·k, H'·W') and (1, 1, O, H'·W').

    happynear's local_layer.cpp, which was a pull request to Caffe.
    """
    p, bottom = params.local_param, legacy_shape(bottoms[0])
    out, size, stride = p.num_output, p.kernel_size, p.stride
    demand(out > 0, "num_output is missing or zero")
    demand(size > 0 and stride > 0, f"the kernel is {size}, the stride {stride}, neither is zero")
    demand(min(bottom[2:]) >= size, f"a kernel of {size} is larger than {bottom[2:]}")
    spatial = tuple((extent + 2 * p.pad - size) // stride + 1 for extent in bottom[2:])
    places = count(spatial)
    bias = ((1, 1, out, places),) if p.bias_term else ()
    weight = (out, 1, bottom[1] * size * size, places)
    return Inferred(((bottom[0], out, *spatial),), (weight, *bias))


def _window(p: Params, bottom: Shape, bottoms: int, tops: int) -> ConvGeometry:
    demand(bottoms == tops, f"it produces one output for each input, has {bottoms} and {tops}")
    geometry = conv_geometry(p, bottom)
    channels, outputs, group = bottom[geometry.axis], p.num_output, p.group
    demand(outputs > 0, "num_output is missing or zero")
    demand(group > 0, "group is zero")
    demand(channels % group == 0, f"group {group} does not divide the {channels} input channels")
    demand(outputs % group == 0, f"group {group} does not divide the {outputs} outputs")
    return geometry


def _bias(p: Params) -> tuple[Shape, ...]:
    return ((p.num_output,),) if p.bias_term else ()

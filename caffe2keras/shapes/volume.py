"""C3D's layers over (N, C, L, H, W), whose first spatial axis has parameters of its own.

Version 1.0 keeps them in ``convolution_param`` and ``pooling_param``, 1.1 in messages of theirs.
"""

from __future__ import annotations

from collections.abc import Sequence

from caffe2keras.graph.net import Shape
from caffe2keras.params import Params
from caffe2keras.shapes.demands import blobs, demand
from caffe2keras.shapes.geometry import ConvGeometry, windows
from caffe2keras.shapes.registry import Inferred, infers

__all__ = [
    "convolution_3d",
    "deconvolution_3d",
    "pooling_3d",
    "volume_convolution",
    "volume_pooling",
]


@infers("Convolution3D")
@blobs(bottoms=1)
def convolution_3d(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """(N, I, L, H, W) -> (N, O, L', H', W'); weights (O, I, *kernel) and (1, 1, 1, 1, O).

    ``filter_group`` groups the work and not the channels: each output sees every input
    (convolution3d_layer.cpp), so it only has to divide the outputs.
    """
    bottom = bottoms[0]
    p, geometry = volume_convolution(params, bottom)
    out = p.num_output
    demand(out > 0, "num_output is missing or zero")
    if params.has("convolution3d_param"):
        group = p.filter_group
        demand(group > 0 and out % group == 0, f"filter_group {group} does not divide {out}")
    top = (bottom[0], out, *geometry.convolved(bottom[2:]))
    bias = ((1, 1, 1, 1, out),) if p.bias_term else ()
    return Inferred((top,), ((out, bottom[1], *geometry.kernel), *bias))


@infers("Deconvolution3D")
@blobs(bottoms=1)
def deconvolution_3d(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """(N, I, L, H, W) -> (N, O, L', H', W'); weights (I, O, *kernel) and (1, 1, 1, 1, O).

    Both versions ask ``convolution_param`` for the bias (deconvolution3d_layer.cpp).
    """
    bottom = bottoms[0]
    p, geometry = volume_convolution(params, bottom)
    out = p.num_output
    demand(out > 0, "num_output is missing or zero")
    top = (bottom[0], out, *geometry.deconvolved(bottom[2:]))
    bias = ((1, 1, 1, 1, out),) if params.convolution_param.bias_term else ()
    return Inferred((top,), ((bottom[1], out, *geometry.kernel), *bias))


@infers("Pooling3D")
@blobs(bottoms=1)
def pooling_3d(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """(N, C, L, H, W) -> (N, C, L', H', W'), rounded up and never clipped (pool3d_layer.cpp)."""
    bottom = bottoms[0]
    p, geometry = volume_pooling(params, bottom)
    demand(not p.pad or p.pool == "AVE", f"pad {p.pad} is for AVE, the method is {p.pool}")
    places = zip(bottom[2:], geometry.kernel, geometry.stride, geometry.pad, strict=True)
    out = tuple(windows(*place, ceil_mode=True, clip=False) for place in places)
    demand(min(out) > 0, f"a window of {geometry.kernel} does not fit into {bottom[2:]}")
    return Inferred(((*bottom[:2], *out),))


def volume_convolution(params: Params, bottom: Shape) -> tuple[Params, ConvGeometry]:
    """The message that has the parameters of a Convolution3D, and its window, (L, H, W)."""
    new = params.has("convolution3d_param")
    p = params.convolution3d_param if new else params.convolution_param
    return p, _window(p, bottom, temporal_pad=p.temporal_pad)


def volume_pooling(params: Params, bottom: Shape) -> tuple[Params, ConvGeometry]:
    """The message that has the parameters of a Pooling3D, and its window, (L, H, W)."""
    new = params.has("pooling3d_param")
    p = params.pooling3d_param if new else params.pooling_param
    return p, _window(p, bottom, temporal_pad=0)


def _window(p: Params, bottom: Shape, *, temporal_pad: int) -> ConvGeometry:
    demand(len(bottom) == 5, f"it takes an input of 5 axes (N, C, L, H, W), received {bottom}")
    size, step, pad = (_square(p, name) for name in ("kernel_size", "stride", "pad"))
    kernel = (p.kernel_depth, size, size)
    stride = (p.temporal_stride, step, step)
    demand(min(kernel) > 0, f"the kernel is {kernel}, kernel_depth and kernel_size are needed")
    demand(min(stride) > 0, f"the stride is {stride}, it cannot be zero")
    return ConvGeometry(1, kernel, stride, (temporal_pad, pad, pad), (1, 1, 1))


def _square(p: Params, name: str) -> int:
    """One number for height and width, from a field that is repeated in the current schema."""
    value = getattr(p, name)
    if not isinstance(value, tuple):
        return int(value)
    demand(len(value) <= 1, f"{name} is given {len(value)} times, C3D takes one value")
    return value[0] if value else int(name == "stride")

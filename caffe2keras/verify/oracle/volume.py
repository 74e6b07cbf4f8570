"""C3D's layers over (N, C, L, H, W), whose first spatial axis has fields of its own.

Version 1.0 keeps them in convolution_param and pooling_param, 1.1 in messages of theirs.
"""

from __future__ import annotations

import numpy as np

from caffe2keras.graph.net import Layer
from caffe2keras.params import Params
from caffe2keras.verify.oracle.pooling import METHODS, pooled_extents
from caffe2keras.verify.oracle.registry import Arrays, Tops, computes
from caffe2keras.verify.oracle.windows import Window, columns, scattered

__all__ = ["convolution_3d", "deconvolution_3d", "pooling_3d"]


@computes("Convolution3D")
def convolution_3d(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """Cross-correlation over length, height and width.

    Shapes: x (N, I, L, H, W), kernel (O, I, l, h, w), bias (O,). filter_group splits the work
    and not the channels: every output sees every input (convolution3d_layer.cpp).
    """
    p = _convolution_params(layer)
    (x,) = bottoms
    window = _window(p, temporal_pad=p.temporal_pad)
    out = window.convolved(x.shape[2:])
    kernel = weights[0].reshape(p.num_output, -1)
    y = np.stack([kernel @ columns(volume, window, out) for volume in x])
    if p.bias_term:
        y += weights[1].reshape(-1, 1)
    return (y.reshape(len(x), p.num_output, *out),)


@computes("Deconvolution3D")
def deconvolution_3d(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """The transpose of the convolution that would lead from the output to the input.

    Shapes: x (N, I, L, H, W), kernel (I, O, l, h, w), bias (O,). Whether there is a bias, both
    versions ask convolution_param (deconvolution3d_layer.cpp).
    """
    p = _convolution_params(layer)
    (x,) = bottoms
    window = _window(p, temporal_pad=p.temporal_pad)
    out = window.deconvolved(x.shape[2:])
    kernel = weights[0].reshape(len(weights[0]), -1).T
    volumes = (kernel @ volume.reshape(len(volume), -1) for volume in x)
    y = np.stack([scattered(taps, window, x.shape[2:], out) for taps in volumes])
    if layer.params.convolution_param.bias_term:
        y += weights[1].reshape(-1, 1, 1, 1)
    return (y,)


def _convolution_params(layer: Layer) -> Params:
    new: Params = layer.params.convolution3d_param
    old: Params = layer.params.convolution_param
    return new if layer.params.has("convolution3d_param") else old


@computes("Pooling3D")
def pooling_3d(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """MAX or AVE, rounded up; no window is taken away, even with padding (pool3d_layer.cpp)."""
    params = layer.params
    p = params.pooling3d_param if params.has("pooling3d_param") else params.pooling_param
    (x,) = bottoms
    window = _window(p, temporal_pad=0)
    out = pooled_extents(x.shape[2:], window, round_up=True, clips=False)
    return (METHODS[p.pool](x, window, out),)


def _window(p: Params, temporal_pad: int) -> Window:
    size, step, pad = _square(p, "kernel_size"), _square(p, "stride"), _square(p, "pad")
    return Window(
        kernel=(p.kernel_depth, size, size),
        stride=(p.temporal_stride, step, step),
        pad=(temporal_pad, pad, pad),
        dilation=(1, 1, 1),
    )


def _square(p: Params, name: str) -> int:
    """One number for height and width; in convolution_param the field is repeated."""
    value = getattr(p, name)
    if isinstance(value, tuple):
        return int(value[0]) if value else int(name == "stride")
    return int(value)

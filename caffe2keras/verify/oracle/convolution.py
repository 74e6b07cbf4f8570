"""Convolution and its relatives: im2col and one matrix product for each group."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from caffe2keras.graph.net import Layer, Shape
from caffe2keras.params import Params
from caffe2keras.verify.oracle.axes import canonical
from caffe2keras.verify.oracle.registry import Array, Arrays, Tops, computes
from caffe2keras.verify.oracle.windows import Window, columns, convolution_window, scattered

__all__ = ["convolution", "deconvolution", "im2col", "local"]


@computes("Convolution", "DepthwiseConvolution")
def convolution(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """Cross-correlation over any number of axes; every bottom meets the same kernel.

    Shapes: x (..., I, *spatial), kernel (O, I/G, *kernel), bias (O,), y (..., O, *out). All axes
    before the channels are batch (base_conv_layer.cpp). DepthwiseConvolution differs in speed
    alone (yonghenglh6's depthwise_conv_layer.cpp).
    """
    p = layer.params.convolution_param
    return _convolved(p, bottoms, weights, p.num_output, p.group)


@computes("ConvolutionDepthwise")
def convolution_depthwise(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """A convolution of every channel by itself, whatever group and num_output say.

    Shapes: x (N, C, H, W), kernel (C, 1, h, w), bias (C,) (conv_dw_layer.cpp, a pull request to
    Caffe that several forks took over).
    """
    channels = bottoms[0].shape[1]
    return _convolved(layer.params.convolution_param, bottoms, weights, channels, channels)


def _convolved(p: Params, bottoms: Arrays, weights: Arrays, channels: int, groups: int) -> Tops:
    axis = canonical(p.axis, bottoms[0].ndim)
    spatial = bottoms[0].shape[axis + 1 :]
    window = convolution_window(p, len(spatial))
    out = window.convolved(spatial)
    kernel = weights[0].reshape(groups, channels // groups, -1)

    def one(image: Array, answer: Array) -> None:
        rows = columns(image, window, out).reshape(groups, -1, prod(out))
        np.matmul(kernel, rows, out=answer.reshape(groups, -1, prod(out)))

    bias = weights[1] if p.bias_term else None
    return tuple(_over_images(x, axis, (channels, *out), one, bias) for x in bottoms)


@computes("Deconvolution")
def deconvolution(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """The transpose of the convolution that would lead from the output to the input.

    Shapes: x (..., I, *spatial), kernel (I, O/G, *kernel), bias (O,), y (..., O, *out)
    (deconv_layer.cpp).
    """
    p = layer.params.convolution_param
    axis = canonical(p.axis, bottoms[0].ndim)
    channels, *extents = bottoms[0].shape[axis:]
    spatial = tuple(extents)
    window = convolution_window(p, len(spatial))
    out = window.deconvolved(spatial)
    groups = p.group
    kernel = weights[0].reshape(groups, channels // groups, -1).transpose(0, 2, 1)

    def one(image: Array, answer: Array) -> None:
        taps = kernel @ image.reshape(groups, channels // groups, -1)
        answer[...] = scattered(taps, window, spatial, out)

    bias = weights[1] if p.bias_term else None
    return tuple(_over_images(x, axis, (p.num_output, *out), one, bias) for x in bottoms)


def _over_images(
    x: Array, axis: int, shape: Shape, one: Callable[[Array, Array], None], bias: Array | None
) -> Array:
    """Fill the answer image by image: a batch's columns at once would not fit into memory."""
    images = x.reshape(-1, *x.shape[axis:])
    answers = np.empty((len(images), *shape), x.dtype)
    for image, answer in zip(images, answers, strict=True):
        one(image, answer)
    if bias is not None:
        answers += bias.reshape(-1, *(1,) * (len(shape) - 1))
    return answers.reshape(*x.shape[:axis], *shape)


@computes("Im2col")
def im2col(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """The columns themselves: (..., C, *spatial) -> (..., C·taps, *out) (im2col_layer.cpp)."""
    p = layer.params.convolution_param
    axis = canonical(p.axis, bottoms[0].ndim)
    channels, *spatial = bottoms[0].shape[axis:]
    window = convolution_window(p, len(spatial))
    out = window.convolved(tuple(spatial))
    shape = (channels * prod(window.kernel), *out)

    def one(image: Array, answer: Array) -> None:
        answer[...] = columns(image, window, out).reshape(shape)

    return tuple(_over_images(x, axis, shape, one, None) for x in bottoms)


@computes("Local")
def local(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """A convolution with kernels of its own at every place (local_layer.cpp in caffe-windows).

    Shapes: x (N, C, H, W), kernels (O, 1, C·k·k, places), bias (1, 1, O, places).
    """
    p = layer.params.local_param
    (x,) = bottoms
    window = Window(*((size, size) for size in (p.kernel_size, p.stride, p.pad, 1)))
    out = window.convolved(x.shape[2:])
    kernels = weights[0][:, 0]
    y = np.stack([(kernels * columns(image, window, out)).sum(axis=1) for image in x])
    if p.bias_term:
        y += weights[1][0]
    return (y.reshape(len(x), p.num_output, *out),)

"""Activations: each element for itself, and Softmax along one axis."""

from __future__ import annotations

from math import log

import numpy as np

from caffe2keras.graph.net import Layer
from caffe2keras.verify.oracle.axes import canonical
from caffe2keras.verify.oracle.registry import Array, Arrays, Tops, computes

__all__ = ["sigmoid", "softmax"]


@computes("ReLU")
def relu(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """max(x, 0) + slope · min(x, 0) (relu_layer.cpp)."""
    (x,) = bottoms
    slope = layer.params.relu_param.negative_slope
    return (np.maximum(x, 0) if slope == 0 else np.maximum(x, 0) + slope * np.minimum(x, 0),)


@computes("ReLU6")
def relu6(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """As ReLU, and bounded by 6 (relu6_layer.cpp in eric612's MobileNet-YOLO)."""
    (x,) = bottoms
    slope = layer.params.relu6_param.negative_slope
    return (np.minimum(np.maximum(x, 0) + slope * np.minimum(x, 0), 6),)


@computes("PReLU")
def prelu(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """As ReLU, with a slope for each channel or one for all; x (N, C, ...) (prelu_layer.cpp)."""
    (x,) = bottoms
    slope = weights[0].reshape(-1, *(1,) * (x.ndim - 2))
    return (np.maximum(x, 0) + slope * np.minimum(x, 0),)


@computes("ELU")
def elu(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """As it is above zero, alpha · (exp x - 1) below (elu_layer.cpp)."""
    (x,) = bottoms
    alpha = layer.params.elu_param.alpha
    return (np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0)),)


def sigmoid(x: Array) -> Array:
    """The logistic function by way of tanh, which cannot overflow (sigmoid_layer.cpp)."""
    y: Array = 0.5 * np.tanh(0.5 * x) + 0.5
    return y


@computes("Sigmoid")
def sigmoid_layer(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """1 / (1 + exp -x)."""
    return (sigmoid(bottoms[0]),)


@computes("TanH")
def tanh(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """The hyperbolic tangent."""
    return (np.tanh(bottoms[0]),)


@computes("BNLL")
def bnll(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """log(1 + exp x), written so that large x do not overflow (bnll_layer.cpp)."""
    (x,) = bottoms
    return (np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),)


@computes("Swish")
def swish(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """The product x · sigmoid(beta · x) (swish_layer.cpp)."""
    (x,) = bottoms
    return (x * sigmoid(layer.params.swish_param.beta * x),)


@computes("Mish")
def mish(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """The product x · tanh(log(1 + exp x)), as all forks that have it agree."""
    (x,) = bottoms
    return (x * np.tanh(np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))),)


@computes("HSwish")
def h_swish(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """The product x · min(max(x + 3, 0), 6) / 6 (hswish_layer.cpp in aovoc's fork)."""
    (x,) = bottoms
    return (x * np.minimum(np.maximum(x + 3, 0), 6) / 6,)


@computes("Insanity")
def insanity(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """Below zero x over the mean of a slope that is random in training.

    From insanity_layer.cpp in happynear's caffe-windows.
    """
    p = layer.params.insanity_param
    (x,) = bottoms
    slope = (p.ub - p.lb) / (log(abs(p.ub)) - log(abs(p.lb)))
    return (np.maximum(x, 0) + np.minimum(x, 0) / slope,)


@computes("Sparsify")
def sparsify(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """Nearer to zero by a threshold, and zero within it (sparsify_layer.cpp in wenwei202's)."""
    return (_towards_zero(bottoms[0], np.asarray(layer.params.sparsify_param.thre)),)


@computes("SymmetricRectify")
def symmetric_rectify(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """The same with learned thresholds, which count as 0 where they are below.

    From symmetric_rectify_layer.cpp in wenwei202's fork.
    """
    (x,) = bottoms
    threshold = np.maximum(weights[0], 0).reshape(-1, *(1,) * (x.ndim - 2))
    return (_towards_zero(x, threshold),)


def _towards_zero(x: Array, threshold: Array) -> Array:
    y: Array = np.sign(x) * np.maximum(np.abs(x) - threshold.astype(x.dtype), 0)
    return y


@computes("Clip")
def clip(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """Bounded from above first, then from below (clip_layer.cpp)."""
    p = layer.params.clip_param
    return (np.maximum(p.min, np.minimum(bottoms[0], p.max)),)


@computes("Threshold")
def threshold(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """1 where x is greater, 0 elsewhere (threshold_layer.cpp)."""
    (x,) = bottoms
    return ((x > layer.params.threshold_param.threshold).astype(x.dtype),)


@computes("Dropout")
def dropout(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """Nothing, since Caffe scales while training (dropout_layer.cpp).

    Without scale_train (caffe-fast-rcnn) it is the other way round. Where it draws at random even
    now (sample_weights_test of caffe-segnet), this is the mean.
    """
    p = layer.params.dropout_param
    p.honoured("sample_weights_test")
    return (bottoms[0] if p.scale_train else bottoms[0] * (1 - p.dropout_ratio),)


@computes("Noise")
def noise(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """Nothing but in training (noise_layer.cpp in happynear's caffe-windows)."""
    return (bottoms[0],)


def softmax(x: Array, axis: int) -> Array:
    """The share of exp x along an axis, the maximum taken out first (softmax_layer.cpp)."""
    y: Array = np.exp(x - x.max(axis=axis, keepdims=True))
    y /= y.sum(axis=axis, keepdims=True)
    return y


@computes("Softmax", "VoxelSoftmax")
def softmax_layer(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """Softmax along one axis, 1 unless said otherwise."""
    (x,) = bottoms
    return (softmax(x, canonical(layer.params.softmax_param.axis, x.ndim)),)

"""Activations: each element for itself, and Softmax along one axis."""

from __future__ import annotations

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
    """Nothing, since Caffe scales while training (dropout_layer.cpp)."""
    return (bottoms[0],)


def softmax(x: Array, axis: int) -> Array:
    """The share of exp x along an axis, the maximum taken out first (softmax_layer.cpp)."""
    y: Array = np.exp(x - x.max(axis=axis, keepdims=True))
    y /= y.sum(axis=axis, keepdims=True)
    return y


@computes("Softmax")
def softmax_layer(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """Softmax along one axis, 1 unless said otherwise."""
    (x,) = bottoms
    return (softmax(x, canonical(layer.params.softmax_param.axis, x.ndim)),)

"""Arithmetic: of one blob with numbers, and of several blobs with one another."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from math import log

import numpy as np

from caffe2keras.errors import ShapeError
from caffe2keras.graph.net import Layer, Shape
from caffe2keras.params import Params
from caffe2keras.verify.oracle.axes import canonical
from caffe2keras.verify.oracle.registry import Array, Arrays, Tops, computes

__all__ = ["eltwise", "power", "scale"]


@computes("AbsVal")
def abs_val(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """The absolute value."""
    return (np.abs(bottoms[0]),)


@computes("Power")
def power(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """(shift + scale · x) ^ power; where scale or power is 0, x does not matter at all.

    Not even a NaN in x shows then (power_layer.cpp).
    """
    p = layer.params.power_param
    (x,) = bottoms
    if p.power * p.scale == 0:
        return (np.full_like(x, np.power(p.shift, p.power) if p.power else 1.0),)
    y = x * p.scale + p.shift
    return (y if p.power == 1 else np.power(y, p.power),)


def _log_of_base(p: Params) -> float:
    """Base -1 stands for e."""
    return 1.0 if p.base == -1 else log(p.base)


@computes("Exp")
def exp(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """The base to the power of shift + scale · x (exp_layer.cpp)."""
    p = layer.params.exp_param
    return (np.exp((bottoms[0] * p.scale + p.shift) * _log_of_base(p)),)


@computes("Log")
def logarithm(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """log(shift + scale · x) to the base (log_layer.cpp)."""
    p = layer.params.log_param
    return (np.log(bottoms[0] * p.scale + p.shift) / _log_of_base(p),)


@computes("SignedSqrt")
def signed_sqrt(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """The root of the absolute value, with the sign (compact_bilinear_pooling's fork)."""
    (x,) = bottoms
    return (np.sign(x) * np.sqrt(np.abs(x)),)


@computes("Eltwise")
def eltwise(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """PROD, SUM (each bottom with its coefficient) or MAX of blobs of one shape.

    Raises:
        ShapeError: the shapes differ; Caffe broadcasts nothing (eltwise_layer.cpp).
    """
    p = layer.params.eltwise_param
    if len({x.shape for x in bottoms}) > 1:
        raise ShapeError(what=f"Eltwise wants one shape, received {[x.shape for x in bottoms]}")
    if p.operation == "PROD":
        return (reduce(np.multiply, bottoms),)
    if p.operation == "MAX":
        first, second, *others = bottoms
        # The first two are told apart by ">", so a NaN in the first loses to the second.
        best = np.where(first > second, first, second)
        return (reduce(lambda y, x: np.where(x > y, x, y), others, best),)
    coefficients = p.coeff or (1.0,) * len(bottoms)
    terms = (x if c == 1 else c * x for c, x in zip(coefficients, bottoms, strict=True))
    return (reduce(np.add, terms),)


@computes("Scale")
def scale(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """Times a factor [plus a bias], laid along x from an axis on; learned or the second bottom.

    With two bottoms the factor's own shape counts, and num_axes does not (scale_layer.cpp).
    """
    p = layer.params.scale_param
    shape = _operand_shape(p, bottoms)
    factor = bottoms[1] if len(bottoms) > 1 else weights[0]
    y = bottoms[0] * _along(factor, shape, p.axis, bottoms[0].ndim)
    if p.bias_term:
        y += _along(weights[-1], shape, p.axis, bottoms[0].ndim)
    return (y,)


@computes("Bias")
def bias(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """Plus a term laid along x from an axis on; learned or the second bottom (bias_layer.cpp)."""
    p = layer.params.bias_param
    term = bottoms[1] if len(bottoms) > 1 else weights[0]
    shape = _operand_shape(p, bottoms)
    return (bottoms[0] + _along(term, shape, p.axis, bottoms[0].ndim),)


@computes("Axpy")
def axpy(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """The sum a · x + y, a (N, C[, 1, 1]), x and y (N, C, H, W) (axpy_layer.cpp in SENet)."""
    a, x, y = bottoms
    return (a.reshape(*x.shape[:2], *(1,) * (x.ndim - 2)) * x + y,)


@computes("ChannelScale")
def channel_scale(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """Every channel times a factor for each pixel, or all times one, learned as a mean of those.

    From channel_scale_layer.cu in caffe-windows.
    """
    x, factors = bottoms
    p = layer.params.channel_scale_param
    if not p.do_forward:
        return (x, *weights)[: len(layer.tops)]
    if p.global_scale:
        return (x * weights[0], weights[0])[: len(layer.tops)]
    return (x * factors.reshape(len(x), 1, *x.shape[2:]),)


def _operand_shape(p: Params, bottoms: Sequence[Array]) -> Shape:
    if len(bottoms) > 1:
        return bottoms[1].shape
    axis = canonical(p.axis, bottoms[0].ndim)
    return bottoms[0].shape[axis:][: p.num_axes if p.num_axes >= 0 else None]


def _along(operand: Array, shape: Shape, axis: int, rank: int) -> Array:
    """Shape an operand so that it broadcasts over x; a scalar lies along nothing."""
    first = canonical(axis, rank) if shape else 0
    return operand.reshape(shape + (1,) * (rank - first - len(shape)))

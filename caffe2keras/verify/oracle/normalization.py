"""Normalisation: LRN, BatchNorm, MVN."""

from __future__ import annotations

import numpy as np

from caffe2keras.graph.net import Layer
from caffe2keras.verify.oracle.axes import legacy_4d
from caffe2keras.verify.oracle.pooling import average
from caffe2keras.verify.oracle.registry import Array, Arrays, Tops, computes
from caffe2keras.verify.oracle.windows import Window

__all__ = ["batch_norm", "lrn", "mvn"]


@computes("LRN")
def lrn(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """Over a power of its neighbours' squares, across channels or within one.

    Within a channel the mean is that of average pooling, divisor and all, and k is 1 whatever
    the prototxt says (lrn_layer.cpp).
    """
    p = layer.params.lrn_param
    (x,) = bottoms
    if p.norm_region == "WITHIN_CHANNEL":
        size = p.local_size
        window = Window((size, size), (1, 1), ((size - 1) // 2,) * 2, (1, 1))
        return (x * (1 + p.alpha * average(x * x, window, x.shape[2:])) ** -p.beta,)
    nearby = _sum_over_channels(x * x, p.local_size)
    return (x * (p.k + p.alpha / p.local_size * nearby) ** -p.beta,)


def _sum_over_channels(x: Array, size: int) -> Array:
    before = (size - 1) // 2
    padded = np.zeros((x.shape[0], x.shape[1] + size - 1, *x.shape[2:]), x.dtype)
    padded[:, before : before + x.shape[1]] = x
    total = padded[:, : x.shape[1]].copy()
    for shift in range(1, size):
        total += padded[:, shift : shift + x.shape[1]]
    return total


@computes("BatchNorm")
def batch_norm(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """(x - mean) / sqrt(variance + eps) for each channel; x (N, C, ...), statistics (C,).

    The stored statistics are divided by the third blob, and are all 0 where that is 0. Statistics
    of the batch itself only where the prototxt asks for them (batch_norm_layer.cpp).
    """
    p = layer.params.batch_norm_param
    (x,) = bottoms
    spread = (-1, *(1,) * (x.ndim - 2))
    if p.has("use_global_stats") and not p.use_global_stats:
        others = (0, *range(2, x.ndim))
        centred = x - x.mean(axis=others, keepdims=True)
        variance = (centred * centred).mean(axis=others, keepdims=True)
        return (centred / np.sqrt(variance + p.eps),)
    mean, variance, total = weights
    factor = 1 / total.flat[0] if total.flat[0] != 0 else total.flat[0]
    mean, variance = (mean * factor).reshape(spread), (variance * factor).reshape(spread)
    return ((x - mean) / np.sqrt(variance + p.eps),)


@computes("MVN")
def mvn(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """Mean taken out, divided by (standard deviation + eps), for each image or channel.

    The top always has four axes; eps is added outside the root (mvn_layer.cpp).
    """
    p = layer.params.mvn_param
    x = bottoms[0].reshape(legacy_4d(bottoms[0].shape))
    axes = (1, 2, 3) if p.across_channels else (2, 3)
    centred = x - x.mean(axis=axes, keepdims=True)
    if not p.normalize_variance:
        return (centred,)
    variance = (centred * centred).mean(axis=axes, keepdims=True)
    return (centred / (np.sqrt(variance) + p.eps),)

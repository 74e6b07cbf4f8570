"""Normalisation: LRN, BatchNorm, MVN, and the forks' BN and L2 norms."""

from __future__ import annotations

import numpy as np

from caffe2keras.graph.net import Layer
from caffe2keras.verify.oracle.axes import legacy_4d
from caffe2keras.verify.oracle.pooling import average
from caffe2keras.verify.oracle.registry import Array, Arrays, Tops, computes
from caffe2keras.verify.oracle.windows import Window

__all__ = ["batch_norm", "bn", "l2_normalize", "lrn", "mvn", "normalize"]


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
    of the batch itself only where the prototxt asks for them (batch_norm_layer.cpp). With five
    blobs it is NVIDIA's: statistics as they are, eps at least 1e-5, then a scale and a bias.
    """
    p = layer.params.batch_norm_param
    (x,) = bottoms
    if len(weights) == 5:
        mean, variance, _, slope, bias = weights
        return (_normalized(x, mean, variance, max(p.eps, 1e-5), slope, bias),)
    if p.has("use_global_stats") and not p.use_global_stats:
        return (_normalized(x, *_batch_statistics(x), p.eps),)
    mean, variance, total = weights
    factor = 1 / total.flat[0] if total.flat[0] != 0 else total.flat[0]
    return (_normalized(x, mean * factor, variance * factor, p.eps),)


def _normalized(
    x: Array,
    mean: Array,
    variance: Array,
    eps: float,
    slope: Array | None = None,
    bias: Array | None = None,
) -> Array:
    """Normalise, then scale and shift; x (N, C, ...), all else (C,) in any shape."""
    y: Array = (x - _of_channels(mean, x)) / np.sqrt(_of_channels(variance, x) + eps)
    if slope is None or bias is None:
        return y
    return y * _of_channels(slope, x) + _of_channels(bias, x)


def _of_channels(numbers: Array, x: Array) -> Array:
    """One number for each channel, or one for all, so that it broadcasts over x (N, C, ...)."""
    return numbers.reshape(-1, *(1,) * (x.ndim - 2))


def _batch_statistics(x: Array) -> tuple[Array, Array]:
    others = (0, *range(2, x.ndim))
    mean: Array = x.mean(axis=others)
    variance: Array = np.square(x - _of_channels(mean, x)).mean(axis=others)
    return mean, variance


@computes("BN")
def bn(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """Normalisation, scale and shift in one layer; x (N, C, ...), every blob C numbers.

    With four blobs yjxiong's, which PSPNet took over: scale, shift, mean, variance. With two
    HyeonwooNoh's, which SegNet took over: scale and shift alone, or behind the statistics of the
    batch itself where bn_mode is LEARN, which are further tops then; the top always has four
    axes. (bn_layer.cpp in each.)
    """
    p = layer.params.bn_param
    (x,) = bottoms
    if len(weights) == 4:
        slope, bias, mean, variance = weights
        return (_normalized(x, mean, variance, p.eps, slope, bias),)
    slope, bias = weights
    x = x.reshape(legacy_4d(x.shape))
    if p.bn_mode == "INFERENCE":
        return (x * _of_channels(slope, x) + _of_channels(bias, x),)
    mean, variance = _batch_statistics(x)
    y = _normalized(x, mean, variance, 1e-9, slope, bias)
    rows = (statistic.reshape(1, -1, 1, 1) for statistic in (mean, variance))
    return (y, *rows)[: len(layer.tops)]


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


@computes("Normalize")
def normalize(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """Over the L2 norm of an image or of each of its pixels, times a learned scale.

    x (N, C, ...), scale (C,) or one number; eps is added to the sum of squares
    (normalize_layer.cpp in the ssd branch of weiliu89's fork). Without a scale it is happynear's.
    """
    p = layer.params.norm_param
    (x,) = bottoms
    if len(weights) == 0:
        return _pixels_normalized(layer, x)
    axes = tuple(range(1, x.ndim)) if p.across_spatial else (1,)
    norm = np.sqrt((x * x).sum(axis=axes, keepdims=True) + p.eps)
    return (x / norm * _of_channels(weights[0], x),)


def _pixels_normalized(layer: Layer, x: Array) -> Tops:
    """Each pixel over its L2 or L1 norm, which is a second top (caffe-windows)."""
    x = x.reshape(legacy_4d(x.shape))
    kind = layer.params.normalize_param.normalize_type
    if layer.params.has("softmax_param"):  # in the first version, for images of one pixel alike
        kind = layer.params.softmax_param.normalize_type
    if kind == "L1":
        norm = np.abs(x).sum(axis=1, keepdims=True) + 1e-6
    else:
        norm = np.sqrt((x * x).sum(axis=1, keepdims=True) + 1e-6)
    return (x / norm, norm)[: len(layer.tops)]


@computes("L2Normalize")
def l2_normalize(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """Each image over its L2 norm; the top has four axes (compact_bilinear_pooling's fork)."""
    x = bottoms[0].reshape(legacy_4d(bottoms[0].shape))
    return (x * ((x * x).sum(axis=(1, 2, 3), keepdims=True) + 1e-7) ** -0.5,)

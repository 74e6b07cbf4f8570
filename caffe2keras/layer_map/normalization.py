"""BatchNorm, BN, LRN and MVN."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from caffe2keras.errors import UnsupportedCombinationError
from caffe2keras.graph.net import Note, Weight
from caffe2keras.layer_map.registry import Operand, Placed, maps
from caffe2keras.layer_map.wiring import with_four_axes
from caffe2keras.spec import Fragment, KerasLayer, Variable, line

__all__ = ["batch_norm", "bn", "lrn", "mvn"]

# Theano asks for at least 1e-5, and the float32 nearest to that, which is Caffe's default, is
# smaller. The next float32 above it differs by 1e-7 of itself, far below any variance's rounding.
_EPSILON_FOR_THEANO = 1.0000001e-5

_EPSILON_OF_SEGNET = 1e-9  # bn_layer.cpp there: var_eps_

_MOVING = ("moving_mean", "moving_variance")


@maps("BatchNorm")
def batch_norm(layer: Placed) -> Fragment:
    """Normalisation with the training set's mean and variance, and a Scale behind it if any.

    Caffe    sum of means (C,), sum of variances (C,), their weight (1,); gamma, beta (C,) of Scale.
             NVIDIA, with scale_bias or a filler: mean, variance, a number not used, gamma, beta;
             eps is at least 1e-5
    Keras    BatchNormalization; caffe2keras>BatchStatisticsNormalization where use_global_stats
             is false
    Source   for five arrays batch_norm_layer.cpp in NVIDIA's fork, which caffe-jacinto builds on
    """
    x, p = layer.inputs[0], layer.params.batch_norm_param
    if len(layer.weights) == 5:
        p.honoured("scale_bias", "scale_filler")  # the number of arrays says it
        p.honoured("use_global_stats")  # NVIDIA's tests with the stored ones in any case
        mean, variance, _, *gamma_beta = layer.weights
        learned = _channelwise(("gamma", "beta"), gamma_beta)
        moving = _channelwise(_MOVING, (mean, variance), trainable=False)
        return line(_normalization(x, max(p.eps, 1e-5), p.moving_average_fraction, learned, moving))
    if p.has("use_global_stats") and not p.use_global_stats:
        config = {"axis": x.keras_axis(1), "epsilon": p.eps}
        # The running averages are written in training and not read with these statistics.
        p.honoured("moving_average_fraction")
        return line(KerasLayer("caffe2keras>BatchStatisticsNormalization", config), ties_batch=True)
    learned, moving = _absorbed_scale(layer), _moving_statistics(layer.weights)
    return line(_normalization(x, p.eps, p.moving_average_fraction, learned, moving))


@maps("BN")
def bn(layer: Placed) -> Fragment:
    """Normalisation and scale in one layer, of two families of forks.

    Caffe    SegNet, DeconvNet: gamma, beta (1, C, 1, 1), bn_mode INFERENCE: gamma * x + beta alone;
             LEARN: behind the batch's own statistics. PSPNet, yjxiong: gamma, beta, mean and
             variance, eps; frozen is for training
    Keras    caffe2keras>Scale, behind caffe2keras>BatchStatisticsNormalization for LEARN;
             BatchNormalization for four arrays
    Differs  LEARN fixes the batch size; happynear's BN keeps 1 / deviation instead of the variance,
             and nothing in a net tells it apart
    Refuses  the statistics as further tops
    Source   bn_layer.cpp in alexgkendall's caffe-segnet, HyeonwooNoh's fork, hszhao's PSPNet and
             yjxiong's fork
    """
    x, p = layer.inputs[0], layer.params.bn_param
    p.honoured("scale_filler", "shift_filler", "slope_filler")  # how training starts
    if len(layer.weights) == 4:
        p.honoured("frozen")
        learned = _channelwise(("gamma", "beta"), layer.weights[:2])
        moving = _channelwise(_MOVING, layer.weights[2:], trainable=False)
        return line(_normalization(x, p.eps, p.momentum, learned, moving))
    if len(layer.outputs) > 1:
        raise UnsupportedCombinationError(
            what=f"BN with {len(layer.outputs)} tops",
            why="the statistics of a batch have no place in a model that predicts",
        )
    learned = _channelwise(("gamma", "beta"), layer.weights)
    axis = x.keras_axis(1)
    config = {"axes": [axis], "use_scale": True, "use_bias": True}
    scale = KerasLayer("caffe2keras>Scale", config, learned)
    if p.bn_mode == "INFERENCE":
        return with_four_axes(layer, scale)
    statistics = KerasLayer(
        "caffe2keras>BatchStatisticsNormalization",
        {"axis": axis, "epsilon": _EPSILON_OF_SEGNET},
        suffix="_statistics",
    )
    return replace(with_four_axes(layer, statistics, scale), ties_batch=True)


def _normalization(
    x: Operand,
    eps: float,
    momentum: float,
    learned: tuple[Variable, ...],
    moving: tuple[Variable, ...],
) -> KerasLayer:
    config = {
        "axis": x.keras_axis(1),
        "momentum": momentum,
        "epsilon": _epsilon(eps),
        "scale": len(learned) > 0,
        "center": len(learned) > 1,
        **{key: "zeros" for key in _initializers(len(learned))},
    }
    return KerasLayer("BatchNormalization", config, (*learned, *moving))


def _channelwise(
    names: Sequence[str], weights: Sequence[Weight], *, trainable: bool = True
) -> tuple[Variable, ...]:
    """Arrays of one number for each channel, in whatever shape Caffe has them."""
    return tuple(
        Variable(name, (prod(w.shape),), w.array, w, trainable)
        for name, w in zip(names, weights, strict=False)
    )


def _initializers(learned: int) -> list[str]:
    names = ["gamma_initializer", "beta_initializer"][:learned]
    return [*names, "moving_mean_initializer", "moving_variance_initializer"]


def _absorbed_scale(layer: Placed) -> tuple[Variable, ...]:
    if not layer.absorbed:
        return ()
    (scale,) = layer.absorbed
    scale.params.scale_param.honoured("axis", "num_axes", "bias_term")
    return _channelwise(("gamma", "beta"), scale.weights)


def _moving_statistics(weights: tuple[Weight, ...]) -> tuple[Variable, ...]:
    mean, variance, weight = weights
    # batch_norm_layer.cpp: the statistics are sums, to be divided by their weight; 0 means none.
    total = np.float32(weight.array.reshape(()))
    factor = np.float32(0) if total == 0 else np.float32(1) / total
    return tuple(
        Variable(name, w.shape, _scaled(w.array, factor), w, trainable=False)
        for name, w in zip(_MOVING, (mean, variance), strict=True)
    )


def _scaled(array: npt.NDArray[np.float32], factor: np.float32) -> npt.NDArray[np.float32]:
    return (array * factor).astype(np.float32)


def _epsilon(eps: float) -> float:
    return _EPSILON_FOR_THEANO if np.float32(eps) == np.float32(1e-5) else eps


@maps("LRN", wants="image")
def lrn(layer: Placed) -> Fragment:
    """Local response normalisation.

    Caffe    x / (k + alpha / n * sum of n neighbours' squares) ** beta across channels;
             x * (1 + alpha * mean of squares in an n x n window) ** -beta within a channel
    Keras    caffe2keras>LRN
    Differs  within a channel k is read and not used, as in Caffe; in place and across channels it
             computes what Caffe does on a GPU (on the CPU Caffe overwrites x before it reads it)
    """
    p = layer.params.lrn_param
    region = p.norm_region.lower()
    config: dict[str, Any] = {
        "local_size": p.local_size,
        "alpha": p.alpha,
        "beta": p.beta,
        "k": p.k,
        "norm_region": region,
        "data_format": layer.data_format,
    }
    notes = (*_unused_k(layer, region, p.k), *_in_place(layer, region))
    return line(KerasLayer("caffe2keras>LRN", config), notes=notes)


def _in_place(layer: Placed, region: str) -> tuple[Note, ...]:
    if region != "across_channels" or layer.params.bottom != layer.params.top:
        return ()
    # lrn_layer.cpp writes the factors into the top, and multiplies them by the bottom after that.
    text = "in place, Caffe's CPU code loses its input; this is what its GPU code computes"
    return (Note("warning", layer.name, text),)


def _unused_k(layer: Placed, region: str, k: float) -> tuple[Note, ...]:
    if region == "across_channels" or k == 1:
        return ()
    text = f"k = {k} has no effect, since Caffe does not use it within a channel"
    return (Note("decided", layer.name, text),)


@maps("MVN")
def mvn(layer: Placed) -> Fragment:
    """Normalisation with each sample's own mean and variance.

    Caffe    (x - mean) / (sqrt(variance) + eps), by channel or across_channels;
             normalize_variance; the top always has four axes
    Keras    caffe2keras>MVN; Reshape behind it where the bottom has fewer axes
    """
    x, p = layer.inputs[0], layer.params.mvn_param
    first = 1 if p.across_channels else 2
    config = {
        "axes": sorted(x.keras_axis(axis) for axis in range(first, x.rank)),
        "normalize_variance": p.normalize_variance,
        "epsilon": p.eps,
    }
    return with_four_axes(layer, KerasLayer("caffe2keras>MVN", config))

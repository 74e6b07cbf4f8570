"""BatchNorm, LRN and MVN."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from caffe2keras.graph.net import Note, Weight
from caffe2keras.layer_map.registry import Placed, maps
from caffe2keras.layer_map.wiring import permuted_to_caffe, reshape
from caffe2keras.layout import caffe_order
from caffe2keras.spec import Fragment, KerasLayer, Variable, line

__all__ = ["batch_norm", "lrn", "mvn"]

# Theano asks for at least 1e-5, and the float32 nearest to that, which is Caffe's default, is
# smaller. The next float32 above it differs by 1e-7 of itself, far below any variance's rounding.
_EPSILON_FOR_THEANO = 1.0000001e-5


@maps("BatchNorm")
def batch_norm(layer: Placed) -> Fragment:
    """Normalisation with the training set's mean and variance, and a Scale behind it if any.

    Caffe    sum of means (C,), sum of variances (C,), their weight (1,); gamma, beta (C,) of Scale
    Keras    BatchNormalization; caffe2keras>BatchStatisticsNormalization where use_global_stats
             is false
    """
    x, p = layer.inputs[0], layer.params.batch_norm_param
    if p.has("use_global_stats") and not p.use_global_stats:
        config = {"axis": x.keras_axis(1), "epsilon": p.eps}
        # The running averages are written in training and not read with these statistics.
        p.honoured("moving_average_fraction")
        return line(KerasLayer("caffe2keras>BatchStatisticsNormalization", config), ties_batch=True)
    gamma_beta = _absorbed_scale(layer)
    config = {
        "axis": x.keras_axis(1),
        "momentum": p.moving_average_fraction,
        "epsilon": _epsilon(p.eps),
        "scale": len(gamma_beta) > 0,
        "center": len(gamma_beta) > 1,
        **{key: "zeros" for key in _initializers(len(gamma_beta))},
    }
    moving = _moving_statistics(layer.weights)
    return line(KerasLayer("BatchNormalization", config, (*gamma_beta, *moving)))


def _initializers(learned: int) -> list[str]:
    names = ["gamma_initializer", "beta_initializer"][:learned]
    return [*names, "moving_mean_initializer", "moving_variance_initializer"]


def _absorbed_scale(layer: Placed) -> tuple[Variable, ...]:
    if not layer.absorbed:
        return ()
    (scale,) = layer.absorbed
    scale.params.scale_param.honoured("axis", "num_axes", "bias_term")
    return tuple(
        Variable(name, w.shape, w.array, w)
        for name, w in zip(("gamma", "beta"), scale.weights, strict=False)
    )


def _moving_statistics(weights: tuple[Weight, ...]) -> tuple[Variable, ...]:
    mean, variance, weight = weights
    # batch_norm_layer.cpp: the statistics are sums, to be divided by their weight; 0 means none.
    total = np.float32(weight.array.reshape(()))
    factor = np.float32(0) if total == 0 else np.float32(1) / total
    return tuple(
        Variable(name, w.shape, _scaled(w.array, factor), w, trainable=False)
        for name, w in (("moving_mean", mean), ("moving_variance", variance))
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
    main = KerasLayer("caffe2keras>MVN", config)
    if x.rank >= 4:
        return line(main)
    whole = reshape(layer.outputs[0][1:])
    return line(main, *permuted_to_caffe(x), whole, layout=caffe_order(4))

"""Layers that bend each number by itself, with one learned slope at most."""

from __future__ import annotations

import numpy as np

from caffe2keras.layer_map.registry import Placed, maps
from caffe2keras.spec import Fragment, KerasLayer, Variable, line

__all__ = [
    "absval",
    "bnll",
    "clip",
    "dropout",
    "elu",
    "prelu",
    "relu",
    "sigmoid",
    "swish",
    "tanh",
    "threshold",
]


@maps("ReLU", any_batch_axis=True)
def relu(layer: Placed) -> Fragment:
    """Rectifier, leaky if a slope is given.

    Caffe    max(x, 0) + negative_slope * min(x, 0)
    Keras    ReLU; LeakyReLU with a slope; PReLU with a constant one below zero
    """
    slope = layer.params.relu_param.negative_slope
    if slope == 0:
        return line(KerasLayer("ReLU", {}))
    if slope > 0:
        return line(KerasLayer("LeakyReLU", {"alpha": slope}))
    return line(_constant_prelu(layer, slope))


def _constant_prelu(layer: Placed, slope: float) -> KerasLayer:
    # Keras's LeakyReLU refuses slopes below zero, Caffe takes any.
    rank = layer.inputs[0].rank
    alpha = np.full((1,) * (rank - 1), slope, np.float32)
    config = {"alpha_initializer": "zeros", "shared_axes": list(range(1, rank))}
    return KerasLayer("PReLU", config, (Variable("alpha", alpha.shape, alpha),))


@maps("PReLU")
def prelu(layer: Placed) -> Fragment:
    """Rectifier with a learned slope for each channel, or one for all.

    Caffe    slope (C,), or () with channel_shared
    Keras    PReLU, alpha shaped like the input with 1 on every shared axis
    """
    x, (slope,) = layer.inputs[0], layer.weights
    shared = layer.params.prelu_param.channel_shared
    shape = [1] * x.rank
    if not shared:
        shape[x.keras_axis(1)] = x.shape[1]
    shared_axes = [axis for axis in range(1, x.rank) if shared or axis != x.keras_axis(1)]
    config = {"alpha_initializer": "zeros", "shared_axes": shared_axes or None}
    alpha = Variable("alpha", tuple(shape[1:]), slope.array, slope)
    return line(KerasLayer("PReLU", config, (alpha,)))


@maps("ELU", any_batch_axis=True)
def elu(layer: Placed) -> Fragment:
    """Exponential linear unit.

    Caffe    x where x > 0, else alpha * (exp(x) - 1)
    Keras    ELU
    """
    return line(KerasLayer("ELU", {"alpha": layer.params.elu_param.alpha}))


@maps("Sigmoid", any_batch_axis=True)
def sigmoid(layer: Placed) -> Fragment:
    """Logistic function.

    Caffe    1 / (1 + exp(-x))
    Keras    Activation("sigmoid")
    """
    return line(KerasLayer("Activation", {"activation": "sigmoid"}))


@maps("TanH", any_batch_axis=True)
def tanh(layer: Placed) -> Fragment:
    """Hyperbolic tangent.

    Caffe    tanh(x)
    Keras    Activation("tanh")
    """
    return line(KerasLayer("Activation", {"activation": "tanh"}))


@maps("Dropout", any_batch_axis=True)
def dropout(layer: Placed) -> Fragment:
    """Nothing when predicting; drops and rescales when training, as in Caffe.

    Caffe    dropout_ratio is the share that is dropped
    Keras    Dropout with that rate
    """
    return line(KerasLayer("Dropout", {"rate": layer.params.dropout_param.dropout_ratio}))


@maps("AbsVal", any_batch_axis=True)
def absval(layer: Placed) -> Fragment:
    """Absolute value.

    Caffe    |x|
    Keras    caffe2keras>AbsVal
    """
    return line(KerasLayer("caffe2keras>AbsVal", {}))


@maps("BNLL", any_batch_axis=True)
def bnll(layer: Placed) -> Fragment:
    """Binomial normal log likelihood.

    Caffe    log(1 + exp(x))
    Keras    Activation("softplus")
    """
    return line(KerasLayer("Activation", {"activation": "softplus"}))


@maps("Swish", any_batch_axis=True)
def swish(layer: Placed) -> Fragment:
    """The input times its logistic.

    Caffe    x * sigmoid(beta * x)
    Keras    caffe2keras>Swish
    """
    return line(KerasLayer("caffe2keras>Swish", {"beta": layer.params.swish_param.beta}))


@maps("Clip", any_batch_axis=True)
def clip(layer: Placed) -> Fragment:
    """Bounded below and above.

    Caffe    min, max; the lower bound wins
    Keras    caffe2keras>Clip
    """
    p = layer.params.clip_param
    return line(KerasLayer("caffe2keras>Clip", {"min_value": p.min, "max_value": p.max}))


@maps("Threshold", any_batch_axis=True)
def threshold(layer: Placed) -> Fragment:
    """One above a threshold, zero elsewhere.

    Caffe    x > threshold
    Keras    caffe2keras>Threshold
    """
    config = {"threshold": layer.params.threshold_param.threshold}
    return line(KerasLayer("caffe2keras>Threshold", config))

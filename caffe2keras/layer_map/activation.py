"""Layers that bend each number by itself, with one learned slope at most."""

from __future__ import annotations

from math import log

import numpy as np

from caffe2keras.errors import UnsupportedFieldError
from caffe2keras.graph.net import Note
from caffe2keras.layer_map.registry import Placed, maps
from caffe2keras.spec import SAMPLED_DROPOUT, Fragment, KerasLayer, Variable, line

__all__ = [
    "absval",
    "bnll",
    "clip",
    "dropout",
    "elu",
    "h_swish",
    "insanity",
    "mish",
    "noise",
    "prelu",
    "relu",
    "relu6",
    "sigmoid",
    "sparsify",
    "swish",
    "symmetric_rectify",
    "tanh",
    "threshold",
]

_LOWEST = float(np.finfo(np.float32).min)


@maps("ReLU", any_batch_axis=True)
def relu(layer: Placed) -> Fragment:
    """Rectifier, leaky if a slope is given.

    Caffe    max(x, 0) + negative_slope * min(x, 0)
    Keras    ReLU; LeakyReLU with a slope; PReLU with a constant one below zero
    """
    return line(_rectifier(layer, layer.params.relu_param.negative_slope))


def _rectifier(layer: Placed, slope: float) -> KerasLayer:
    if slope == 0:
        return KerasLayer("ReLU", {})
    return KerasLayer("LeakyReLU", {"alpha": slope}) if slope > 0 else _constant_prelu(layer, slope)


def _constant_prelu(layer: Placed, slope: float) -> KerasLayer:
    # Keras's LeakyReLU refuses slopes below zero, Caffe takes any.
    rank = layer.inputs[0].rank
    alpha = np.full((1,) * (rank - 1), slope, np.float32)
    config = {"alpha_initializer": "zeros", "shared_axes": list(range(1, rank))}
    return KerasLayer("PReLU", config, (Variable("alpha", alpha.shape, alpha),))


@maps("ReLU6", any_batch_axis=True)
def relu6(layer: Placed) -> Fragment:
    """Rectifier bounded above by 6, leaky if a slope is given.

    Caffe    min(max(x, 0) + negative_slope * min(x, 0), 6)
    Keras    ReLU; behind a PReLU with a constant slope below zero caffe2keras>Clip
    Source   relu6_layer.cpp in eric612's MobileNet-YOLO
    """
    slope = layer.params.relu6_param.negative_slope
    if slope >= 0:
        leak = {"negative_slope": slope} if slope else {}
        return line(KerasLayer("ReLU", {"max_value": 6.0, **leak}))
    bound = {"min_value": _LOWEST, "max_value": 6.0}
    return line(_constant_prelu(layer, slope), KerasLayer("caffe2keras>Clip", bound, suffix="_6"))


@maps("Insanity", any_batch_axis=True)
def insanity(layer: Placed) -> Fragment:
    """Rectifier whose slope below zero is random in training, and the mean one otherwise.

    Caffe    x where x > 0, else x / m, m = (ub - lb) / (log |ub| - log |lb|)
    Keras    LeakyReLU with 1 / m; PReLU with a constant slope below zero
    Differs  training does not draw slopes
    Refuses  lb and ub as Caffe does: 0, or not ascending
    Source   insanity_layer.cpp in happynear's caffe-windows
    """
    p = layer.params.insanity_param
    lower, upper = p.lb, p.ub
    if lower * upper == 0 or upper <= lower:
        raise UnsupportedFieldError(
            what=f"insanity_param.lb = {lower:g}, ub = {upper:g}",
            why="the bounds must ascend, and neither may be 0",
        )
    return line(_rectifier(layer, (log(abs(upper)) - log(abs(lower))) / (upper - lower)))


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

    Caffe    dropout_ratio is the share that is dropped; without scale_train (caffe-fast-rcnn)
             predictions are multiplied by the share that is kept; with sample_weights_test
             (Bayesian SegNet) it drops at random when predicting too
    Keras    Dropout with that rate, or caffe2keras>SampledDropout; before it caffe2keras>Power
             without scale_train
    Source   dropout_layer.cpp in alexgkendall's caffe-segnet for sample_weights_test
    """
    p = layer.params.dropout_param
    rate = p.dropout_ratio
    sampled = p.sample_weights_test
    drop = KerasLayer(SAMPLED_DROPOUT if sampled else "Dropout", {"rate": rate})
    notes = (_sampled(layer),) if sampled else ()
    if p.scale_train:
        return line(drop, notes=notes)
    # What Keras scales up in training by itself is then back where it was.
    kept = {"power": 1.0, "scale": 1.0 - rate, "shift": 0.0}
    return line(KerasLayer("caffe2keras>Power", kept, suffix="_scale"), drop, notes=notes)


def _sampled(layer: Placed) -> Note:
    text = (
        "it drops at random in every prediction, as sample_weights_test asks; verify compares "
        "the mean, and sampling = False in the Keras layer gives it"
    )
    return Note("decided", layer.name, text)


@maps("Noise", any_batch_axis=True)
def noise(layer: Placed) -> Fragment:
    """Nothing when predicting.

    Caffe    gaussian_std or uniform_range, and bias: what is added in training
    Keras    nothing at all
    Differs  training does not add noise
    Source   noise_layer.cpp in happynear's caffe-windows
    """
    layer.params.noise_param.honoured("gaussian_std", "uniform_range", "bias")
    return line()


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


@maps("Mish", any_batch_axis=True)
def mish(layer: Placed) -> Fragment:
    """The input times the hyperbolic tangent of its softplus.

    Caffe    x * tanh(log(1 + exp(x)))
    Keras    Activation("mish")
    Source   the darknet activation of that name, as YOLOv4's converted prototxts mean it
    """
    return line(KerasLayer("Activation", {"activation": "mish"}))


@maps("HSwish", any_batch_axis=True)
def h_swish(layer: Placed) -> Fragment:
    """A swish of straight pieces.

    Caffe    x * min(max(x + 3, 0), 6) / 6
    Keras    Activation("hard_silu")
    Source   hswish_layer.cpp in aovoc's fork
    """
    return line(KerasLayer("Activation", {"activation": "hard_silu"}))


@maps("Sparsify", any_batch_axis=True)
def sparsify(layer: Placed) -> Fragment:
    """Nearer to zero by a threshold, and zero within it.

    Caffe    thre; coef, which only trains
    Keras    caffe2keras>SoftThreshold; nothing at all for a threshold of 0
    Source   sparsify_layer.cpp in wenwei202's fork
    """
    p = layer.params.sparsify_param
    p.honoured("coef")
    threshold = p.thre
    if threshold == 0:
        return line()
    return line(KerasLayer("caffe2keras>SoftThreshold", {"threshold": threshold}))


@maps("SymmetricRectify")
def symmetric_rectify(layer: Placed) -> Fragment:
    """Nearer to zero by a learned threshold, one for each channel or one for all.

    Caffe    threshold (C,), or () with channel_shared; below 0 it counts as 0; thre_decay, which
             only trains
    Keras    caffe2keras>SoftThreshold
    Source   symmetric_rectify_layer.cpp in wenwei202's fork
    """
    layer.params.symmetric_rectify_param.honoured("channel_shared", "thre_decay")
    (threshold,) = layer.weights
    axes = [layer.inputs[0].keras_axis(1)] if threshold.shape else []
    variable = Variable("threshold", threshold.shape, threshold.array, threshold)
    return line(KerasLayer("caffe2keras>SoftThreshold", {"axes": axes}, (variable,)))


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

"""Every layer of the runtime: its gradient, its files, and what compilers make of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from caffe2keras import runtime as r

Array = np.ndarray


@dataclass(frozen=True)
class Case:
    """A layer to be made, its inputs, and what of it is smooth.

    Attributes:
        layer: makes the layer.
        inputs: all inputs.
        varied: which of them the outputs follow smoothly; the others are places, marks, regions.
        static: whether the layer needs to know the batch size.
        outputs: which outputs follow; None for all.
    """

    layer: Callable[[], keras.Layer]
    inputs: tuple[Array, ...]
    varied: tuple[int, ...] = (0,)
    static: bool = False
    outputs: tuple[int, ...] | None = None


def smooth(*shape: int) -> Array:
    """Numbers about 0."""
    return np.random.default_rng(sum(shape)).normal(size=shape).astype("float32")


def apart(*shape: int) -> Array:
    """Numbers about 0, no two closer than 0.1 and none closer to 0 or 1 than 0.05."""
    count = int(np.prod(shape))
    numbers = 0.1 * (np.arange(count) - count // 2) + 0.05
    return np.random.default_rng(count).permutation(numbers).reshape(shape).astype("float32")


def positive(*shape: int) -> Array:
    """Numbers of at least a half."""
    return np.abs(smooth(*shape)) + 0.5


def numbers(*values: Any) -> Array:
    """Marks, places or regions."""
    return np.array(values, "float32")


IMAGE, FIRST = (2, 5, 7, 3), (2, 3, 5, 4)
WORDS, CONTEXT = smooth(2, 3, 4), smooth(2, 6, 5)
LAST = {"data_format": "channels_last"}
REGIONS = numbers([0, 1, 0, 5, 3], [1, 0, 1, 6, 4])
# Two images, three priors, two classes; the boxes lie apart, so that none suppresses another.
PRIORS = np.stack([[0.1, 0.1, 0.3, 0.3, 0.6, 0.1, 0.9, 0.4, 0.2, 0.6, 0.5, 0.9], [0.1] * 12])[None]
PRIORS = PRIORS.astype("float32")
SCORES = numbers([0.1, 0.9, 0.4, 0.6, 0.3, 0.7], [0.2, 0.8, 0.45, 0.55, 0.35, 0.65])
ANCHORS = [[-8.0, -8.0, 8.0, 8.0], [-4.0, -8.0, 4.0, 8.0]]

CASES: dict[str, Case] = {
    "AbsVal": Case(r.AbsVal, (apart(2, 5, 3),)),
    "AddLoss": Case(lambda: r.AddLoss([0.5]), (smooth(2, 3), smooth(2, 5))),
    "ArgMax": Case(lambda: r.ArgMax(axis=1, top_k=2), (apart(2, 5, 3),)),
    "AttLSTM": Case(lambda: r.AttLSTM(4, steps=3, return_sequences=True), (CONTEXT,)),
    "AttLSTMCond": Case(
        lambda: r.AttLSTMCond(4, position_bias=True, return_sequences=True),
        (WORDS, CONTEXT),
        (0, 1),
    ),
    "BatchReindex": Case(r.BatchReindex, (smooth(3, 5), numbers(2, 0, 2, 1)), static=True),
    "BatchStatisticsNormalization": Case(
        lambda: r.BatchStatisticsNormalization(axis=1), (smooth(6, 5),)
    ),
    "BilinearPooling": Case(
        lambda: r.BilinearPooling(**LAST), (smooth(2, 5, 3, 4), smooth(2, 5, 3, 2)), (0, 1)
    ),
    "BroadcastAdd": Case(lambda: r.BroadcastAdd([0, 3]), (smooth(*IMAGE), smooth(2, 3)), (0, 1)),
    "BroadcastMultiply": Case(
        lambda: r.BroadcastMultiply([0, 3]), (smooth(*IMAGE), smooth(2, 3)), (0, 1)
    ),
    "CaffeLSTM": Case(lambda: r.CaffeLSTM(4), (WORDS, numbers([0, 1, 1], [0, 1, 0]))),
    "CaffeRNN": Case(lambda: r.CaffeRNN(4), (WORDS, numbers([0, 1, 1], [0, 1, 0]))),
    "ClassActivationMapping": Case(
        lambda: r.ClassActivationMapping(4, size=(9, 8), **LAST), (smooth(*IMAGE),)
    ),
    "Clip": Case(lambda: r.Clip(-1.0, 1.0), (apart(2, 5, 3),)),
    "CollapseRows": Case(lambda: r.CollapseRows(**LAST), (smooth(*IMAGE),)),
    "CompactBilinearPooling": Case(
        lambda: r.CompactBilinearPooling(6, seed=1, **LAST),
        (smooth(2, 5, 3, 4), smooth(2, 5, 3, 2)),
        (0, 1),
    ),
    "Constant": Case(lambda: r.Constant([2, 3]), (smooth(2, 5),), static=True),
    "Conv": Case(
        lambda: r.Conv(6, (3, 2), strides=2, dilation_rate=2, groups=2, **LAST),
        (smooth(2, 7, 9, 4),),
    ),
    "ConvTranspose": Case(
        lambda: r.ConvTranspose(6, (4, 3), strides=2, padding=1, **LAST), (smooth(*IMAGE),)
    ),
    "CountSketch": Case(lambda: r.CountSketch(4, seed=1, **LAST), (smooth(*IMAGE),)),
    "CropLike": Case(lambda: r.CropLike([1, 2], [1, 2]), (smooth(*IMAGE), smooth(2, 3, 4, 2))),
    "DetectionOutput": Case(
        lambda: r.DetectionOutput(2, top_k=3, keep_top_k=3),
        (0.1 * smooth(2, 12), SCORES, PRIORS),
        (0, 1),
        static=True,
    ),
    "Exp": Case(lambda: r.Exp(base=2.0, scale=0.5, shift=0.3), (smooth(2, 5, 3),)),
    "Filter": Case(r.Filter, (smooth(3, 5), numbers(1, 0, 1))),
    "FixedReshape": Case(lambda: r.FixedReshape([3, 2, 5]), (smooth(2, 15),), static=True),
    "Im2col": Case(lambda: r.Im2col((2, 3), **LAST), (smooth(*IMAGE),)),
    "InnerDistance": Case(lambda: r.InnerDistance(6), (smooth(2, 5),)),
    "Interpolation2D": Case(lambda: r.Interpolation2D(zoom=3, **LAST), (smooth(*IMAGE),)),
    "LRN": Case(lambda: r.LRN(3, alpha=0.5, **LAST), (smooth(*IMAGE),)),
    "LSTMCond": Case(
        lambda: r.LSTMCond(4, return_sequences=True), (WORDS, smooth(2, 3, 5)), (0, 1)
    ),
    "LSTMUnit": Case(r.LSTMUnit, (smooth(2, 1, 3), smooth(2, 1, 12), numbers([1], [0])), (0, 1)),
    "LocallyConnected2D": Case(lambda: r.LocallyConnected2D(4, (2, 3), **LAST), (smooth(*IMAGE),)),
    "Log": Case(lambda: r.Log(base=2.0, scale=3.0, shift=1.0), (positive(2, 5, 3),)),
    "LossValue": Case(
        lambda: r.LossValue(r.EuclideanLoss()), (smooth(2, 5), 2 * smooth(5, 2).T), (0,)
    ),
    "MDLSTM": Case(lambda: r.MDLSTM(4, **LAST), (smooth(2, 3, 4, 2),)),
    "MVN": Case(lambda: r.MVN([1, 2]), (smooth(*IMAGE),)),
    "MaxPooling2DWithMask": Case(
        lambda: r.MaxPooling2DWithMask(2, 2, **LAST), (apart(*IMAGE),), outputs=(0,)
    ),
    "MaxUnpooling2D": Case(
        lambda: r.MaxUnpooling2D(**LAST),
        (smooth(1, 2, 3, 1), numbers(0, 3, 5, 12, 14, 23).reshape(1, 2, 3, 1)),
    ),
    "MultiDirectionalLSTM": Case(lambda: r.MultiDirectionalLSTM(2, **LAST), (smooth(2, 3, 4, 2),)),
    "Normalize": Case(lambda: r.Normalize([3]), (smooth(*IMAGE),)),
    "PSROIPooling": Case(lambda: r.PSROIPooling(3, 2, 1.0, **LAST), (smooth(2, 5, 7, 12), REGIONS)),
    "Pooling2D": Case(lambda: r.Pooling2D("max", 3, 2, 1, **LAST), (apart(*IMAGE),)),
    "Pooling3D": Case(lambda: r.Pooling3D("avg", 3, 2, 1, **LAST), (smooth(2, 4, 5, 7, 3),)),
    "Power": Case(lambda: r.Power(power=1.5, scale=0.5, shift=1.0), (positive(2, 5, 3),)),
    "PriorBox": Case(
        lambda: r.PriorBox([3.0], [6.0], [2.0], **LAST), (smooth(*IMAGE), smooth(2, 20, 28, 3))
    ),
    "Proposal": Case(
        lambda: r.Proposal(4, ANCHORS, 1, 8, 4, 0.7, **LAST),
        (apart(1, 3, 4, 4), 0.1 * smooth(1, 3, 4, 8), numbers([24, 32, 1, 1])),
        static=True,
    ),
    "ROIPooling": Case(lambda: r.ROIPooling((3, 2), 1.0, **LAST), (apart(*IMAGE), REGIONS)),
    "ReNet": Case(lambda: r.ReNet(3, **LAST), (smooth(2, 3, 4, 2),)),
    "Reduction": Case(lambda: r.Reduction("sumsq", [1, 2], 0.5), (smooth(*IMAGE),)),
    "Reverse": Case(lambda: r.Reverse([1]), (smooth(2, 5, 3),)),
    "ReverseSequence": Case(lambda: r.ReverseSequence(1, 0), (smooth(2, 5, 3), numbers(2, 4))),
    "SampledDropout": Case(lambda: r.SampledDropout(0.5, sampling=False), (smooth(2, 5, 3),)),
    "Scale": Case(lambda: r.Scale([3], use_bias=True), (smooth(*IMAGE),)),
    "ShuffleChannels": Case(lambda: r.ShuffleChannels(2, **LAST), (smooth(2, 5, 3, 6),)),
    "SignedSqrt": Case(r.SignedSqrt, (positive(2, 5, 3),)),
    "Slice": Case(lambda: r.Slice([2], [1], [4]), (smooth(*IMAGE),)),
    "SoftThreshold": Case(lambda: r.SoftThreshold(0.4), (apart(2, 5, 3),)),
    "StepMarks": Case(lambda: r.StepMarks(3, 2), (smooth(6),), static=True),
    "StochasticPooling2D": Case(lambda: r.StochasticPooling2D(2, 2, **LAST), (positive(*IMAGE),)),
    "StoredStatisticsNormalization": Case(r.StoredStatisticsNormalization, (smooth(*IMAGE),)),
    "StopGradient": Case(r.StopGradient, (smooth(2, 5, 3),)),
    "Swish": Case(lambda: r.Swish(beta=1.5), (smooth(2, 5, 3),)),
    "Threshold": Case(lambda: r.Threshold(0.4), (apart(2, 5, 3),)),
    "Tile": Case(lambda: r.Tile(axis=1, tiles=2), (smooth(2, 5, 3),)),
    "TileBlocks": Case(lambda: r.TileBlocks((2, 4), **LAST), (smooth(*IMAGE),)),
    "Transpose": Case(lambda: r.Transpose([0, 2, 1]), (smooth(2, 5, 3),)),
    "Unpooling2D": Case(
        lambda: r.Unpooling2D("share", (2, 2), (2, 2), (6, 8), **LAST), (smooth(2, 3, 4, 2),)
    ),
    "WeightedSum": Case(
        lambda: r.WeightedSum([1.0, -0.5]), (smooth(2, 3, 5), smooth(2, 3, 5) + 1), (0, 1)
    ),
    "YoloDetectionOutput": Case(
        lambda: r.YoloDetectionOutput(3, 2, [1.0, 2.0, 3.0, 1.5], nms_threshold=0.9, **LAST),
        (smooth(1, 3, 3, 16),),
        static=True,
    ),
    "Yolov3DetectionOutput": Case(
        lambda: r.Yolov3DetectionOutput(
            3, 2, [10.0, 20.0, 30.0, 15.0], [[0, 1]], [32], nms_threshold=0.9, **LAST
        ),
        (0.3 * apart(1, 2, 1, 16),),
        static=True,
    ),
}

LAYERS = [
    name
    for name in r.__all__
    if inspect.isclass(getattr(r, name)) and issubclass(getattr(r, name), keras.Layer)
]

# Layers whose outputs do not follow their inputs, and why.
WITHOUT_GRADIENT = {
    "ArgMax": "the places of the largest are whole numbers",
    "Constant": "it does not look at its input",
    "Proposal": "its regions are places, through which Caffe sends nothing back either",
    "PriorBox": "it looks at its inputs' shapes alone",
    "StopGradient": "that is what it is for",
    "Threshold": "a step is flat on both sides",
}

# Layers that XLA cannot compile, and why.
WITHOUT_XLA = {
    "Filter": "how many samples are left depends on their values",
    "Proposal": "how many regions are left depends on their scores",
}


def test_every_layer_has_a_case():
    assert sorted(CASES) == sorted(LAYERS)


@pytest.mark.parametrize("name", LAYERS)
def test_a_model_of_it_comes_back_from_both_kinds_of_file(name, contract):
    if name == "Filter" and keras.backend.backend() != "torch":
        pytest.skip("a compiled model cannot drop samples; see test_indexing")
    case = CASES[name]
    contract(case.layer(), *case.inputs, static=case.static)


@pytest.mark.parametrize("name", LAYERS)
def test_the_gradient_by_inputs_and_weights_is_that_of_finite_differences(name, needs_gradients):
    case = CASES[name]
    layer, tensors, weights = made(case)
    exact = gradients(case, layer, tensors, weights)
    random = np.random.default_rng(1)
    ways = [random.choice([-1.0, 1.0], one.shape).astype("float32") for one in tensors + weights]
    step = 3e-3
    there, back = (
        total(case, layer, *split(tensors, [one + sign * step * way for one, way in moved]))
        for sign in (1, -1)
        for moved in [list(zip(tensors + weights, ways, strict=True))]
    )
    along = sum(float(np.sum(one * way)) for one, way in zip(exact, ways, strict=True))
    if name in WITHOUT_GRADIENT:
        assert along == 0.0
        return
    assert along != 0.0
    np.testing.assert_allclose(along, (there - back) / (2 * step), rtol=1e-2, atol=2e-3)


@pytest.mark.parametrize("name", LAYERS)
def test_compiled_it_computes_the_same(name):
    if name in WITHOUT_XLA:
        pytest.skip(WITHOUT_XLA[name])
    if keras.backend.backend() in ("torch", "openvino"):
        pytest.skip("torch compiles through a C++ toolchain of its own, and openvino anyway")
    case = CASES[name]
    layer = case.layer()
    if name == "ClassActivationMapping" and not layer.supports_jit:
        pytest.skip("XLA resizes otherwise than TensorFlow near the border")
    given = [ops.convert_to_tensor(one) for one in case.inputs]
    expected = computed(layer, given)
    if keras.backend.backend() == "jax":
        import jax

        run = jax.jit(lambda *x: computed(layer, list(x)))
    else:
        import tensorflow as tf

        run = tf.function(lambda *x: computed(layer, list(x)), jit_compile=True)
    for one, other in zip(run(*given), expected, strict=True):
        one, other = (ops.convert_to_numpy(each) for each in (one, other))
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=1e-5)


def made(case):
    """The layer built, the inputs that are varied, and trained weights that are not zeros."""
    layer = case.layer()
    computed(layer, [ops.convert_to_tensor(one) for one in case.inputs])
    weights = [0.5 * smooth(*one.shape) + 0.3 for one in layer.trainable_variables]
    return layer, [case.inputs[index] for index in case.varied], weights


def split(tensors, moved):
    return moved[: len(tensors)], moved[len(tensors) :]


def computed(layer, given):
    """All outputs, in a list."""
    outputs = layer(given if len(given) > 1 else given[0])
    return list(outputs) if isinstance(outputs, list | tuple) else [outputs]


def weighted(case, layer, varied):
    """Σ c · y over the outputs that follow the inputs, each number with a c of its own."""
    given = [ops.convert_to_tensor(one) for one in case.inputs]
    for index, tensor in zip(case.varied, varied, strict=True):
        given[index] = tensor
    outputs = computed(layer, given)
    chosen = outputs if case.outputs is None else [outputs[index] for index in case.outputs]
    return sum(ops.sum(factors(one.shape) * one) for one in chosen)


def factors(shape):
    count = int(np.prod(shape))
    return ops.convert_to_tensor(np.cos(np.arange(count)).reshape(shape).astype("float32") + 0.2)


def total(case, layer, tensors, weights):
    for variable, value in zip(layer.trainable_variables, weights, strict=True):
        variable.assign(value)
    value = weighted(case, layer, [ops.convert_to_tensor(one) for one in tensors])
    return float(ops.convert_to_numpy(value))


def gradients(case, layer, tensors, weights):
    """By the inputs that are varied, and by the weights."""
    total(case, layer, tensors, weights)
    variables = layer.trainable_variables
    if keras.backend.backend() == "jax":
        import jax

        def value(given, values):
            with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
                return weighted(case, layer, given)

        return [
            np.asarray(one) for part in jax.grad(value, (0, 1))(tensors, weights) for one in part
        ]
    if keras.backend.backend() == "torch":
        import torch

        given = [torch.tensor(one, requires_grad=True) for one in tensors]
        value = weighted(case, layer, given)
        if value.requires_grad:
            value.backward()
        found = [one.grad for one in given] + [one.value.grad for one in variables]
    else:
        import tensorflow as tf

        given = [tf.constant(one) for one in tensors]
        with tf.GradientTape() as tape:
            tape.watch(given)
            value = weighted(case, layer, given)
        found = tape.gradient(value, given + [one.value for one in variables])
    nothing = [np.zeros_like(one) for one in tensors + weights]
    return [
        zeros if one is None else np.asarray(ops.convert_to_numpy(one))
        for one, zeros in zip(found, nothing, strict=True)
    ]

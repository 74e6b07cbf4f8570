"""Convolutions of both directions against loops over kernel taps."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caffe2keras.runtime import Conv, ConvTranspose


def convolve(x, kernel, bias, strides, padding, dilation, groups):
    """y[o] = bias + Σ_t kernel[t] · x[o * s + d * t - p], channels last."""
    n, *sizes, channels = x.shape
    taps, filters = kernel.shape[:-2], kernel.shape[-1]
    out = [
        (size + 2 * p - d * (k - 1) - 1) // s + 1
        for size, k, s, p, d in zip(sizes, taps, strides, padding, dilation, strict=True)
    ]
    x = np.pad(x.astype("float64"), [(0, 0), *((p, p) for p in padding), (0, 0)])
    y = np.zeros((n, *out, filters)) + bias
    per_group = filters // groups
    for t in np.ndindex(*taps):
        window = [
            slice(d * i, d * i + s * (o - 1) + 1, s)
            for i, d, s, o in zip(t, dilation, strides, out, strict=True)
        ]
        seen = x[:, *window]
        for g in range(groups):
            mine = slice(g * per_group, (g + 1) * per_group)
            source = seen[..., g * channels // groups : (g + 1) * channels // groups]
            y[..., mine] += source @ kernel[t][:, mine]
    return y


def deconvolve(x, kernel, bias, strides, padding, dilation, groups):
    """Every x[i] spreads kernel[t] · x[i] to s * i + d * t - p, channels last."""
    n, *sizes, channels = x.shape
    taps, per_group = kernel.shape[:-2], kernel.shape[-2]
    full = [
        s * (size - 1) + d * (k - 1) + 1
        for size, k, s, d in zip(sizes, taps, strides, dilation, strict=True)
    ]
    y = np.zeros((n, *full, per_group * groups)) + bias
    for t in np.ndindex(*taps):
        window = [
            slice(d * i, d * i + s * (size - 1) + 1, s)
            for i, d, s, size in zip(t, dilation, strides, sizes, strict=True)
        ]
        for g in range(groups):
            mine = slice(g * channels // groups, (g + 1) * channels // groups)
            spread = x[..., mine].astype("float64") @ kernel[t][:, mine].T
            y[(slice(None), *window, slice(g * per_group, (g + 1) * per_group))] += spread
    crop = [slice(p, size - p) for p, size in zip(padding, full, strict=True)]
    return y[:, *crop]


def run(contract, layer, x, rng):
    """The layer's outputs and its random weights; data go in and out with channels last."""
    first = layer.data_format == "channels_first"
    x = np.moveaxis(x, -1, 1) if first else x
    layer.build(x.shape)
    weights = [rng.normal(size=weight.shape).astype("float32") for weight in layer.weights]
    layer.set_weights(weights)
    y = contract(layer, x)
    kernel, bias = weights if layer.use_bias else (*weights, 0.0)
    return (np.moveaxis(y, 1, -1) if first else y), kernel, bias


CASES = [
    # sizes, kernel, strides, padding, dilation, groups
    ((7, 9), (2, 3), (2, 1), (1, 2), (1, 1), 1),
    ((7, 9), (2, 3), (1, 1), (0, 2), (3, 2), 2),
    ((9, 8), (3, 2), (2, 4), (1, 0), (2, 2), 1),  # stride and dilation share a factor
    ((11, 8), (2, 3), (2, 3), (2, 1), (3, 2), 2),  # and here they do not
    ((12, 10), (3, 3), (2, 2), (0, 1), (5, 3), 1),  # a kernel dear to spread
    ((8, 7), (3, 1), (1, 2), (1, 0), (2, 1), 4),  # depthwise
    ((9,), (3,), (2,), (1,), (3,), 2),
    ((5, 6, 4), (2, 3, 1), (2, 1, 2), (1, 0, 2), (1, 2, 1), 2),
]


@pytest.mark.parametrize(("sizes", "kernel", "strides", "padding", "dilation", "groups"), CASES)
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_convolution_takes_stride_dilation_and_groups_together(
    contract, rng, sizes, kernel, strides, padding, dilation, groups, data_format
):
    x = rng.normal(size=(2, *sizes, 4)).astype("float32")
    layer = Conv(8, kernel, strides, padding, dilation, groups, data_format=data_format)
    y, weights, bias = run(contract, layer, x, rng)
    expected = convolve(x, weights, bias, strides, padding, dilation, groups)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("sizes", "kernel", "strides", "padding", "dilation", "groups"), CASES)
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_transposed_convolution_takes_stride_dilation_and_groups_together(
    contract, rng, sizes, kernel, strides, padding, dilation, groups, data_format
):
    x = rng.normal(size=(2, *sizes, 4)).astype("float32")
    layer = ConvTranspose(8, kernel, strides, padding, dilation, groups, data_format=data_format)
    y, weights, bias = run(contract, layer, x, rng)
    expected = deconvolve(x, weights, bias, strides, padding, dilation, groups)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", [Conv, ConvTranspose])
def test_without_a_bias_there_is_one_weight(contract, rng, kind):
    x = rng.normal(size=(2, 5, 4, 3)).astype("float32")
    layer = kind(2, (2, 3), use_bias=False, data_format="channels_last")
    y, weights, bias = run(contract, layer, x, rng)
    loop = convolve if kind is Conv else deconvolve
    expected = loop(x, weights, bias, (1, 1), (0, 0), (1, 1), 1)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", [Conv, ConvTranspose])
def test_weights_are_kernel_then_bias_in_keras_order(kind):
    layer = kind(6, (2, 5), groups=3, data_format="channels_last")
    layer.build((None, 8, 9, 12))
    shape = (2, 5, 4, 6) if kind is Conv else (2, 5, 2, 12)
    assert [(w.name, w.shape) for w in layer.weights] == [("kernel", shape), ("bias", (6,))]


def test_a_stride_beyond_the_kernel_leaves_only_the_bias_between(contract, rng):
    x = rng.normal(size=(1, 3, 2, 2)).astype("float32")
    layer = ConvTranspose(3, (2, 1), (3, 4), data_format="channels_last")
    y, weights, bias = run(contract, layer, x, rng)
    expected = deconvolve(x, weights, bias, (3, 4), (0, 0), (1, 1), 1)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", [Conv, ConvTranspose])
def test_a_width_equal_to_the_channels_does_not_move_the_bias(kind):
    # TensorFlow's ops.add takes the (1, C, 1, 1) bias for one along the width here.
    layer = kind(5, (1, 1), data_format="channels_first")
    x = np.zeros((2, 3, 4, 5), "float32")
    layer.build(x.shape)
    bias = np.arange(5, dtype="float32")
    layer.bias.assign(bias)
    y = keras.ops.convert_to_numpy(layer(x))
    np.testing.assert_array_equal(y, np.broadcast_to(bias[:, None, None], y.shape))


axis_of_convolution = st.tuples(
    st.integers(1, 4), st.integers(1, 3), st.integers(0, 3), st.integers(1, 3), st.integers(1, 7)
)


@settings(max_examples=15, deadline=None)
@given(st.tuples(axis_of_convolution, axis_of_convolution), st.sampled_from([1, 2, 4]))
def test_any_valid_geometry_agrees_with_the_loop(axes, groups):
    kernel, strides, padding, dilation, sizes = zip(*axes, strict=True)
    x = np.random.default_rng(0).normal(size=(2, *sizes, 4)).astype("float32")
    for kind, loop in ((Conv, convolve), (ConvTranspose, deconvolve)):
        layer = kind(4, kernel, strides, padding, dilation, groups, data_format="channels_last")
        try:
            shape = layer.compute_output_shape(x.shape)
        except ValueError:
            continue  # it does not fit on the input
        layer.build(x.shape)
        weights = np.random.default_rng(1).normal(size=layer.kernel.shape).astype("float32")
        layer.kernel.assign(weights)
        y = keras.ops.convert_to_numpy(layer(x))
        assert y.shape == shape
        expected = loop(x, weights, 0.0, strides, padding, dilation, groups)
        np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5, err_msg=str(axes))


@pytest.mark.parametrize("kind", [Conv, ConvTranspose])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_a_spatial_size_unknown_until_the_call_changes_nothing(
    dynamic_call, rng, kind, data_format
):
    x = rng.normal(size=(2, 5, 7, 4)).astype("float32")
    channels = -1 if data_format == "channels_last" else 1
    layer = kind(6, (3, 2), (2, 3), (1, 0), (1, 2), 2, data_format=data_format)
    layer.build((None, None, None, 4) if channels == -1 else (None, 4, None, None))
    kernel, bias = (rng.normal(size=w.shape).astype("float32") for w in layer.weights)
    layer.set_weights([kernel, bias])
    y = dynamic_call(layer, np.moveaxis(x, -1, channels), known=[channels])
    loop = convolve if kind is Conv else deconvolve
    expected = loop(x, kernel, bias, (2, 3), (1, 0), (1, 2), 2)
    np.testing.assert_allclose(np.moveaxis(y, channels, -1), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", [Conv, ConvTranspose])
def test_gradients_reach_every_pixel(needs_gradients, gradient, rng, kind):
    x = rng.normal(size=(2, 5, 5, 3)).astype("float32")
    layer = kind(2, (2, 3), 1, 1, 2, data_format="channels_last")
    layer.build(x.shape)
    layer.kernel.assign(np.ones(layer.kernel.shape))
    assert np.all(gradient(layer, x) > 0)


@pytest.mark.parametrize("kind", [Conv, ConvTranspose])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"filters": 4, "kernel_size": (1, 1, 1, 1)}, "1, 2 or 3 axes"),
        ({"filters": 4, "kernel_size": (2, 0)}, "`kernel_size` must be 2 integers"),
        ({"filters": 4, "kernel_size": (2,), "strides": (1, 2)}, "`strides` must be 1 integers"),
        ({"filters": 4, "kernel_size": (2, 2), "groups": 3}, "multiple of `groups`"),
    ],
)
def test_wrong_arguments_are_refused(kind, arguments, message):
    with pytest.raises(ValueError, match=message):
        kind(**arguments)


@pytest.mark.parametrize("kind", [Conv, ConvTranspose])
def test_wrong_inputs_are_refused(kind):
    layer = kind(4, (3, 2), padding=0, groups=2, data_format="channels_last")
    with pytest.raises(ValueError, match="known multiple of groups=2"):
        layer.build((None, 8, 9, 3))
    with pytest.raises(ValueError, match="Expected an input of 4 axes"):
        layer.compute_output_shape((None, 8, 4))


def test_a_kernel_larger_than_the_image_is_refused():
    layer = Conv(4, (3, 5), data_format="channels_last")
    with pytest.raises(ValueError, match="does not fit"):
        layer.compute_output_shape((None, 8, 4, 3))

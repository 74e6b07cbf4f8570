"""Pooling against a loop over windows written from Caffe's rules."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caffe2keras.runtime import Pooling2D

LOWEST = np.finfo("float32").min


def pooled_size(size: int, k: int, s: int, p: int, padded: bool, ceil_mode: bool = True) -> int:
    ratio = (size + 2 * p - k) / s
    windows = int(np.ceil(ratio) if ceil_mode else np.floor(ratio)) + 1
    return windows - 1 if padded and (windows - 1) * s >= size + p else windows


def pool(x, kind, kernel, strides, padding, ceil_mode=True):
    """Caffe's pooling of (N, H, W, C), window by window."""
    n, *sizes, c = x.shape
    windows = [
        pooled_size(size, k, s, p, any(padding), ceil_mode)
        for size, k, s, p in zip(sizes, kernel, strides, padding, strict=True)
    ]
    y = np.empty((n, *windows, c), "float32")
    for i in np.ndindex(*windows):
        start = [o * s - p for o, s, p in zip(i, strides, padding, strict=True)]
        end = [
            min(a + k, size + p)
            for a, k, size, p in zip(start, kernel, sizes, padding, strict=True)
        ]
        divisor = (end[0] - start[0]) * (end[1] - start[1])
        part = x[:, max(start[0], 0) : max(end[0], 0), max(start[1], 0) : max(end[1], 0)]
        if kind == "max":
            y[:, *i] = part.max((1, 2), initial=LOWEST)
        else:
            with np.errstate(divide="ignore", invalid="ignore"):
                y[:, *i] = part.sum((1, 2)) / np.float32(divisor)
    return y


CASES = [
    # kernel, strides, padding: what it shows
    ((2, 3), (2, 1), (0, 0)),
    ((3, 2), (2, 3), (1, 0)),  # one padded axis clips both
    ((2, 3), (2, 2), (1, 1)),  # the last window would start in the padding: clipped
    ((4, 5), (3, 2), (3, 1)),
    ((9, 8), (1, 1), (2, 3)),  # larger than the image
    ((1, 1), (3, 4), (0, 0)),  # strides larger than the kernel
]


@pytest.mark.parametrize("kind", ["max", "avg"])
@pytest.mark.parametrize(("kernel", "strides", "padding"), CASES)
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_windows_lie_and_divide_as_in_caffe(
    contract, rng, kind, kernel, strides, padding, data_format
):
    x = rng.normal(size=(2, 7, 6, 3)).astype("float32") - 1
    layer = Pooling2D(kind, kernel, strides, padding, data_format=data_format)
    if data_format == "channels_first":
        y = contract(layer, x.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1)
    else:
        y = contract(layer, x)
    np.testing.assert_allclose(y, pool(x, kind, kernel, strides, padding), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("kind", ["max", "avg"])
def test_floor_mode_drops_the_window_that_hangs_over(contract, rng, kind):
    x = rng.normal(size=(2, 8, 7, 3)).astype("float32")
    y = contract(Pooling2D(kind, (3, 2), (2, 2), (1, 1), False, "channels_last"), x)
    assert y.shape == (2, 4, 4, 3)
    expected = pool(x, kind, (3, 2), (2, 2), (1, 1), ceil_mode=False)
    np.testing.assert_allclose(y, expected, rtol=1e-6, atol=1e-7)


def test_pooling_rounds_the_output_size_up():
    layer = Pooling2D("max", (2, 3), (2, 2), data_format="channels_last")
    assert layer.compute_output_shape((None, 5, None, 4)) == (None, 3, None, 4)


def test_a_window_wholly_in_the_padding_gives_the_lowest_float():
    x = np.zeros((1, 1, 2, 1), "float32")
    y = Pooling2D("max", (2, 1), (1, 1), (1, 0), data_format="channels_last")(x)
    assert y.shape == (1, 2, 2, 1)
    x = np.zeros((1, 4, 1, 1), "float32")
    y = Pooling2D("max", (1, 1), (3, 1), (0, 0), data_format="channels_last")(x)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(y).ravel(), [0, 0])
    x = np.zeros((1, 5, 1, 1), "float32")
    y = Pooling2D("max", (1, 1), (3, 1), (0, 0), data_format="channels_last")(x)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(y).ravel(), [0, 0, LOWEST])


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_any_valid_geometry_agrees_with_the_loop(data):
    axis = st.tuples(st.integers(1, 5), st.integers(1, 4), st.integers(0, 4), st.integers(1, 8))
    valid = axis.filter(lambda a: a[2] < a[0] and pooled_size(a[3], a[0], a[1], a[2], True) > 0)
    axes = data.draw(st.tuples(valid, valid))
    kernel, strides, padding, sizes = zip(*axes, strict=True)
    x = np.random.default_rng(0).normal(size=(2, *sizes, 3)).astype("float32")
    for kind in ("max", "avg"):
        y = Pooling2D(kind, kernel, strides, padding, data_format="channels_last")(x)
        expected = pool(x, kind, kernel, strides, padding)
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(y), expected, rtol=1e-6, atol=1e-6, err_msg=str(axes)
        )


@pytest.mark.parametrize("kind", ["max", "avg"])
@pytest.mark.parametrize(("kernel", "strides", "padding"), CASES[1:4])
def test_a_spatial_size_unknown_until_the_call_changes_nothing(
    dynamic_call, rng, kind, kernel, strides, padding
):
    x = rng.normal(size=(2, 7, 6, 3)).astype("float32")
    layer = Pooling2D(kind, kernel, strides, padding, data_format="channels_last")
    y = dynamic_call(layer, x)
    np.testing.assert_allclose(y, pool(x, kind, kernel, strides, padding), rtol=1e-6, atol=1e-7)


def test_gradients_reach_every_pixel(needs_gradients, gradient, rng):
    x = rng.normal(size=(2, 5, 4, 3)).astype("float32")
    layer = Pooling2D("avg", 3, 2, 1, data_format="channels_last")
    assert np.all(gradient(layer, x) > 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pool": "median", "pool_size": 2}, "`pool` must be 'max' or 'avg'"),
        ({"pool": "max", "pool_size": (2, 2, 2)}, "`pool_size` must be 2 integers"),
        ({"pool": "max", "pool_size": 2, "strides": 0}, "`strides` must be 2 integers"),
        ({"pool": "max", "pool_size": (3, 2), "padding": 2}, "`padding` must be smaller"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Pooling2D(**arguments)


def test_a_kernel_far_larger_than_the_image_is_refused():
    layer = Pooling2D("max", 9, 2, data_format="channels_last")
    with pytest.raises(ValueError, match="does not fit"):
        layer.compute_output_shape((None, 5, 20, 3))
    with pytest.raises(ValueError, match="4 axes"):
        layer.compute_output_shape((None, 5, 20))

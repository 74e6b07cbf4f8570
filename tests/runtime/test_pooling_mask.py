"""The places of maxima, and the expectation of stochastic pooling, against Caffe's loops."""

from __future__ import annotations

import numpy as np
import pytest

from caffe2keras.runtime import MaxPooling2DWithMask, Pooling2D, StochasticPooling2D

LOWEST = np.finfo("float32").min


def windows(x, kernel, strides, padding, shape):
    """(output index, the window's slices of H and W) for a (N, H, W, C) image."""
    for i in np.ndindex(*shape[1:3]):
        start = [o * s - p for o, s, p in zip(i, strides, padding, strict=True)]
        yield (
            i,
            [slice(max(a, 0), max(a + k, 0)) for a, k in zip(start, kernel, strict=True)],
        )


def max_with_mask(x, kernel, strides, padding, shape):
    best, place = np.full(shape, LOWEST, "float32"), np.full(shape, -1, "float32")
    indices = np.arange(x.shape[1] * x.shape[2]).reshape(x.shape[1:3])
    for (i, j), (rows, columns) in windows(x, kernel, strides, padding, shape):
        seen, where = x[:, rows, columns], indices[rows, columns].ravel()
        seen = seen.reshape(len(x), -1, x.shape[3])
        if seen.shape[1]:
            best[:, i, j], place[:, i, j] = seen.max(1), where[seen.argmax(1)]
    return best, place


CASES = [
    ((2, 3), (2, 1), (0, 0)),
    ((3, 2), (2, 3), (1, 0)),
    ((4, 5), (3, 2), (3, 1)),
    ((1, 2), (3, 3), (0, 0)),  # strides larger than the kernel
]


@pytest.mark.parametrize(("kernel", "strides", "padding"), CASES)
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_each_maximum_has_its_place(contract, rng, kernel, strides, padding, data_format):
    x = rng.integers(0, 5, size=(2, 8, 6, 3)).astype("float32")  # full of ties
    layer = MaxPooling2DWithMask(kernel, strides, padding, data_format=data_format)
    first = data_format == "channels_first"
    ys = contract(layer, x.transpose(0, 3, 1, 2) if first else x)
    ys = [y.transpose(0, 2, 3, 1) if first else y for y in ys]
    expected = max_with_mask(x, kernel, strides, padding, ys[0].shape)
    for y, one in zip(ys, expected, strict=True):
        np.testing.assert_array_equal(y, one)
    plain = Pooling2D("max", kernel, strides, padding, data_format="channels_last")
    assert plain.compute_output_shape(x.shape) == ys[0].shape


def test_a_spatial_size_unknown_until_the_call_changes_nothing(dynamic_call, rng):
    x = rng.normal(size=(2, 7, 6, 3)).astype("float32")
    layer = MaxPooling2DWithMask((3, 2), (2, 3), (1, 0), data_format="channels_last")
    shape = layer.compute_output_shape(x.shape)[0]
    expected = max_with_mask(x, (3, 2), (2, 3), (1, 0), shape)
    for number in range(2):
        y = dynamic_call(lambda t, n=number: layer(t)[n], x)
        np.testing.assert_array_equal(y, expected[number])


@pytest.mark.parametrize("kernel", [(2, 3), (8, 9)])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_stochastic_pooling_weighs_values_by_themselves(contract, rng, kernel, data_format):
    x = np.maximum(rng.normal(size=(2, 7, 8, 3)), 0).astype("float32")
    x[0, :4] = 0  # windows of zeros give zero
    layer = StochasticPooling2D(kernel, (2, 2), data_format=data_format)
    first = data_format == "channels_first"
    y = contract(layer, x.transpose(0, 3, 1, 2) if first else x)
    y = y.transpose(0, 2, 3, 1) if first else y
    expected = np.zeros(y.shape)
    for (i, j), (rows, columns) in windows(x, kernel, (2, 2), (0, 0), y.shape):
        seen = x[:, rows, columns].astype("float64")
        total = seen.sum((1, 2))
        expected[:, i, j] = (seen**2).sum((1, 2)) / np.where(total > 0, total, 1)
    np.testing.assert_allclose(y, expected, rtol=2e-6)


def test_a_window_of_zeros_has_a_finite_gradient(needs_gradients, gradient):
    x = np.zeros((1, 4, 4, 2), "float32")
    assert np.all(np.isfinite(gradient(StochasticPooling2D(2, 2), x)))


def test_stochastic_pooling_refuses_padding():
    with pytest.raises(ValueError, match="`padding` must be 0"):
        StochasticPooling2D(3, 2, 1)

"""Unpooling against a loop over pixels, written from the forks' own."""

from __future__ import annotations

import numpy as np
import pytest

from caffe2keras.runtime import MaxPooling2DWithMask, MaxUnpooling2D, Unpooling2D


def unpool(x, places, height, width):
    """(N, h, w, C) and places in a plane of height * width -> (N, height, width, C)."""
    y = np.zeros((len(x), height * width, x.shape[3]), x.dtype)
    for n, h, w, c in np.ndindex(x.shape):
        y[n, int(places[n, h, w, c]), c] = x[n, h, w, c]
    return y.reshape(len(x), height, width, x.shape[3])


def first(*arrays):
    """channels_last -> channels_first."""
    return [np.ascontiguousarray(np.moveaxis(array, -1, 1)) for array in arrays]


CASES = [
    # scale, trim, size, height and width
    (2, 0, None, (6, 10)),
    ((3, 2), 0, None, (9, 10)),
    (2, (1, 0), None, (5, 10)),
    (2, 0, (7, 11), (7, 11)),
]


@pytest.mark.parametrize(("scale", "trim", "size", "large"), CASES)
def test_every_value_goes_to_its_place(contract, rng, scale, trim, size, large):
    x = rng.normal(size=(2, 3, 5, 4)).astype("float32")
    pixels = large[0] * large[1]
    places = [rng.permutation(pixels)[:15].reshape(3, 5) for _ in range(8)]
    places = np.moveaxis(np.reshape(places, (2, 4, 3, 5)), 1, -1).astype("float32")
    expected = unpool(x, places, *large)
    y = contract(MaxUnpooling2D(scale, trim, size, data_format="channels_last"), x, places)
    np.testing.assert_array_equal(y, expected)
    layer = MaxUnpooling2D(scale, trim, size, data_format="channels_first")
    np.testing.assert_array_equal(contract(layer, *first(x, places)), *first(expected))


def test_it_undoes_a_pooling(dynamic_call, rng):
    x = rng.normal(size=(2, 4, 6, 3)).astype("float32")
    pooled, places = (
        np.asarray(array) for array in MaxPooling2DWithMask(2, 2, data_format="channels_last")(x)
    )
    y = dynamic_call(MaxUnpooling2D(data_format="channels_last"), pooled, places)
    kept = y != 0
    np.testing.assert_array_equal(y[kept], x[kept])
    assert kept.sum() == pooled.size


def test_of_values_with_one_place_the_last_stays(contract):
    # As in the forks' loops; windows that overlap may have a maximum in common.
    x = np.array([1.0, 2, 3, 4], "float32").reshape(1, 1, 4, 1)
    places = np.array([5.0, 1, 5, 0], "float32").reshape(x.shape)
    y = contract(MaxUnpooling2D((2, 1), data_format="channels_last"), x, places)
    np.testing.assert_array_equal(y.reshape(-1), [4, 2, 0, 0, 0, 3, 0, 0])


def test_sizes_unknown_until_the_call_change_nothing(dynamic_call, rng):
    x = rng.normal(size=(2, 3, 5, 4)).astype("float32")
    places = np.broadcast_to(np.arange(15).reshape(3, 5, 1) * 3, x.shape).astype("float32")
    layer = MaxUnpooling2D(2, (1, 0), data_format="channels_last")
    assert layer.compute_output_shape([(None, None, None, 4)] * 2) == (None, None, None, 4)
    np.testing.assert_array_equal(dynamic_call(layer, x, places), unpool(x, places, 5, 10))


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="`trim` must be smaller than `scale`"):
        MaxUnpooling2D(2, (0, 2))
    with pytest.raises(ValueError, match="`size` must be 2 integers"):
        MaxUnpooling2D(size=(3, 4, 5))
    with pytest.raises(ValueError, match="two inputs of 4 axes and one shape"):
        MaxUnpooling2D().compute_output_shape([(1, 2, 3, 4), (1, 2, 3, 5)])


def spread(x, kind, kernel, strides, size):
    """Each pixel over its window, one after the other."""
    y = np.zeros((len(x), *size, x.shape[3]), x.dtype)
    for i, j in np.ndindex(x.shape[1:3]):
        h, w = i * strides[0], j * strides[1]
        window = y[:, h : h + kernel[0], w : w + kernel[1]]
        if kind == "first":
            window = window[:, :1, :1]
        if window.size:
            share = window.shape[1] * window.shape[2] if kind == "share" else 1
            window += x[:, i : i + 1, j : j + 1] / share
    return y


@pytest.mark.parametrize("kind", ["tile", "share", "first"])
@pytest.mark.parametrize(
    ("kernel", "strides", "size"),
    [
        ((2, 3), (2, 3), (6, 15)),
        ((2, 3), (2, 3), (7, 13)),  # one axis filled up, the other cut
        ((3, 2), (2, 1), (7, 6)),  # windows that overlap
        ((1, 1), (3, 2), (9, 10)),  # and such that do not touch
    ],
)
def test_every_value_is_spread_over_its_window(contract, rng, kind, kernel, strides, size):
    x = rng.normal(size=(2, 3, 5, 4)).astype("float32")
    expected = spread(x, kind, kernel, strides, size)
    layer = Unpooling2D(kind, kernel, strides, size, data_format="channels_last")
    np.testing.assert_allclose(contract(layer, x), expected, rtol=1e-5, atol=1e-6)
    layer = Unpooling2D(kind, kernel, strides, size, data_format="channels_first")
    y = contract(layer, *first(x))
    np.testing.assert_allclose(y, *first(expected), rtol=1e-5, atol=1e-6)


def test_wrong_spreads_are_refused():
    with pytest.raises(ValueError, match="`spread` must be"):
        Unpooling2D("even", 2, 2, 4)
    with pytest.raises(ValueError, match="known size but the batch"):
        Unpooling2D("tile", 2, 2, 4).compute_output_shape((None, None, 3, 4))

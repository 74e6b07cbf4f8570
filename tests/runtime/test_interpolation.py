"""Interpolation against a loop over pixels, written from util/interp.cpp."""

from __future__ import annotations

import numpy as np
import pytest

from caffe2keras.runtime import Interpolation2D


def interpolate(x, height, width):
    """(N, H, W, C) -> (N, height, width, C), with the corners on the corners."""
    n, rows, columns, c = x.shape
    y = np.empty((n, height, width, c), "float32")
    for i, j in np.ndindex(height, width):
        v = (rows - 1) / (height - 1) * i if height > 1 else 0.0
        u = (columns - 1) / (width - 1) * j if width > 1 else 0.0
        h, w = int(v + 1e-9), int(u + 1e-9)
        h1, w1 = min(h + 1, rows - 1), min(w + 1, columns - 1)
        upper = x[:, h, w] * (1 - (u - w)) + x[:, h, w1] * (u - w)
        lower = x[:, h1, w] * (1 - (u - w)) + x[:, h1, w1] * (u - w)
        y[:, i, j] = upper * (1 - (v - h)) + lower * (v - h)
    return y


CASES = [
    # arguments, size of the output
    ({"size": (11, 4)}, (11, 4)),
    ({"size": (1, 13)}, (1, 13)),
    ({"zoom": 3}, (16, 22)),
    ({"shrink": 2}, (3, 4)),
    ({"shrink": 2, "zoom": 4}, (9, 13)),
    ({"size": (6, 8)}, (6, 8)),
]


@pytest.mark.parametrize(("arguments", "size"), CASES)
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_the_corners_stay_and_all_between_is_linear(contract, rng, arguments, size, data_format):
    x = rng.normal(size=(2, 6, 8, 3)).astype("float32")
    expected = interpolate(x, *size)
    if data_format == "channels_first":
        x, expected = np.moveaxis(x, -1, 1), np.moveaxis(expected, -1, 1)
    y = contract(Interpolation2D(**arguments, data_format=data_format), x)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=2e-6)


def test_it_crops_first(contract, rng):
    x = rng.normal(size=(2, 6, 8, 3)).astype("float32")
    layer = Interpolation2D(zoom=2, crop=(1, 2), data_format="channels_last")
    y = contract(layer, x)
    np.testing.assert_allclose(y, interpolate(x[:, 1:4, 1:6], 5, 9), rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("arguments", [{"zoom": 2, "crop": (0, 1)}, {"size": (3, 9)}])
def test_sizes_unknown_until_the_call_change_nothing(dynamic_call, rng, arguments):
    x = rng.normal(size=(2, 6, 8, 3)).astype("float32")
    layer = Interpolation2D(**arguments, data_format="channels_last")
    expected = interpolate(x, 3, 9) if "size" in arguments else interpolate(x[:, :5, :7], 9, 13)
    np.testing.assert_allclose(dynamic_call(layer, x), expected, rtol=1e-5, atol=2e-6)


def test_a_size_that_is_not_known_is_promised_by_none():
    layer = Interpolation2D(shrink=2, data_format="channels_last")
    assert layer.compute_output_shape((None, None, 9, 3)) == (None, None, 5, 3)


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="`zoom` must be 1 integers of at least 1"):
        Interpolation2D(zoom=0)
    with pytest.raises(ValueError, match="leaves nothing"):
        Interpolation2D(crop=(2, 2)).compute_output_shape((1, 4, 9, 3))

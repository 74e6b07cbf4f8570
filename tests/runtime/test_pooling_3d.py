"""Pooling of volumes against a loop over windows written from C3D's."""

from __future__ import annotations

import numpy as np
import pytest

from caffe2keras.runtime import Pooling3D


def pool(x, kind, kernel, strides, padding):
    """C3D's pooling of (N, L, H, W, C), window by window."""
    n, *sizes, c = x.shape
    axes = list(zip(sizes, kernel, strides, padding, strict=True))
    y = np.empty((n, *(-(-(size + 2 * p - k) // s) + 1 for size, k, s, p in axes), c), "float32")
    for i in np.ndindex(y.shape[1:4]):
        start = [o * s - p for o, (_, _, s, p) in zip(i, axes, strict=True)]
        end = [min(a + k, size + p) for a, (size, k, _, p) in zip(start, axes, strict=True)]
        inside = tuple(slice(max(a, 0), max(b, 0)) for a, b in zip(start, end, strict=True))
        part = x[(slice(None), *inside)]
        if kind == "max":
            y[:, *i] = part.max((1, 2, 3))
        else:
            divisor = np.prod([b - a for a, b in zip(start, end, strict=True)])
            y[:, *i] = part.sum((1, 2, 3)) / divisor
    return y


CASES = [
    # kind, kernel, strides, padding
    ("max", (1, 2, 3), (1, 2, 2), (0, 0, 0)),
    ("max", (2, 3, 2), (2, 2, 3), (0, 0, 0)),
    ("avg", (2, 3, 2), (2, 2, 3), (0, 0, 0)),
    ("avg", (2, 3, 3), (1, 2, 2), (0, 1, 1)),
]


@pytest.mark.parametrize(("kind", "kernel", "strides", "padding"), CASES)
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_windows_are_rounded_up_and_divided_as_in_c3d(
    contract, rng, kind, kernel, strides, padding, data_format
):
    x = rng.normal(size=(2, 5, 6, 7, 3)).astype("float32")
    expected = pool(x, kind, kernel, strides, padding)
    layer = Pooling3D(kind, kernel, strides, padding, data_format=data_format)
    if data_format == "channels_first":
        x, expected = np.moveaxis(x, -1, 1), np.moveaxis(expected, -1, 1)
    np.testing.assert_allclose(contract(layer, x), expected, rtol=1e-5, atol=1e-6)


def test_padding_takes_no_window_away(contract, rng):
    # Caffe's own pooling would drop the last one, which begins in the padding.
    x = rng.normal(size=(2, 2, 3, 3, 1)).astype("float32")
    layer = Pooling3D("avg", (1, 2, 2), (1, 2, 2), (0, 1, 1), data_format="channels_last")
    assert contract(layer, x).shape == (2, 2, 3, 3, 1)
    np.testing.assert_allclose(
        layer(x), pool(x, "avg", (1, 2, 2), (1, 2, 2), (0, 1, 1)), rtol=1e-5, atol=1e-6
    )


def test_sizes_unknown_until_the_call_change_nothing(dynamic_call, rng):
    x = rng.normal(size=(2, 5, 6, 7, 3)).astype("float32")
    layer = Pooling3D("avg", (2, 3, 3), (1, 2, 2), (0, 1, 1), data_format="channels_last")
    expected = pool(x, "avg", (2, 3, 3), (1, 2, 2), (0, 1, 1))
    np.testing.assert_allclose(dynamic_call(layer, x), expected, rtol=1e-5, atol=1e-6)


def test_an_image_is_no_volume():
    with pytest.raises(ValueError, match="an input of 5 axes"):
        Pooling3D("max", 2).compute_output_shape((None, 4, 4, 3))

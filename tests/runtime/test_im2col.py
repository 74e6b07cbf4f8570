"""Patches against a loop over places and taps."""

from __future__ import annotations

import numpy as np
import pytest

from caffe2keras.runtime import Im2col


def im2col(x, kernel, strides, padding, dilation):
    """Caffe's patches of (N, C, *spatial): channels first, then the taps."""
    x = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in padding)])
    places = [
        (size - d * (k - 1) - 1) // s + 1
        for size, k, s, d in zip(x.shape[2:], kernel, strides, dilation, strict=True)
    ]
    y = np.empty((len(x), x.shape[1], np.prod(kernel), *places), "float32")
    for tap, t in enumerate(np.ndindex(*kernel)):
        for o in np.ndindex(*places):
            at = [a * s + b * d for a, s, b, d in zip(o, strides, t, dilation, strict=True)]
            y[:, :, tap, *o] = x[:, :, *at]
    return y.reshape(len(x), -1, *places)


CASES = [
    ((7, 6), (2, 3), (2, 1), (1, 2), (1, 1)),
    ((9, 8), (3, 2), (1, 2), (0, 1), (2, 3)),
    ((9,), (3,), (2,), (1,), (2,)),
    ((4, 5, 3), (2, 1, 2), (1, 2, 1), (0, 1, 0), (2, 1, 1)),
]


@pytest.mark.parametrize(("sizes", "kernel", "strides", "padding", "dilation"), CASES)
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_every_tap_becomes_a_channel(
    contract, rng, sizes, kernel, strides, padding, dilation, data_format
):
    x = rng.normal(size=(2, 4, *sizes)).astype("float32")
    layer = Im2col(kernel, strides, padding, dilation, data_format)
    if data_format == "channels_last":
        y = np.moveaxis(contract(layer, np.moveaxis(x, 1, -1)), -1, 1)
    else:
        y = contract(layer, x)
    np.testing.assert_array_equal(y, im2col(x, kernel, strides, padding, dilation))


def test_a_spatial_size_unknown_until_the_call_changes_nothing(dynamic_call, rng):
    x = rng.normal(size=(2, 3, 7, 6)).astype("float32")
    layer = Im2col((2, 3), (2, 1), (1, 2), data_format="channels_first")
    y = dynamic_call(layer, x, known=[1])
    np.testing.assert_array_equal(y, im2col(x, (2, 3), (2, 1), (1, 2), (1, 1)))


def test_wrong_inputs_are_refused():
    layer = Im2col((3, 5), data_format="channels_last")
    with pytest.raises(ValueError, match="4 axes"):
        layer.compute_output_shape((None, 5, 5))
    with pytest.raises(ValueError, match="does not fit"):
        layer.compute_output_shape((None, 8, 4, 3))

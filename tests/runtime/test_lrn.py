"""LRN across channels and within a channel."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest

from caffe2keras.runtime import LRN


def across(x: np.ndarray, n: int, alpha: float, beta: float, k: float) -> np.ndarray:
    """Caffe's LRN over the last axis, one channel at a time."""
    y = np.empty_like(x, dtype="float64")
    for c in range(x.shape[-1]):
        window = x[..., max(0, c - n // 2) : c + n // 2 + 1].astype("float64")
        y[..., c] = x[..., c] / (k + alpha / n * (window**2).sum(-1)) ** beta
    return y


def within(x: np.ndarray, n: int, alpha: float, beta: float) -> np.ndarray:
    """Caffe's LRN over n by n pixels of (N, H, W, C), one pixel at a time."""
    y = np.empty_like(x, dtype="float64")
    for i, j in itertools.product(range(x.shape[1]), range(x.shape[2])):
        rows = slice(max(0, i - n // 2), i + n // 2 + 1)
        columns = slice(max(0, j - n // 2), j + n // 2 + 1)
        energy = (x[:, rows, columns].astype("float64") ** 2).sum((1, 2))
        y[:, i, j] = x[:, i, j] * (1 + alpha / n**2 * energy) ** -beta
    return y


@pytest.mark.parametrize("beta", [0.75, 0.5, 1.0, 0.3])
def test_it_divides_by_the_energy_of_the_neighbouring_channels(contract, rng, beta):
    x = rng.normal(size=(2, 5, 4, 7)).astype("float32")
    y = contract(LRN(3, alpha=2.0, beta=beta, k=1.5, data_format="channels_last"), x)
    np.testing.assert_allclose(y, across(x, 3, 2.0, beta, 1.5), rtol=2e-6, atol=1e-7)


def test_channels_first_normalizes_over_axis_one(contract, rng):
    x = rng.normal(size=(2, 3, 4, 6)).astype("float32")
    y = contract(LRN(5, alpha=0.7, data_format="channels_first"), x.transpose(0, 3, 1, 2))
    expected = across(x, 5, 0.7, 0.75, 1.0).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(y, expected, rtol=2e-6, atol=1e-7)


def test_a_window_wider_than_the_channels_takes_them_all(contract, rng):
    x = rng.normal(size=(3, 2, 4, 2)).astype("float32")
    y = contract(LRN(9, alpha=3.0, data_format="channels_last"), x)
    np.testing.assert_allclose(y, across(x, 9, 3.0, 0.75, 1.0), rtol=2e-6)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_within_a_channel_it_averages_pixels_and_forgets_k(contract, rng, data_format):
    x = rng.normal(size=(2, 5, 7, 3)).astype("float32")
    layer = LRN(3, 2.0, 0.6, k=9.0, norm_region="within_channel", data_format=data_format)
    if data_format == "channels_first":
        y = contract(layer, x.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1)
    else:
        y = contract(layer, x)
    np.testing.assert_allclose(y, within(x, 3, 2.0, 0.6), rtol=2e-6, atol=1e-7)


def test_a_window_larger_than_the_image_fits(contract, rng):
    x = rng.normal(size=(2, 2, 3, 4)).astype("float32")
    y = contract(LRN(7, 5.0, norm_region="within_channel", data_format="channels_last"), x)
    np.testing.assert_allclose(y, within(x, 7, 5.0, 0.75), rtol=2e-6)


def test_huge_and_tiny_neighbours_do_not_blur_each_other():
    # A running sum would lose the small energies after the large one.
    x = np.array([[[[1e4, 1e-3, 1e-3, 1e-3, 1e-3]]]], "float32")
    y = keras.ops.convert_to_numpy(LRN(3, 3e6, 0.5, 1.0, data_format="channels_last")(x))
    np.testing.assert_allclose(y, across(x, 3, 3e6, 0.5, 1.0), rtol=2e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"local_size": 4}, "`local_size` must be odd"),
        ({"norm_region": "sideways"}, "`norm_region` must be one of"),
        ({"data_format": "NCHW"}, "`data_format` must be"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        LRN(**arguments)

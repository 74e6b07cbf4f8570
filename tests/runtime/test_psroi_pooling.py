"""Means of position-sensitive regions against the loops of R-FCN's kernel."""

from __future__ import annotations

from math import ceil, floor

import numpy as np
import pytest

from caffe2keras.runtime import PSROIPooling

SCALE = np.float32(0.125)


def psroi_pooling(features, regions, channels, bins):
    """psroi_pooling_layer.cu; features (N, H, W, C)."""
    y = np.zeros((len(regions), bins, bins, channels))
    limits = features.shape[1:3]
    for region, answer in zip(regions, y, strict=True):
        corner = np.copysign(np.floor(np.abs(region[1:]) + np.float32(0.5)), region[1:])
        starts = corner[[1, 0]] * SCALE
        sides = np.maximum((corner[[3, 2]] + 1) * SCALE - starts, np.float32(0.1))
        steps = sides / np.float32(bins)
        for place in np.ndindex(bins, bins):
            spans = []
            for i in range(2):
                low = floor(np.float32(place[i]) * steps[i] + starts[i])
                high = ceil(np.float32(place[i] + 1) * steps[i] + starts[i])
                spans.append(slice(*np.clip([low, high], 0, limits[i])))
            for channel in range(channels):
                own = (channel * bins + place[0]) * bins + place[1]
                seen = features[int(region[0]), spans[0], spans[1], own].astype("float64")
                answer[(*place, channel)] = seen.mean() if seen.size else 0
    return y


@pytest.fixture
def features(rng):
    return rng.normal(size=(2, 9, 6, 18)).astype("float32")


@pytest.fixture
def regions(rng):
    """Over two images of 72 by 48 pixels, and beyond them."""
    corners = np.sort(rng.uniform(-20, 90, size=(30, 2, 2)), axis=1).reshape(30, 4)
    corners[0] = [3.5, 4.5, 20.5, 27.5]
    corners[1] = [-3.5, -4.5, 20.5, 27.5]
    corners[2] = [30, 40, 10, 20]  # turned over: a tenth of a cell
    corners[3] = [400, 400, 500, 500]  # outside: no cell at all
    corners[4] = [8, 16, 31, 39]  # bins that end on cells
    return np.column_stack([np.arange(30) % 2, corners]).astype("float32")


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_each_bin_has_the_mean_of_its_own_channels(contract, features, regions, data_format):
    first = data_format == "channels_first"
    layer = PSROIPooling(2, 3, float(SCALE), data_format=data_format)
    y = contract(layer, features.transpose(0, 3, 1, 2) if first else features, regions)
    y = y.transpose(0, 2, 3, 1) if first else y
    np.testing.assert_allclose(y, psroi_pooling(features, regions, 2, 3), rtol=1e-5, atol=1e-6)


def test_sizes_unknown_until_the_call_change_nothing(dynamic_call, features, regions):
    layer = PSROIPooling(2, 3, float(SCALE), data_format="channels_last")
    y = dynamic_call(layer, features, regions)
    np.testing.assert_allclose(y, psroi_pooling(features, regions, 2, 3), rtol=1e-5, atol=1e-6)


def test_the_gradient_is_spread_over_the_bin(needs_gradients, gradient):
    x = np.ones((1, 2, 2, 1), "float32")
    region = np.array([[0, 0, 0, 0, 1]], "float32")
    layer = PSROIPooling(1, 1, 1.0, data_format="channels_last")
    slopes = gradient(lambda features: layer([features, region]), x)
    np.testing.assert_array_equal(slopes.reshape(2, 2), [[0.5, 0], [0.5, 0]])


def test_channels_that_do_not_make_whole_bins_are_refused():
    layer = PSROIPooling(2, 3, 0.125, data_format="channels_last")
    with pytest.raises(ValueError, match="Expected features of 18 channels"):
        layer.compute_output_shape([(2, 9, 6, 17), (30, 5)])

"""Maxima of regions against Caffe's own loops, in its single precision."""

from __future__ import annotations

from math import ceil, floor

import numpy as np
import pytest

from caffe2keras.runtime import ROIPooling

SCALE = 0.125


def c_round(x):
    """Halves away from zero."""
    return int(np.copysign(floor(abs(x) + 0.5), x))


def roi_pooling(features, regions, grid):
    """roi_pooling_layer.cpp; features (N, H, W, C)."""
    y = np.zeros((len(regions), *grid, features.shape[3]), "float32")
    limits = features.shape[1:3]
    for region, answer in zip(regions, y, strict=True):
        ends = [c_round(np.float32(end) * np.float32(SCALE)) for end in region[1:]]
        starts, stops = (ends[1], ends[0]), (ends[3], ends[2])
        steps = [
            np.float32(max(b - a + 1, 1)) / np.float32(bins)
            for a, b, bins in zip(starts, stops, grid, strict=True)
        ]
        for place in np.ndindex(*grid):
            spans = []
            for i in range(2):
                low = floor(np.float32(place[i]) * steps[i]) + starts[i]
                high = ceil(np.float32(place[i] + 1) * steps[i]) + starts[i]
                spans.append(slice(*np.clip([low, high], 0, limits[i])))
            seen = features[int(region[0]), spans[0], spans[1]]
            if seen.size:
                answer[place] = seen.max((0, 1))
    return y


@pytest.fixture
def features(rng):
    return rng.integers(-40, -4, size=(2, 9, 6, 3)).astype("float32")  # ties, and nothing near 0


@pytest.fixture
def regions(rng):
    """Over two images of 72 by 48 pixels, and beyond them."""
    corners = np.sort(rng.uniform(-20, 90, size=(30, 2, 2)), axis=1).reshape(30, 4)
    corners[0] = [4, 12, 20, 28]  # halves: 0.5, 1.5, 2.5, 3.5
    corners[1] = [-4, -12, 20, 28]
    corners[2] = [30, 40, 10, 20]  # turned over: one cell
    corners[3] = [400, 400, 500, 500]  # outside: no cell at all
    corners[4] = [-900, -900, 900, 900]
    return np.column_stack([np.arange(30) % 2, corners]).astype("float32")


@pytest.mark.parametrize("grid", [(3, 2), (7, 7), (1, 4)])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_each_bin_has_its_maximum(contract, features, regions, grid, data_format):
    first = data_format == "channels_first"
    layer = ROIPooling(grid, SCALE, data_format=data_format)
    y = contract(layer, features.transpose(0, 3, 1, 2) if first else features, regions)
    y = y.transpose(0, 2, 3, 1) if first else y
    np.testing.assert_array_equal(y, roi_pooling(features, regions, grid))


def test_bins_end_where_single_precision_says(contract):
    # 57 cells in 7 bins: 7 * float32(57 / 7) is just above 57, so Caffe's last bin looks at a
    # 58th cell. A compiler that multiplies by 1 / 7 finds others.
    x = np.arange(70, dtype="float32").reshape(1, 70, 1, 1)
    region = np.array([[0, 0, 0, 0, 56]], "float32")
    y = contract(ROIPooling((7, 1), 1.0, data_format="channels_last"), x, region)
    ends = [ceil(np.float32(i + 1) * (np.float32(57) / np.float32(7))) for i in range(7)]
    assert ends[-1] == 58
    np.testing.assert_array_equal(y.ravel(), np.array(ends) - 1)


def test_regions_may_have_further_axes(contract, features, regions):
    layer = ROIPooling((3, 2), SCALE, data_format="channels_last")
    y = contract(layer, features, regions.reshape(30, 1, 1, 5))
    np.testing.assert_array_equal(y, roi_pooling(features, regions, (3, 2)))


def test_sizes_unknown_until_the_call_change_nothing(dynamic_call, features, regions):
    layer = ROIPooling((3, 2), SCALE, data_format="channels_last")
    y = dynamic_call(layer, features, regions)
    np.testing.assert_array_equal(y, roi_pooling(features, regions, (3, 2)))


def test_the_gradient_goes_to_the_first_maximum(needs_gradients, gradient):
    x = np.array([[[[3.0], [1.0]], [[3.0], [2.0]]]], "float32")
    region = np.array([[0, 0, 0, 1, 1]], "float32")
    layer = ROIPooling((1, 1), 1.0, data_format="channels_last")
    slopes = gradient(lambda features: layer([features, region]), x)
    np.testing.assert_array_equal(slopes.ravel(), [1, 0, 0, 0])


@pytest.mark.parametrize("shapes", [[(2, 9, 6), (30, 5)], [(2, 9, 6, 3), (30, 4)]])
def test_inputs_that_are_no_features_and_regions_are_refused(shapes):
    with pytest.raises(ValueError, match="Expected features of 4 axes and regions"):
        ROIPooling((3, 2), SCALE).compute_output_shape(shapes)


def test_a_grid_without_bins_is_refused():
    with pytest.raises(ValueError, match="`pool_size` must be 2 integers of at least 1"):
        ROIPooling((3, 0), SCALE)

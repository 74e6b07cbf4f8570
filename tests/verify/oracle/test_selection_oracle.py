"""Parts of blobs, hand-checked."""

from __future__ import annotations

import numpy as np
import pytest

from caffe2keras.errors import InputError, ShapeError
from caffe2keras.verify.oracle import run

X = np.arange(40.0).reshape(2, 4, 5)


def test_filter_keeps_the_samples_whose_selector_is_not_zero(compute):
    selector = np.reshape([0.0, -2.5], (2, 1, 1))
    a, b = compute('type: "Filter"', X, X[:, 0] + 1, selector, tops=2)
    np.testing.assert_array_equal(a, X[1:])
    np.testing.assert_array_equal(b, X[1:, 0] + 1)


def test_batch_reindex_names_an_index_that_is_not_there(compute):
    (y,) = compute('type: "BatchReindex"', X, [1, 1, 0])
    np.testing.assert_array_equal(y, X[[1, 1, 0]])
    with pytest.raises(InputError, match='"b1" names samples 0 to 2; expected 0 to 1') as caught:
        compute('type: "BatchReindex"', X, [0, 2])
    assert caught.value.where.startswith('layer "layer"')


def test_crop_takes_one_offset_for_all_axes(compute):
    (y,) = compute('type: "Crop" crop_param { axis: 1 offset: 2 }', X, np.zeros((2, 2, 3)))
    np.testing.assert_array_equal(y, X[:, 2:4, 2:5])


def test_crop_does_not_count_axes_that_the_second_bottom_alone_has(compute):
    (y,) = compute('type: "Crop" crop_param { axis: 1 }', X, np.zeros((2, 2, 3, 7)))
    np.testing.assert_array_equal(y, X[:, :2, :3])


def test_crop_refuses_a_part_that_reaches_over_the_edge(compute):
    with pytest.raises(ShapeError):
        compute('type: "Crop" crop_param { axis: 1 offset: 3 }', X, np.zeros((2, 2, 3)))


def test_slice_refuses_unequal_parts_without_points(compute):
    with pytest.raises(ShapeError):
        compute('type: "Slice" slice_param { axis: 1 }', X, tops=3)


def test_crop_center_takes_as_much_from_both_sides(compute):
    layer = 'type: "CropCenter" crop_center_param { crop_size: 0 crop_size: 1 crop_size: 2 }'
    np.testing.assert_array_equal(compute(layer, X)[0], X[:, 1:3, 2:3])


def test_one_sample_may_be_named_again_and_again(compute):
    (y,) = compute('type: "BatchReindex"', [[1.0, 2], [3, 4]], [1, 1, 1])
    np.testing.assert_array_equal(y, [[3, 4]] * 3)


def test_a_crop_of_what_is_fed_stays_inside(net_of):
    net = net_of(
        'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: [1, 1, 6, 6] } } }\n'
        'layer { name: "z" type: "Input" top: "z" input_param { shape { dim: [1, 1, 3, 3] } } }\n'
        'layer { name: "c" type: "Crop" bottom: "x" bottom: "z" top: "c" crop_param { offset: 3 } }'
    )
    size = np.zeros((1, 1, 3, 3))
    assert run(net, {"x": np.zeros((1, 1, 6, 6)), "z": size})["c", 0].shape == size.shape
    with pytest.raises(ShapeError, match="reaches over the edge"):
        run(net, {"x": np.zeros((1, 1, 5, 6)), "z": size})

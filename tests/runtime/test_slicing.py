"""Slices of fixed and of borrowed size."""

from __future__ import annotations

import numpy as np
import pytest

from caffe2keras.runtime import CropLike, Slice


def test_a_slice_takes_a_box_from_any_axes(contract, rng):
    x = rng.normal(size=(2, 5, 7, 3)).astype("float32")
    y = contract(Slice([3, 1], [1, 2], [3, 5]), x)
    np.testing.assert_array_equal(y, x[:, 2:5, :, 1:3])


def test_a_slice_may_cut_the_batch(contract, rng):
    x = rng.normal(size=(5, 4, 3)).astype("float32")
    y = contract(Slice([0, 2], [1, 0], [4, 2]), x, static=True)
    np.testing.assert_array_equal(y, x[1:4, :, :2])


def test_a_slice_may_take_all_that_follows(contract, rng):
    x = rng.normal(size=(2, 5, 7, 3)).astype("float32")
    layer = Slice([1, 2], [2, 6], [None, None])
    assert layer.compute_output_shape((2, None, 7, 3)) == (2, None, 1, 3)
    np.testing.assert_array_equal(contract(layer, x), x[:, 2:, 6:])
    with pytest.raises(ValueError, match="at least 7 positions along axis 2"):
        layer.compute_output_shape((2, 5, 6, 3))


def test_a_slice_of_no_axes_is_the_whole(contract, rng):
    x = rng.normal(size=(2, 3)).astype("float32")
    np.testing.assert_array_equal(contract(Slice([], [], []), x), x)


def test_a_crop_takes_the_size_of_its_reference(contract, rng):
    x = rng.normal(size=(2, 9, 8, 3)).astype("float32")
    reference = np.zeros((2, 5, 7, 6), "float32")
    y = contract(CropLike([1, 2], [3, 1]), x, reference)
    np.testing.assert_array_equal(y, x[:, 3:8, 1:8])


def test_the_reference_may_have_its_axes_elsewhere(contract, rng):
    x = rng.normal(size=(2, 9, 8, 3)).astype("float32")
    reference = np.zeros((2, 6, 5, 7), "float32")
    y = contract(CropLike([1, 2], [0, 1], reference_axes=[2, 3]), x, reference)
    np.testing.assert_array_equal(y, x[:, :5, 1:8])


def test_a_crop_may_cut_the_batch(contract, rng):
    x = rng.normal(size=(4, 3)).astype("float32")
    y = contract(CropLike([0], [1]), x, np.zeros((2, 5), "float32"), static=True)
    np.testing.assert_array_equal(y, x[1:3])


def test_sizes_unknown_until_the_call_change_nothing(dynamic_call, rng):
    x = rng.normal(size=(2, 9, 8, 3)).astype("float32")
    reference = np.zeros((2, 6, 5, 7), "float32")
    layer = CropLike([1, 2], [2, 1], reference_axes=[2, 3])
    assert layer.compute_output_shape([(None,) * 4] * 2) == (None,) * 4
    np.testing.assert_array_equal(dynamic_call(layer, x, reference), x[:, 2:7, 1:8])


@pytest.mark.parametrize(
    "arguments", [([1], [0], [0]), ([1, 2], [0], [3]), ([1, 1], [0, 0], [2, 2]), ([1], [-1], [2])]
)
def test_wrong_boxes_are_refused(arguments):
    with pytest.raises(ValueError, match="must be"):
        Slice(*arguments)


def test_wrong_crops_are_refused():
    with pytest.raises(ValueError, match="equally long"):
        CropLike([1, 2], [0])
    with pytest.raises(ValueError, match="no offset below 0"):
        CropLike([1], [-1])


def test_an_input_that_is_too_small_is_refused():
    with pytest.raises(ValueError, match="at least 4 positions along axis 1"):
        Slice([1], [2], [4]).compute_output_shape((None, 3))
    with pytest.raises(ValueError, match=r"at least 2 \+ 3 positions along axis 1"):
        CropLike([1], [2]).compute_output_shape([(None, 4), (None, 3)])

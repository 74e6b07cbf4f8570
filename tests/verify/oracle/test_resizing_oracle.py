"""Upsample and Interp, hand-checked."""

from __future__ import annotations

import numpy as np
import pytest

from caffe2keras.errors import ShapeError, UnsupportedFieldError


def test_upsample_repeats_each_pixel(compute):
    (y,) = compute('type: "Upsample" upsample_param { scale: 2 }', [[[[1.0, 2, 3]]]])
    np.testing.assert_array_equal(y, [[[[1, 1, 2, 2, 3, 3]] * 2]])


def test_upsample_undoes_pooling_where_it_has_the_mask(compute):
    x = np.array([[[[1.0, 5, 2, 0], [3, 4, 9, 8]]]])
    pooled, mask = compute('type: "Pooling" pooling_param { kernel_size: 2 stride: 2 }', x, tops=2)
    (y,) = compute('type: "Upsample" upsample_param { scale: 2 }', pooled, mask)
    np.testing.assert_array_equal(y, [[[[0, 5, 0, 0], [0, 0, 9, 0]]]])


@pytest.mark.parametrize(
    ("param", "shape"),
    [
        ("scale: 2 pad_out_h: true", (3, 6)),
        ("scale_h: 3 scale_w: 2", (6, 6)),
        ("upsample_h: 4 upsample_w: 7", (4, 7)),
    ],
)
def test_upsample_makes_the_size_that_was_pooled(compute, param, shape):
    x, mask = np.ones((1, 1, 2, 3)), np.arange(6.0).reshape(1, 1, 2, 3)
    (y,) = compute(f'type: "Upsample" upsample_param {{ {param} }}', x, mask)
    assert y.shape == (1, 1, *shape)
    assert y.ravel()[:7].tolist() == [1] * 6 + [0]


def test_upsample_refuses_a_mask_of_a_larger_image(compute):
    with pytest.raises(ShapeError, match="outside an image of 2 by 2"):
        compute('type: "Upsample" upsample_param { scale: 2 }', [[[[1.0]]]], [[[[4.0]]]])


@pytest.mark.parametrize(
    ("param", "shape"),
    [
        ("zoom_factor: 3", (10, 13)),
        ("shrink_factor: 2", (2, 3)),
        ("shrink_factor: 2 zoom_factor: 4", (5, 9)),
        ("height: 7 width: 2", (7, 2)),
        ("height: 7 width: 2 zoom_factor: 3", (10, 13)),
        ("zoom_factor: 2 pad_beg: -1 pad_end: -1", (3, 5)),
    ],
)
def test_interp_knows_its_size(compute, param, shape):
    (y,) = compute(f'type: "Interp" interp_param {{ {param} }}', np.zeros((1, 2, 4, 5)))
    assert y.shape == (1, 2, *shape)


def test_interp_puts_corners_on_corners(compute):
    (y,) = compute('type: "Interp" interp_param { height: 3 width: 5 }', [[[[0.0, 4], [8, 12]]]])
    np.testing.assert_allclose(
        y[0, 0], [[0, 1, 2, 3, 4], [4, 5, 6, 7, 8], [8, 9, 10, 11, 12]], rtol=1e-6
    )


def test_interp_to_a_single_pixel_takes_the_first(compute):
    (y,) = compute('type: "Interp" interp_param { height: 1 width: 1 }', [[[[3.0, 4], [8, 12]]]])
    np.testing.assert_array_equal(y, [[[[3]]]])


def test_interp_cuts_before_it_interpolates(compute):
    x = np.arange(20.0).reshape(1, 1, 4, 5)
    (y,) = compute('type: "Interp" interp_param { zoom_factor: 1 pad_beg: -1 pad_end: -2 }', x)
    np.testing.assert_array_equal(y, x[:, :, 1:2, 1:3])


def test_interp_to_a_second_bottom_s_size_is_refused(compute):
    with pytest.raises(UnsupportedFieldError, match="second bottom"):
        layer = 'type: "Interp" interp_param { use_blob_size: true }'
        compute(layer, np.zeros((1, 1, 2, 2)), np.zeros((1, 1, 4, 4)))


def test_upsample_is_yolos_and_does_nothing_where_no_scale_is_given(compute):
    (y,) = compute('type: "Upsample"', [[[[1.0, 2]]]])
    np.testing.assert_array_equal(y, [[[[1, 2]]]])


UNPOOLING = 'type: "Unpooling" unpooling_param { kernel_size: 2 stride: 2 unpool_h: 3 unpool_w: 4 '


def test_unpooling_puts_each_value_where_the_mask_says(compute):
    (y,) = compute(UNPOOLING + "}", [[[[5.0, 6]]]], [[[[5.0, 2]]]])
    np.testing.assert_array_equal(y, [[[[0, 0, 6, 0], [0, 5, 0, 0], [0, 0, 0, 0]]]])


def test_unpooling_without_a_mask_begins_each_window(compute):
    (y,) = compute(UNPOOLING + "}", [[[[5.0, 6], [7, 8]]]])
    np.testing.assert_array_equal(y, [[[[5, 0, 6, 0], [0, 0, 0, 0], [7, 0, 8, 0]]]])


def test_unpooling_shares_out_or_repeats(compute):
    x = [[[[4.0, 8], [6, 2]]]]
    (y,) = compute(UNPOOLING + "unpool: AVE }", x)
    np.testing.assert_array_equal(y, [[[[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 1, 1]]]])
    (y,) = compute(UNPOOLING + "unpool: TILE }", x)
    np.testing.assert_array_equal(y, [[[[4, 4, 8, 8], [4, 4, 8, 8], [6, 6, 2, 2]]]])


def test_windows_of_an_unpooling_that_overlap_add_up(compute):
    layer = (
        'type: "Unpooling" unpooling_param '
        "{ unpool: TILE kernel_h: 1 kernel_w: 3 stride: 2 unpool_h: 1 unpool_w: 5 }"
    )
    (y,) = compute(layer, [[[[1.0, 5]]]])
    np.testing.assert_array_equal(y, [[[[1, 1, 6, 5, 5]]]])

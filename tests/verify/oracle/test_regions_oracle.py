"""Regions of interest, hand-checked."""

from __future__ import annotations

import numpy as np
import pytest

from caffe2keras.errors import InputError

MAP = np.arange(24.0).reshape(1, 1, 4, 6)


def test_roi_pooling_takes_the_greatest_of_each_bin(compute):
    layer = 'type: "ROIPooling" roi_pooling_param { pooled_h: 2 pooled_w: 3 spatial_scale: 0.5 }'
    # Corners (1, 2) and (9, 6) halved: columns 1 to 5 (4.5 rounds up), rows 1 to 3.
    (y,) = compute(layer, MAP, [[0, 2, 2, 9, 6]])
    # Bins are 1.5 rows high and 5/3 columns wide, their borders rounded outwards.
    np.testing.assert_array_equal(y, [[[[14, 16, 17], [20, 22, 23]]]])


def test_a_bin_outside_the_map_is_zero(compute):
    layer = 'type: "ROIPooling" roi_pooling_param { pooled_h: 1 pooled_w: 2 }'
    (y,) = compute(layer, MAP, [[0, 4, 1, 11, 1]])
    np.testing.assert_array_equal(y, [[[[11, 0]]]])


def test_roi_pooling_names_an_image_that_is_not_there(compute):
    layer = 'type: "ROIPooling" roi_pooling_param { pooled_h: 1 pooled_w: 1 }'
    with pytest.raises(InputError, match='"b1" has a region in image 1; expected 0 to 0') as caught:
        compute(layer, MAP, [[1, 0, 0, 1, 1]])
    assert caught.value.where.startswith('layer "layer"')


def test_psroi_pooling_takes_each_bin_from_its_own_channels(compute):
    x = np.arange(8.0).reshape(1, 8, 1, 1) + np.zeros((1, 8, 4, 4))
    x[0, :, 3] += 100
    layer = (
        'type: "PSROIPooling" psroi_pooling_param { output_dim: 2 group_size: 2 spatial_scale: 1 }'
    )
    (y,) = compute(layer, x, [[0, 0, 0, 3, 3]])
    # Of the lower bins' two rows the second one has 100 more.
    np.testing.assert_allclose(y, [[[[0, 1], [52, 53]], [[4, 5], [56, 57]]]])


def test_psroi_pooling_of_a_region_outside_is_zero(compute):
    layer = (
        'type: "PSROIPooling" psroi_pooling_param { output_dim: 1 group_size: 1 spatial_scale: 1 }'
    )
    (y,) = compute(layer, MAP, [[0, 40, 40, 50, 50]])
    np.testing.assert_array_equal(y, [[[[0]]]])


PROPOSAL = """type: "Proposal" proposal_param {
  feat_stride: 8 base_size: 8 min_size: 4 ratio: 1 scale: 8 nms_thresh: 0.5 %s
}"""


def test_proposal_lists_the_best_anchors_that_do_not_overlap(compute):
    # One anchor, the 8 pixels around the first cell; four cells in a row.
    scores = np.array([[[[0, 0, 0, 0]], [[0.2, 0.9, 0.8, 0.6]]]])
    corrections = np.zeros((1, 4, 1, 4))
    corrections[0, 0, 0, 2] = -0.9  # the third box moves onto the second
    corrections[0, 2:, 0, 3] = -1.0  # the fourth becomes too small
    boxes, values = compute(PROPOSAL % "", scores, corrections, [[8, 64, 1, 1]], tops=2)
    np.testing.assert_allclose(values, [0.9, 0.2, 0])
    np.testing.assert_allclose(boxes[:2], [[0, 8, 0, 16, 7], [0, 0, 0, 8, 7]])
    (boxes,) = compute(PROPOSAL % "post_nms_topn: 1", scores, corrections, [[8, 64, 1, 1]])
    assert boxes.shape == (1, 5)


@pytest.mark.parametrize(("shift", "remaining"), [(0.5, 2), (-0.5, 1)])
def test_boxes_less_than_a_pixel_apart_do_not_overlap(compute, shift, remaining):
    scores = np.array([[[[0, 0]], [[0.9, 0.8]]]])
    corrections = np.zeros((1, 4, 1, 2))
    corrections[0, 0, 0, 1] = shift / 8  # the second box, from 8 to 16, moves by half a pixel
    text = PROPOSAL.replace("nms_thresh: 0.5", "nms_thresh: 0") % ""
    (boxes,) = compute(text, scores, corrections, [[8, 64, 1, 1]])
    assert len(boxes) == remaining


def test_an_image_with_one_scale_is_mini_caffes(compute):
    # 8 by 8 with a ratio of 1/2: 11 by 6 pixels (5.5 rounds up), twice that: 22 by 12 around
    # 3.5, from -7 and -2. Unmoved, it becomes a box up to 15 and 10; the image begins at 0.
    text = """type: "Proposal" proposal_param {
      feat_stride: 8 base_size: 8 min_size: 4 ratio: 0.5 scale: 2 nms_thresh: %g
    }"""
    scores, corrections = np.array([[[[0, 0]], [[0.9, 0.8]]]]), np.zeros((1, 4, 1, 2))
    corrections[0, 0, 0, 1] = (22 + 0.5 - 8) / 22  # half a pixel behind the first box
    boxes, values = compute(text % 0.02, scores, corrections, [[20, 64, 1]], tops=2)
    np.testing.assert_allclose(boxes, [[0, 0, 0, 15, 10], [0, 15.5, 0, 37.5, 10]])
    np.testing.assert_allclose(values, [0.9, 0.8])
    # Ends belonging to it, they share half of 16 and 23 pixels: 0.5 / 38.5 = 0.013.
    (boxes,) = compute(text % 0.01, scores, corrections, [[20, 64, 1]])
    np.testing.assert_allclose(boxes, [[0, 0, 0, 15, 10]])
    # Eleven rows are less than 4 * 2.8.
    _, values = compute(text % 0.02, scores, corrections, [[20, 64, 2.8]], tops=2)
    np.testing.assert_array_equal(values, [0, 0])

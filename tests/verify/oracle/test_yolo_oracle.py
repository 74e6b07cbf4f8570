"""YOLO's detections, hand-checked."""

from __future__ import annotations

import numpy as np
import pytest

from caffe2keras.errors import ShapeError, UnsupportedFieldError


def logit(p):
    return np.log(p / (1 - p))


def test_version_2_gives_each_box_its_likeliest_class(compute):
    x = np.full((1, 2 * 8, 2, 2), -20.0)  # two boxes of 5 + 3 values in each cell
    x[0, 8:, 1, 0] = [0, logit(0.25), np.log(2), 0, logit(0.8), 1, 1 + np.log(6), 1]
    layer = """type: "YoloDetectionOutput" yolo_detection_output_param {
      num_classes: 3 num_box: 2 confidence_threshold: 0.1
      biases: 9 biases: 9 biases: 0.5 biases: 1.5
    }"""
    (y,) = compute(layer, x)
    # Centre (0.5, 1.25) cells, size 1 by 1.5 cells, in units of two cells.
    np.testing.assert_allclose(y, [[[[0, 2, 0.8 * 0.75, 0, 0.25, 0.5, 1.0]]]], atol=1e-6)


def test_version_2_wants_square_maps(compute):
    with pytest.raises(ShapeError):
        layer = 'type: "YoloDetectionOutput" yolo_detection_output_param { num_classes: 3 }'
        compute(layer, np.zeros((1, 40, 2, 3)))


VERSION_3 = """type: "Yolov3DetectionOutput" yolov3_detection_output_param {
  num_classes: 2 num_box: 1 confidence_threshold: 0.3 nms_threshold: 0.4 mask_group_num: 2
  biases: 30 biases: 60 biases: 16 biases: 8 mask: 1 mask: 0 anchors_scale: 16 anchors_scale: 8
  %s
}"""


def maps(rows=(), fine_rows=()):
    coarse, fine = np.full((2, 7, 1, 2), -20.0), np.full((2, 7, 2, 4), -20.0)
    for blob, found in ((coarse, rows), (fine, fine_rows)):
        for (image, row, cell), values in found:
            blob[image, :, row, cell] = values
    return coarse, fine


def test_version_3_lists_a_box_for_each_likely_class(compute):
    values = [0, 0, 0, np.log(2), logit(0.5), logit(0.9), logit(0.8)]
    (y,) = compute(VERSION_3 % "", *maps([((0, 0, 1), values)]))
    # Image of 32 by 16 pixels, centre (1.5, 0.5) cells of 16, 16 by 16 pixels. The second class
    # is the same box, so the first one suppresses it: suppression does not ask for classes.
    np.testing.assert_allclose(y, [[[[0, 1, 0.45, 0.5, 0, 1, 1]]]], atol=1e-6)


def test_version_3_throws_all_maps_and_images_together(compute):
    here = [0, 0, 0, 0, logit(0.5), logit(0.9), -20]
    there = [0, 0, -1, -1, logit(0.9), -20, logit(0.9)]
    (y,) = compute(VERSION_3 % "", *maps([((0, 0, 0), here)], [((1, 1, 3), there)]))
    np.testing.assert_allclose(y[0, 0, :, :3], [[0, 2, 0.81], [0, 1, 0.45]], rtol=1e-6)
    width, height = 30 / 32 / np.e, 60 / 16 / np.e
    expected = [0.875 - width / 2, 0.75 - height / 2, 0.875 + width / 2, 0.75 + height / 2]
    np.testing.assert_allclose(y[0, 0, 0, 3:], expected, rtol=1e-6)


def test_where_nothing_is_found_every_image_has_a_row_of_minus_one(compute):
    (y,) = compute(VERSION_3 % "", *maps())
    np.testing.assert_array_equal(y[0, 0], [[0, *[-1] * 6], [1, *[-1] * 6]])


def test_version_3_refuses_boxes_with_their_own_uncertainty(compute):
    with pytest.raises(UnsupportedFieldError, match="gaussian_box"):
        compute(VERSION_3 % "gaussian_box: true", np.zeros((1, 11, 1, 2)), np.zeros((1, 11, 2, 4)))


@pytest.mark.parametrize(("threshold", "found"), [(0.5, 1), (0.75, 0)])
def test_version_2_lists_what_is_as_likely_as_the_threshold(compute, threshold, found):
    x = np.zeros((1, 6, 1, 1))  # one box, one class: the score is a half
    layer = f"""type: "YoloDetectionOutput" yolo_detection_output_param {{
      num_classes: 1 num_box: 1 confidence_threshold: {threshold} biases: 1 biases: 1 }}"""
    (y,) = compute(layer, x)
    assert (y[0, 0, :, 1] >= 0).sum() == found

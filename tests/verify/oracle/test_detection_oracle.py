"""SSD's layers: what the recorded heads do not show."""

from __future__ import annotations

import numpy as np
import pytest

from caffe2keras.errors import ShapeError
from caffe2keras.verify.oracle.detection import overlaps

# Two priors and their variances.
PRIORS = np.array(
    [[[0.1, 0.1, 0.3, 0.5], [0.5, 0.5, 0.9, 0.7]], [[0.1, 0.1, 0.2, 0.2]] * 2]
).reshape(1, 2, 8)


def detect(compute, locations, scores, text, priors=PRIORS):
    layer = f'type: "DetectionOutput" detection_output_param {{ {text} }}'
    (y,) = compute(layer, [locations], [scores], priors)
    return y[0, 0]


def test_overlap_is_the_intersection_over_the_union():
    others = np.array([[1, 1, 3, 3], [2, 0, 4, 2], [2, 2, 3, 3], [0, 0, 2, 2], [3, 3, 1, 1]])
    np.testing.assert_allclose(overlaps(np.array([0.0, 0, 2, 2]), others), [1 / 7, 0, 0, 1, 0])


@pytest.mark.parametrize(
    ("code", "first"),
    [
        ("CORNER", [0.2, 0.3, 0.7, 1.1]),
        ("CORNER_SIZE", [0.12, 0.18, 0.38, 0.74]),
        ("CENTER_SIZE", None),
    ],
)
def test_boxes_are_decoded_as_the_code_says(compute, code, first):
    moves = np.array([1, 2, 2, 3.0])
    if code == "CENTER_SIZE":
        centre = np.array([0.2 + 0.1 * 0.2, 0.3 + 0.1 * 2 * 0.4])
        half = np.array([0.1 * np.exp(0.4), 0.2 * np.exp(0.6)])
        first = np.concatenate([centre - half, centre + half])
    rows = detect(
        compute, [*moves, 0, 0, 0, 0], [0, 0.9, 0, 0.8], f"num_classes: 2 code_type: {code}"
    )
    np.testing.assert_allclose(rows[0], [0, 1, 0.9, *first], rtol=1e-6)


def test_locations_of_each_class_and_variances_in_the_target(compute):
    text = "num_classes: 2 share_location: false variance_encoded_in_target: true"
    locations = np.arange(16.0)
    rows = detect(compute, locations, [0.4, 0.6, 0.9, 0.1], text)
    np.testing.assert_allclose(rows[0], [0, 1, 0.6, 4.1, 5.1, 6.3, 7.5])
    np.testing.assert_allclose(rows[1], [0, 1, 0.1, 12.5, 13.5, 14.9, 15.7])


def test_where_nothing_is_found_every_image_has_a_row_of_minus_one(compute):
    layer = (
        'type: "DetectionOutput" detection_output_param { num_classes: 2 confidence_threshold: 1 }'
    )
    (y,) = compute(layer, np.zeros((2, 8)), np.zeros((2, 4)), PRIORS)
    np.testing.assert_array_equal(y[0, 0], [[0, *[-1] * 6], [1, *[-1] * 6]])


def test_the_best_of_all_classes_are_kept_and_listed_by_class(compute):
    scores = [0, 0.2, 0.7, 0, 0.9, 0.1]  # for each box: background, class 1, class 2
    rows = detect(compute, np.zeros(8), scores, "num_classes: 3 keep_top_k: 2")
    np.testing.assert_allclose(rows[:, :3], [[0, 1, 0.9], [0, 2, 0.7]])


def test_the_threshold_falls_with_every_kept_box_where_eta_is_below_one(compute):
    # Three boxes of width 0.5, each 0.1 to the right of the last: neighbours overlap by 2/3.
    corners = [[0.1 * i, 0, 0.1 * i + 0.5, 1] for i in range(3)]
    priors = np.array([corners, [[1.0] * 4] * 3]).reshape(1, 2, 12)
    scores = [0, 0.9, 0, 0.8, 0, 0.7]
    text = "num_classes: 2 nms_param { nms_threshold: 0.7 %s }"
    assert len(detect(compute, np.zeros(12), scores, text % "", priors)) == 3
    kept = detect(compute, np.zeros(12), scores, text % "eta: 0.9", priors)
    np.testing.assert_allclose(kept[:, 2], [0.9, 0.7])


def test_detection_wants_as_many_locations_as_priors(compute):
    with pytest.raises(ShapeError):
        detect(compute, np.zeros(4), np.zeros(4), "num_classes: 2")


def test_a_single_variance_serves_all_and_sizes_are_cut_to_whole_pixels(compute):
    layer = (
        'type: "PriorBox" prior_box_param { min_size: 20.9 max_size: 80.5 '
        "step_h: 10 step_w: 20 img_h: 100 img_w: 200 variance: 0.3 }"
    )
    (y,) = compute(layer, np.zeros((1, 4, 1, 2)), np.zeros((1, 3, 7, 9)))
    boxes = y[0, 0].reshape(2, 2, 4)
    # sqrt(20 * 80) = 40; centres at (10, 5) and (30, 5).
    np.testing.assert_allclose(boxes[0], [[0, -0.05, 0.1, 0.15], [-0.05, -0.15, 0.15, 0.25]])
    np.testing.assert_allclose(boxes[1], boxes[0] + [0.1, 0, 0.1, 0])
    np.testing.assert_allclose(y[0, 1], 0.3)


def test_an_aspect_ratio_named_twice_counts_once(compute):
    layer = (
        'type: "PriorBox" prior_box_param '
        "{ min_size: 8 aspect_ratio: 1 aspect_ratio: 2 aspect_ratio: 0.5 }"
    )
    (y,) = compute(layer, np.zeros((1, 4, 1, 1)), np.zeros((1, 3, 16, 16)))
    assert y.shape == (1, 2, 3 * 4)


def test_a_score_must_be_above_the_threshold(compute):
    text = "num_classes: 2 confidence_threshold: 0.5"
    rows = detect(compute, np.zeros(8), [0, 0.5, 0, 0.75], text)
    np.testing.assert_array_equal(rows[:, 2], [0.75])


@pytest.mark.parametrize(("top_k", "found"), [("top_k: -1", 2), ("top_k: 1", 1), ("top_k: 2", 2)])
def test_so_many_boxes_are_looked_at(compute, top_k, found):
    rows = detect(compute, np.zeros(8), [0, 0.9, 0, 0.8], f"num_classes: 2 nms_param {{ {top_k} }}")
    assert len(rows) == found

"""Boxes proposed, looked into and decided on: by hand, from SSD's, R-CNN's and YOLO's sources."""

from __future__ import annotations

import pytest

MAP, IMAGE = (2, 6, 5, 7), (2, 3, 30, 40)


@pytest.mark.parametrize(
    ("fields", "priors"),
    [
        ("min_size: 3", 1),
        ("min_size: 3 max_size: 5", 2),
        ("min_size: 3 aspect_ratio: 2", 3),
        ("min_size: 3 aspect_ratio: 2 flip: false", 2),
        ("min_size: 3 aspect_ratio: [1, 2, 2, 0.5]", 3),
        ("min_size: [3, 4] max_size: [5, 6] aspect_ratio: [2, 3]", 12),
    ],
)
def test_each_cell_has_its_priors(inferred, fields, priors):
    answer = inferred("PriorBox", f"prior_box_param {{ {fields} }}", MAP, IMAGE)
    assert answer.tops == ((1, 2, 5 * 7 * priors * 4),)


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        ("min_size is ()", ""),
        ("it must be given and positive", "min_size: [3, 0]"),
        ("max_size is given 1 times", "min_size: [3, 4] max_size: 5"),
        ("must be greater than", "min_size: 3 max_size: 3"),
        ("not positive", "min_size: 3 aspect_ratio: 0"),
        ("variance is (0.5, 0.5)", "min_size: 3 variance: [0.5, 0.5]"),
        ("variance is (0.0,)", "min_size: 3 variance: 0"),
        ("both img_size and img_h", "min_size: 3 img_size: 9 img_h: 9"),
        ("img_h and img_w: not positive", "min_size: 3 img_h: 9"),
        ("both step and step_h", "min_size: 3 step: 2 step_w: 2"),
        ("step: not positive", "min_size: 3 step: 0"),
    ],
)
def test_priors_that_ssd_refuses_are_refused(refused, words, fields):
    refused(words, "PriorBox", f"prior_box_param {{ {fields} }}", MAP, IMAGE)


LOCATIONS, CONFIDENCES, PRIORS = (2, 40), (2, 30), (1, 2, 40)


def test_detections_have_seven_numbers(inferred):
    text = "detection_output_param { num_classes: 3 %s }"
    found = ((1, 1, 1, 7),)
    bottoms = [LOCATIONS, CONFIDENCES, PRIORS]
    assert inferred("DetectionOutput", text % "", *bottoms).tops == found
    assert inferred("DetectionOutput", text % "", *bottoms, IMAGE).tops == found
    bottoms[0] = (2, 120)
    assert inferred("DetectionOutput", text % "share_location: false", *bottoms).tops == found
    assert inferred("DetectionOutput", text % "", (1, 13, 13, 125)).tops == found
    text = "yolo_detection_output_param { num_classes: 3 }"
    assert inferred("YoloDetectionOutput", text, MAP).tops == found
    text = "yolov3_detection_output_param { num_classes: 3 }"
    assert inferred("Yolov3DetectionOutput", text, MAP, MAP).tops == found


@pytest.mark.parametrize(
    ("words", "fields", "bottoms"),
    [
        ("num_classes is missing", "", [LOCATIONS, CONFIDENCES, PRIORS]),
        ("10 priors take 40 coordinates", "num_classes: 3", [(2, 44), CONFIDENCES, PRIORS]),
        ("10 priors take 30 confidences", "num_classes: 3", [LOCATIONS, (2, 33), PRIORS]),
        ("the batch sizes of", "num_classes: 3", [LOCATIONS, (3, 30), PRIORS]),
        ("at least 3 inputs", "num_classes: 3", [LOCATIONS, CONFIDENCES]),
        ("it takes one image", "num_classes: 3", [LOCATIONS]),
        (
            "eta is 0",
            "num_classes: 3 nms_param { eta: 0 }",
            [LOCATIONS, CONFIDENCES, PRIORS],
        ),
        (
            "nms_threshold is -1",
            "num_classes: 3 nms_param { nms_threshold: -1 }",
            [LOCATIONS, CONFIDENCES, PRIORS],
        ),
    ],
)
def test_detections_that_ssd_refuses_are_refused(refused, words, fields, bottoms):
    refused(words, "DetectionOutput", f"detection_output_param {{ {fields} }}", *bottoms)


def test_yolo_has_as_many_heads_as_groups_of_masks(refused):
    text = "yolov3_detection_output_param { num_classes: 3 mask_group_num: 3 }"
    refused("mask_group_num is 3, received 2", "Yolov3DetectionOutput", text, MAP, MAP)


def test_regions_are_pooled_to_one_size(inferred, refused):
    text = "roi_pooling_param { pooled_h: 3 pooled_w: 4 }"
    assert inferred("ROIPooling", text, MAP, (9, 5)).tops == ((9, 6, 3, 4),)
    refused("pooled_h or pooled_w", "ROIPooling", "roi_pooling_param { pooled_h: 3 }", MAP, (9, 5))
    text = "psroi_pooling_param { output_dim: 4 group_size: 3 spatial_scale: 0.5 }"
    assert inferred("PSROIPooling", text, (2, 36, 5, 7), (9, 5)).tops == ((9, 4, 3, 3),)
    refused("it takes 36 channels, received 6", "PSROIPooling", text, MAP, (9, 5))


def test_proposals_have_room_for_all_that_may_survive(inferred):
    text = "proposal_param { post_nms_topn: 9 }"
    bottoms = [(2, 18, 5, 7), (2, 36, 5, 7), (2, 3)]
    assert inferred("Proposal", text, *bottoms, tops=2).tops == ((18, 5), (18,))

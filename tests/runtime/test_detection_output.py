"""SSD's detections against Caffe's own loops, ties and thresholds included."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from caffe2keras.runtime import DetectionOutput

P, C = 14, 4


def overlap(a, b):
    """JaccardOverlap of two boxes."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return width * height / (sum(areas) - width * height)


def apply_nms(boxes, scores, layer):
    """ApplyNMSFast: the kept boxes' places, best first."""
    order = [
        i for i in np.argsort(-scores, kind="stable") if scores[i] > layer.confidence_threshold
    ]
    kept, threshold = [], layer.nms_threshold
    for i in order if layer.top_k < 0 else order[: layer.top_k]:
        if all(overlap(boxes[i], boxes[j]) <= threshold for j in kept):
            kept.append(i)
            threshold *= layer.eta if layer.eta < 1 and threshold > 0.5 else 1
    return kept


def detections(boxes, scores, layer):
    """All rows; boxes (N, P, C, 4), one for each class, scores (N, P, C)."""
    rows = []
    for image in range(len(boxes)):
        found = [
            (label, i)
            for label in range(C)
            if label != layer.background_label_id
            for i in apply_nms(boxes[image, :, label], scores[image, :, label], layer)
        ]
        if 0 <= layer.keep_top_k < len(found):
            best = sorted(found, key=lambda f: -scores[image, f[1], f[0]])[: layer.keep_top_k]
            found = sorted(best, key=lambda f: f[0])
        rows += [[image, c, scores[image, i, c], *boxes[image, i, c]] for c, i in found]
    return rows or [[image, *[-1] * 6] for image in range(len(boxes))]


def filled(rows, count):
    return np.array([*rows, *[[-1] * 7] * (count - len(rows))], "float32")[None, None]


@pytest.fixture
def boxes(rng):
    """(3, P, C, 4), many of them on one another."""
    low = rng.uniform(-0.1, 0.6, size=(3, P, C, 2))
    return np.concatenate([low, low + rng.uniform(0.1, 0.5, low.shape)], axis=-1).astype("float32")


@pytest.fixture
def scores(rng):
    """(3, P, C), full of ties."""
    return (rng.integers(1, 7, size=(3, P, C)) / 8).astype("float32")


def as_inputs(boxes, scores):
    """Priors of nothing and variances of one, so that the locations are the boxes."""
    priors = np.concatenate([np.zeros(P * 4), np.ones(P * 4)]).reshape(1, 2, -1)
    return boxes.reshape(3, -1), scores.reshape(3, -1), priors.astype("float32")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"keep_top_k": 5, "top_k": 6, "nms_threshold": 0.45},
        {"keep_top_k": 5, "confidence_threshold": 0.5, "background_label_id": 2},
        {"background_label_id": -1, "top_k": 9, "nms_threshold": 0.0},
        {"nms_threshold": 0.9, "eta": 0.7, "keep_top_k": 200},
        {"confidence_threshold": 0.99},
    ],
)
def test_each_class_has_its_own_boxes(contract, boxes, scores, options):
    layer = DetectionOutput(C, share_location=False, **options)
    y = contract(layer, *as_inputs(boxes, scores))
    np.testing.assert_allclose(y, filled(detections(boxes, scores, layer), y.shape[2]), atol=1e-6)


def test_all_classes_share_their_boxes(contract, boxes, scores):
    layer = DetectionOutput(C, keep_top_k=7, top_k=8)
    shared = np.repeat(boxes[:, :, :1], C, axis=2)
    y = contract(layer, *as_inputs(boxes[:, :, 0], scores))
    assert y.shape == (1, 1, 21, 7)
    np.testing.assert_allclose(y, filled(detections(shared, scores, layer), 21), atol=1e-6)


@pytest.mark.parametrize(
    ("code", "moves", "box"),
    [
        ("corner", [0.1, 0.3, 0.5, 0.7], [0.2, 0.5, 0.8, 1.3]),
        ("corner_size", [0.1, 0.3, 0.4, 0.8], [0.12, 0.32, 0.38, 0.92]),
        # The centre goes to (0.3, 0.6), and the size becomes 0.4 by 1.2.
        ("center_size", [0.5, 0.5, np.log(2), np.log(3)], [0.1, 0.0, 0.5, 1.2]),
    ],
)
@pytest.mark.parametrize("encoded", [False, True])
def test_boxes_are_decoded_as_the_code_says(contract, code, moves, box, encoded):
    prior, variances = [0.1, 0.2, 0.3, 0.6], [0.1, 0.3, 0.5, 0.7]
    layer = DetectionOutput(2, code_type=code, variance_encoded_in_target=encoded)
    told = moves if encoded else np.array(moves) / variances
    arrays = [told], [[0, 0.5]], [[prior, variances]]
    y = contract(layer, *(np.array(array, "float32") for array in arrays))
    np.testing.assert_allclose(y, [[[[0, 1, 0.5, *box]]]], rtol=1e-5, atol=1e-6)


def test_a_box_turned_over_overlaps_nothing(contract):
    boxes = np.array([[0.6, 0.6, 0.2, 0.2], [0.1, 0.1, 0.9, 0.9], [0.6, 0.1, 0.5, 0.9]])
    priors = np.concatenate([np.zeros(12), np.ones(12)]).reshape(1, 2, 12).astype("float32")
    scores = np.array([[0, 0.9, 0, 0.8, 0, 0.7]], "float32")
    y = contract(DetectionOutput(2), boxes.reshape(1, 12).astype("float32"), scores, priors)
    np.testing.assert_allclose(y[0, 0, :, 2], [0.9, 0.8, 0.7], rtol=1e-6)


def test_scores_that_are_no_numbers_are_not_found(contract, boxes, scores):
    scores[0, :, 1] = np.nan
    layer = DetectionOutput(C, share_location=False)
    y = contract(layer, *as_inputs(boxes, scores))
    assert not np.any((y[..., 0] == 0) & (y[..., 1] == 1))


def test_the_gradient_reaches_what_is_found(needs_gradients, gradient, boxes, scores):
    layer = DetectionOutput(C, share_location=False, keep_top_k=4)
    locations, values, priors = as_inputs(boxes, scores)
    slopes = gradient(lambda x: layer([keras.ops.convert_to_tensor(locations), x, priors]), values)
    assert slopes.sum() == 12
    assert set(np.unique(slopes)) == {0, 1}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"code_type": "edge"}, "`code_type` must be one of corner, center_size, corner_size"),
        ({"top_k": 0}, "must not be 0"),
        ({"keep_top_k": 0}, "must not be 0"),
    ],
)
def test_what_finds_nothing_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        DetectionOutput(2, **options)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([(None, 8), (None, 6), (1, 2, None)], "with P known"),
        ([(None, 8), (None, 7), (1, 2, 8)], "2 priors take 6 values"),
        ([(None, 9), (None, 6), (1, 2, 8)], "2 priors take 8 values"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(shapes, message):
    with pytest.raises(ValueError, match=message):
        DetectionOutput(3).compute_output_shape(shapes)

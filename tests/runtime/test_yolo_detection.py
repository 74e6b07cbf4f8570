"""YOLO's detections against Caffe's own loops."""

from __future__ import annotations

import numpy as np
import pytest

from caffe2keras.runtime import YoloDetectionOutput, Yolov3DetectionOutput

BIASES = [10.0, 14.0, 23.0, 27.0, 37.0, 58.0, 81.0, 42.0]
CLASSES, VALUES = 3, 8


def sigmoid(x):
    return 1 / (1 + np.exp(-x.astype("float64")))


def overlap(a, b):
    """box_iou of boxes given as centre and size."""
    sides = [
        min(a[i] + a[i + 2] / 2, b[i] + b[i + 2] / 2)
        - max(a[i] - a[i + 2] / 2, b[i] - b[i + 2] / 2)
        for i in range(2)
    ]
    common = 0 if min(sides) < 0 else sides[0] * sides[1]
    return common / (a[2] * a[3] + b[2] * b[3] - common)


def rows(found, threshold, count, images):
    """ApplyNms and what follows; found is a list of (label, score, box)."""
    kept = []
    for label, score, box in sorted(found, key=lambda f: -f[1]):
        if all(overlap(box, other) < threshold for _, _, other in kept):
            kept.append((label, score, box))
    answer = np.full((count, 7), -1.0)
    for row, (label, score, (x, y, w, h)) in zip(answer, kept, strict=False):
        row[:] = 0, label + 1, score, x - w / 2, y - h / 2, x + w / 2, y + h / 2
    if not kept:
        answer[:images, 0] = range(images)
    return answer[None, None]


def version_2(maps, threshold):
    found = []
    for x in maps:
        for n, i, j in np.ndindex(x.shape[:3]):
            for k in range(2):
                own = x[n, i, j, k * VALUES : (k + 1) * VALUES].astype("float64")
                share = np.exp(own[5:]) / np.exp(own[5:]).sum()
                score = sigmoid(own[4]) * share.max()
                box = [*((sigmoid(own[:2]) + np.array([j, i])) / x.shape[1]), 0, 0]
                box[2:] = np.exp(own[2:4]) * np.array(BIASES[2 * k : 2 * k + 2]) / 9 / x.shape[1]
                if score >= threshold:
                    found.append((share.argmax(), score, box))
    return found


def version_3(maps, threshold, masks, scales):
    found = []
    for x, mask, scale in zip(maps, masks, scales, strict=True):
        extent = np.array(x.shape[2:0:-1])
        for n, i, j in np.ndindex(x.shape[:3]):
            for k in range(2):
                own = x[n, i, j, k * VALUES : (k + 1) * VALUES]
                anchor = np.array(BIASES[2 * mask[k] : 2 * mask[k] + 2])
                centre = (sigmoid(own[:2]) + np.array([j, i])) / extent
                box = [*centre, *(np.exp(own[2:4].astype("float64")) * anchor / (extent * scale))]
                scores = sigmoid(own[5:]) * sigmoid(own[4])
                found += [(c, s, box) for c, s in enumerate(scores) if s > threshold]
    return found


def maps_of(rng, *sizes):
    return [rng.normal(size=(2, *size, 2 * VALUES)).astype("float32") for size in sizes]


def given(maps, data_format):
    first = data_format == "channels_first"
    return [x.transpose(0, 3, 1, 2) if first else x for x in maps]


@pytest.mark.parametrize("threshold", [0.2, 0.999])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_version_2_gives_each_box_its_likeliest_class(contract, rng, threshold, data_format):
    maps = maps_of(rng, (3, 3), (4, 4))
    biases = [bias / 9 for bias in BIASES]
    layer = YoloDetectionOutput(CLASSES, 2, biases, threshold, 0.4, data_format=data_format)
    y = contract(layer, *given(maps, data_format), static=True)
    expected = rows(version_2(maps, threshold), 0.4, 100, images=2)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("threshold", [0.2, 0.999])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_version_3_lists_classes_by_themselves(contract, rng, threshold, data_format):
    maps, masks = maps_of(rng, (3, 4), (4, 5)), [[2, 3], [1, 0]]
    layer = Yolov3DetectionOutput(
        CLASSES, 2, BIASES, masks, [16, 8], threshold, 0.4, data_format=data_format
    )
    y = contract(layer, *given(maps, data_format), static=True)
    expected = rows(version_3(maps, threshold, masks, [16, 8]), 0.4, 128, images=2)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)


def test_a_threshold_of_zero_leaves_one_box(contract, rng):
    (x,) = maps_of(rng, (3, 3))
    layer = YoloDetectionOutput(CLASSES, 2, BIASES, 0.0, 0.0, data_format="channels_last")
    y = contract(layer, x, static=True)
    assert (y[0, 0, :, 0] == 0).sum() == 1


def test_sizes_must_be_known():
    layer = YoloDetectionOutput(CLASSES, 2, BIASES, data_format="channels_last")
    assert layer.compute_output_shape((2, 3, 3, 16)) == (1, 1, 36, 7)
    assert layer.compute_output_shape([(None, 3, 3, 16)]) == (1, 1, None, 7)
    with pytest.raises(ValueError, match="The batch must be known"):
        layer.build((None, 3, 3, 16))
    with pytest.raises(ValueError, match="their channels a multiple of 2"):
        layer.compute_output_shape([(2, 3, 3, 17)])


def test_a_box_must_suppress_its_own_classes():
    with pytest.raises(ValueError, match="`nms_threshold` must be below 1"):
        Yolov3DetectionOutput(CLASSES, 2, BIASES, [[0, 1]], [8], nms_threshold=1.0)

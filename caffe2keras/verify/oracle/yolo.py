"""YOLO's detections, versions 2 and 3 (eric612's MobileNet-YOLO).

Both throw all images of a batch, and all classes, into one suppression, and call every image 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from caffe2keras.errors import ShapeError, UnsupportedFieldError
from caffe2keras.graph.net import Layer
from caffe2keras.params import Params
from caffe2keras.verify.oracle.activation import sigmoid, softmax
from caffe2keras.verify.oracle.registry import Array, Arrays, Tops, computes

__all__ = ["yolo_detection_output", "yolov3_detection_output"]


@computes("YoloDetectionOutput")
def yolo_detection_output(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """Boxes of version 2: (1, 1, found, 7), each image, label, score, corners.

    Each bottom is (N, boxes·(5 + classes), S, S). A box has one class, the likeliest, and the
    product of that and the object's probability is its score (yolo_detection_output_layer.cpp).
    """
    p = layer.params.yolo_detection_output_param
    found = [_boxes_of_version_2(p, bottom) for bottom in bottoms]
    return (_listed(found, len(bottoms[0]), p.nms_threshold),)


def _boxes_of_version_2(p: Params, x: Array) -> Array:
    side = x.shape[3]
    if x.shape[2] != side:
        raise ShapeError(what=f"version 2 of YOLO wants square maps, received shape {x.shape}")
    values = _by_box(x, p.num_box)
    anchors = np.array(p.biases, x.dtype).reshape(-1, 2)[: p.num_box]
    centres = (sigmoid(values[..., :2]) + _cells(side, side)) / side
    sizes = np.exp(values[..., 2:4]) * anchors / side
    share = softmax(values[..., 5 : 5 + p.num_classes], axis=-1)
    scores = sigmoid(values[..., 4]) * share.max(axis=-1)
    rows: Array = np.concatenate(
        [share.argmax(axis=-1)[..., np.newaxis], scores[..., np.newaxis], centres, sizes], axis=-1
    )
    likely: Array = rows[scores >= p.confidence_threshold]
    return likely


@computes("Yolov3DetectionOutput")
def yolov3_detection_output(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """Boxes of version 3: (1, 1, found, 7), each image, label, score, corners.

    Each bottom is (N, boxes·(5 + classes), H, W), with anchors in pixels of the net's input and
    as many of these to a cell as anchors_scale says. Classes do not exclude one another: a box
    is listed for each that is likely enough (yolov3_detection_output_layer.cpp).

    Raises:
        UnsupportedFieldError: gaussian_box, which Caffe's other versions of this do not have.
    """
    p = layer.params.yolov3_detection_output_param
    if p.gaussian_box:
        raise UnsupportedFieldError(
            what=f"{layer}: yolov3_detection_output_param.gaussian_box = true",
            where=layer.where,
            why="boxes that bring their own uncertainty are not computed here",
        )
    step = len(p.mask) // p.mask_group_num
    found = [
        _boxes_of_version_3(p, bottom, p.mask[i * step :][: p.num_box], scale)
        for i, (bottom, scale) in enumerate(zip(bottoms, p.anchors_scale, strict=False))
    ]
    return (_listed(found, len(bottoms[0]), p.nms_threshold),)


def _boxes_of_version_3(p: Params, x: Array, mask: Sequence[int], scale: int) -> Array:
    height, width = x.shape[2:]
    values = _by_box(x, p.num_box)
    extent = np.array([width, height], x.dtype)
    anchors = np.array(p.biases, x.dtype).reshape(-1, 2)[list(mask)]
    centres = (sigmoid(values[..., :2]) + _cells(height, width)) / extent
    sizes = np.exp(values[..., 2:4]) * anchors / (extent * scale)
    boxes = np.concatenate([centres, sizes], axis=-1)
    scores = sigmoid(values[..., 5 : 5 + p.num_classes]) * sigmoid(values[..., 4:5])
    where = np.nonzero(scores > p.confidence_threshold)
    return np.column_stack([where[-1], scores[where], boxes[where[:-1]]])


def _by_box(x: Array, boxes: int) -> Array:
    """(N, boxes·values, H, W) -> (N, H, W, boxes, values)."""
    grouped = x.reshape(len(x), boxes, -1, *x.shape[2:])
    return grouped.transpose(0, 3, 4, 1, 2)


def _cells(height: int, width: int) -> npt.NDArray[np.intp]:
    """The x and y of every cell, (H, W, 1, 2)."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x, y], axis=-1)[:, :, np.newaxis]


def _listed(found: Sequence[Array], images: int, threshold: float) -> Array:
    """What remains after suppression, best first; a row of -1 for each image if nothing does.

    Args:
        found: rows of class, score, centre x and y, width, height.
        images: how many there are.
        threshold: a box that overlaps a better one by as much as this goes.
    """
    rows = np.concatenate(found)
    rows = rows[np.argsort(-rows[:, 1], kind="stable")]
    kept = list(_suppressed(rows[:, 2:], threshold))
    if not kept:
        answer = np.full((images, 7), -1.0)
        answer[:, 0] = np.arange(images)
        return answer[np.newaxis, np.newaxis]
    label, score, x, y, width, height = rows[kept].T
    corners = [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
    return np.column_stack([np.zeros_like(x), label + 1, score, *corners])[np.newaxis, np.newaxis]


def _suppressed(boxes: Array, threshold: float) -> Iterator[int]:
    """The boxes that overlap no better one, greedily."""
    alive = np.ones(len(boxes), bool)
    for index, box in enumerate(boxes):
        if alive[index]:
            yield index
            later = slice(index + 1, None)
            alive[later] &= ~(_overlaps(box, boxes[later]) >= threshold)


def _overlaps(box: Array, others: Array) -> Array:
    """Intersection over union of boxes given as centre and size."""
    first = np.maximum(box[:2] - box[2:] / 2, others[:, :2] - others[:, 2:] / 2)
    behind = np.minimum(box[:2] + box[2:] / 2, others[:, :2] + others[:, 2:] / 2)
    sides = behind - first
    common = np.where((sides < 0).any(axis=1), 0, sides[:, 0] * sides[:, 1])
    union = box[2] * box[3] + others[:, 2] * others[:, 3] - common
    answer: Array = common / union
    return answer

"""SSD's boxes: PriorBox and DetectionOutput (the ssd branch of weiliu89's fork)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import sqrt

import numpy as np
import numpy.typing as npt

from caffe2keras.errors import ShapeError
from caffe2keras.graph.net import Layer
from caffe2keras.params import Params
from caffe2keras.verify.oracle.registry import Array, Arrays, Tops, computes

__all__ = ["detection_output", "overlaps", "prior_box"]

Indices = npt.NDArray[np.intp]


@computes("PriorBox")
def prior_box(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """Boxes of every shape around every cell: (1, 2, 4·boxes), corners over variances.

    Corners are xmin, ymin, xmax, ymax as shares of the image; cells row by row, and for each
    cell all its boxes (prior_box_layer.cpp).
    """
    p = layer.params.prior_box_param
    feature, image = bottoms[0].shape[2:], _image_size(p, bottoms)
    steps = _steps(p, feature, image)
    y, x = ((np.arange(n) + p.offset) * step for n, step in zip(feature, steps, strict=True))
    centres = np.stack(np.meshgrid(x, y), axis=-1)[:, :, np.newaxis]
    halves = np.array(list(_box_sizes(p))) / 2
    corners = np.concatenate([centres - halves, centres + halves], axis=-1)
    boxes = corners / np.array([image[1], image[0]] * 2, float)
    if p.clip:
        boxes = np.clip(boxes, 0, 1)
    variances = np.broadcast_to(np.array(p.variance or (0.1,)), boxes.shape)
    return (np.stack([boxes.reshape(-1), variances.reshape(-1)])[np.newaxis],)


def _image_size(p: Params, bottoms: Sequence[Array]) -> tuple[int, int]:
    if p.has("img_h") or p.has("img_w"):
        return p.img_h, p.img_w
    if p.has("img_size"):
        return p.img_size, p.img_size
    return bottoms[1].shape[2], bottoms[1].shape[3]


def _steps(p: Params, feature: Sequence[int], image: Sequence[int]) -> Sequence[float]:
    if p.has("step_h") or p.has("step_w"):
        return p.step_h, p.step_w
    if p.has("step"):
        return p.step, p.step
    return [size / cells for size, cells in zip(image, feature, strict=True)]


def _box_sizes(p: Params) -> Iterator[tuple[float, float]]:
    """Width and height of each box of a cell; sizes are cut to whole pixels."""
    ratios = _aspect_ratios(p)
    for i, size in enumerate(p.min_size):
        least = int(size)
        yield least, least
        if p.max_size:
            middle = sqrt(least * int(p.max_size[i]))
            yield middle, middle
        for ratio in ratios:
            yield least * sqrt(ratio), least / sqrt(ratio)


def _aspect_ratios(p: Params) -> list[float]:
    """The ratios other than 1, each followed by its inverse where flip says so."""
    ratios = [1.0]
    for ratio in p.aspect_ratio:
        if all(abs(ratio - known) >= 1e-6 for known in ratios):
            ratios += [ratio, 1 / ratio] if p.flip else [ratio]
    return [ratio for ratio in ratios if abs(ratio - 1) >= 1e-6]


@computes("DetectionOutput")
def detection_output(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """The boxes that remain: (1, 1, found, 7), each image, label, score, corners.

    Bottoms: locations (N, 4·boxes[·classes]), scores (N, boxes·classes), priors
    (1, 2, 4·boxes). Where nothing at all was found there is one row for each image, -1 but for
    its number (detection_output_layer.cpp).
    """
    p = layer.params.detection_output_param
    priors = bottoms[2].reshape(2, -1, 4)
    batch, count, classes = len(bottoms[0]), priors.shape[1], p.num_classes
    places = 1 if p.share_location else classes
    if bottoms[0].size != batch * count * places * 4 or bottoms[1].size != batch * count * classes:
        raise ShapeError(what=f"{count} priors do not match {bottoms[0].shape}, {bottoms[1].shape}")
    locations = bottoms[0].reshape(batch, count, places, 4)
    scores = bottoms[1].reshape(batch, count, classes)
    rows = []
    for image in range(batch):
        boxes = _decoded(p, priors, locations[image])
        rows += list(_detections(p, image, boxes, scores[image]))
    if not rows:
        rows = [np.array([image, *(-1.0,) * 6]) for image in range(batch)]
    return (np.stack(rows)[np.newaxis, np.newaxis],)


def _decoded(p: Params, priors: Array, located: Array) -> Array:
    """Boxes from what the net says of them: (boxes, places, 4) -> the same, corners.

    CORNER moves the prior's corners, CORNER_SIZE in units of its size, CENTER_SIZE moves its
    centre and stretches it (bbox_util.cpp).
    """
    corners: Array = priors[0][:, np.newaxis]
    variances: Array = priors[1][:, np.newaxis]
    moves: Array = located if p.variance_encoded_in_target else located * variances
    if p.code_type == "CORNER":
        return corners + moves
    size: Array = corners[..., 2:] - corners[..., :2]
    if p.code_type == "CORNER_SIZE":
        return corners + moves * np.tile(size, 2)
    centre = moves[..., :2] * size + (corners[..., :2] + corners[..., 2:]) / 2
    half = np.exp(moves[..., 2:]) * size / 2
    return np.concatenate([centre - half, centre + half], axis=-1)


def _detections(p: Params, image: int, boxes: Array, scores: Array) -> Iterator[Array]:
    """An image's rows, by label and, within a label, by falling score."""
    kept: dict[int, Indices] = {}
    for label in range(p.num_classes):
        if label != p.background_label_id:
            place = 0 if p.share_location else label
            kept[label] = _suppressed(p, boxes[:, place], scores[:, label])
    labels = np.repeat(list(kept), [len(index) for index in kept.values()])
    index = np.concatenate([*kept.values(), np.zeros(0, np.intp)]).astype(np.intp)
    if 0 <= p.keep_top_k < len(index):
        best = np.argsort(-scores[index, labels], kind="stable")[: p.keep_top_k]
        best = best[np.argsort(labels[best], kind="stable")]
        labels, index = labels[best], index[best]
    for label, box in zip(labels, index, strict=True):
        place = 0 if p.share_location else label
        yield np.array([image, label, scores[box, label], *boxes[box, place]])


def _suppressed(p: Params, boxes: Array, scores: Array) -> Indices:
    """Greedy non-maximum suppression of one class: the boxes kept, best first.

    With eta below 1 the threshold falls after each kept box while it is above 0.5
    (ApplyNMSFast in bbox_util.cpp).
    """
    nms = p.nms_param
    floor = p.confidence_threshold if p.has("confidence_threshold") else -np.inf
    order = np.argsort(-scores, kind="stable")
    order = order[scores[order] > floor]
    if nms.has("top_k") and nms.top_k > -1:
        order = order[: nms.top_k]
    threshold = nms.nms_threshold
    kept: list[int] = []
    for box in order:
        if kept and overlaps(boxes[box], boxes[kept]).max() > threshold:
            continue
        kept.append(box)
        if nms.eta < 1 and threshold > 0.5:
            threshold *= nms.eta
    return np.array(kept, np.intp)


def overlaps(box: Array, others: Array) -> Array:
    """Intersection over union of a box (4,) with others (n, 4); a turned-over box has no area."""
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    common = np.where((sides > 0).all(axis=1), sides[:, 0] * sides[:, 1], 0)
    union = _area(box[np.newaxis]) + _area(others) - common
    return np.where(common > 0, common / union, 0)


def _area(boxes: Array) -> Array:
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    return np.where((width < 0) | (height < 0), 0, width * height)

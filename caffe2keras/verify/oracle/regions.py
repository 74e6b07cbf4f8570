"""Regions of interest: ROIPooling, PSROIPooling, Proposal.

A region is a row of five numbers: the image it is in, and x1, y1, x2, y2 in pixels of the net's
input, both ends included.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe2keras.errors import InputError
from caffe2keras.graph.net import Layer
from caffe2keras.params import Params
from caffe2keras.verify.oracle.registry import Array, Arrays, Tops, computes

__all__ = ["proposal", "psroi_pooling", "roi_pooling"]


def _rounded(x: Array) -> Array:
    """Halves away from zero, as C rounds."""
    y: Array = np.copysign(np.floor(np.abs(x) + 0.5), x)
    return y


def _bounds(start: float, step: float, bins: int, offset: int, size: int) -> Sequence[slice]:
    """Where each bin of a region begins and ends along one axis, clipped to the map."""
    ends = np.arange(bins + 1, dtype=np.asarray(step).dtype) * step + start
    first = np.clip(np.floor(ends[:-1]).astype(int) + offset, 0, size)
    behind = np.clip(np.ceil(ends[1:]).astype(int) + offset, 0, size)
    return [slice(a, b) for a, b in zip(first, behind, strict=True)]


def _image_of(layer: Layer, features: Array, region: Array) -> Array:
    number = int(region[0])
    if not 0 <= number < len(features):
        raise InputError(
            what=f'blob "{layer.bottoms[1].name}" has a region in image {number}; '
            f"expected 0 to {len(features) - 1}",
            where=str(layer),
        )
    image: Array = features[number]
    return image


@computes("ROIPooling")
def roi_pooling(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """The maximum of each bin of each region: x (N, C, H, W), regions (R, 5) -> (R, C, h, w).

    Corners are rounded to the map's own pixels; an empty bin yields 0 (roi_pooling_layer.cpp in
    rbgirshick's caffe-fast-rcnn).
    """
    p = layer.params.roi_pooling_param
    features, regions = bottoms[0], bottoms[1].reshape(len(bottoms[1]), 5)
    scale = features.dtype.type(p.spatial_scale)
    y = np.zeros((len(regions), features.shape[1], p.pooled_h, p.pooled_w), features.dtype)
    for region, answer in zip(regions, y, strict=True):
        image = _image_of(layer, features, region)
        x1, y1, x2, y2 = _rounded(region[1:] * scale).astype(int)
        tall, wide = (features.dtype.type(max(n, 1)) for n in (y2 - y1 + 1, x2 - x1 + 1))
        rows = _bounds(0, tall / p.pooled_h, p.pooled_h, y1, features.shape[2])
        cells = _bounds(0, wide / p.pooled_w, p.pooled_w, x1, features.shape[3])
        for place in np.ndindex(p.pooled_h, p.pooled_w):
            seen = image[:, rows[place[0]], cells[place[1]]]
            if seen.size:
                answer[(slice(None), *place)] = seen.max(axis=(1, 2))
    return (y,)


@computes("PSROIPooling")
def psroi_pooling(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """The mean of each bin of each region, each bin from channels of its own.

    Shapes: x (N, O·g·g, H, W), regions (R, 5) -> (R, O, g, g). Corners are rounded before they
    are scaled, and a region is at least a tenth wide (psroi_pooling_layer.cu in R-FCN's fork).
    """
    p = layer.params.psroi_pooling_param
    features, regions = bottoms[0], bottoms[1].reshape(len(bottoms[1]), 5)
    kind, bins = features.dtype.type, p.group_size
    y = np.zeros((len(regions), p.output_dim, bins, bins), features.dtype)
    for region, answer in zip(regions, y, strict=True):
        image = _image_of(layer, features, region).reshape(-1, bins, bins, *features.shape[2:])
        ends = _rounded(region[1:]) + np.array([0, 0, 1, 1], kind)
        x1, y1, x2, y2 = ends * kind(p.spatial_scale)
        steps = [kind(max(side, 0.1)) / bins for side in (y2 - y1, x2 - x1)]
        rows = _bounds(y1, steps[0], bins, 0, features.shape[2])
        cells = _bounds(x1, steps[1], bins, 0, features.shape[3])
        for i, j in np.ndindex(bins, bins):
            seen = image[:, i, j, rows[i], cells[j]]
            if seen[0].size:
                answer[:, i, j] = seen.mean(axis=(1, 2))
    return (y,)


@computes("Proposal")
def proposal(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """The best regions that anchors and their corrections make: (R, 5)[, their scores (R,)].

    Bottoms: scores (N, 2·A, H, W), the objects' behind the backgrounds', corrections
    (N, 4·A, H, W), and the image's height, width and the two scales it was resized by. Regions
    that are too small keep their place but lose their score (proposal_layer.cpp in happynear's
    caffe-windows). With one scale it is mini-caffe's layer, where anchors are multiples of
    base_size and boxes less than a pixel apart overlap (its proposal_layer.cpp).
    """
    p = layer.params.proposal_param
    info = bottoms[2].reshape(-1)
    least = 0 if len(info) > 3 else -1
    regions, scores = [], []
    for image, (score, correction) in enumerate(zip(bottoms[0], bottoms[1], strict=True)):
        boxes, values = _candidates(p, score, correction, info)
        order = np.argsort(-values, kind="stable")[: p.pre_nms_topn]
        kept = order[_suppressed(boxes[order], p.nms_thresh, p.post_nms_topn, least)]
        regions.append(np.insert(boxes[kept], 0, image, axis=1))
        scores.append(values[kept])
    return (np.concatenate(regions), np.concatenate(scores))[: len(layer.tops)]


def _candidates(p: Params, score: Array, correction: Array, info: Array) -> tuple[Array, Array]:
    """All boxes of an image and their scores, cell by cell and anchor by anchor."""
    anchors = (_anchors if len(info) > 3 else _whole_anchors)(p).astype(score.dtype)
    count, height, width = len(anchors), *score.shape[1:]
    y, x = np.mgrid[:height, :width] * p.feat_stride
    shifts = np.stack([x, y, x, y], axis=-1).reshape(-1, 1, 4).astype(score.dtype)
    corners = (anchors + shifts).reshape(-1, 4)
    moves = correction.reshape(count, 4, -1).transpose(2, 0, 1).reshape(-1, 4)
    size = corners[:, 2:] - corners[:, :2] + 1
    centre = corners[:, :2] + 0.5 * size + moves[:, :2] * size
    half = 0.5 * np.exp(moves[:, 2:]) * size
    limits = info[[1, 0, 1, 0]] - 1
    moved = np.concatenate([centre - half, centre + half], axis=1)
    boxes = np.maximum(np.minimum(moved, limits), 0)
    large = (boxes[:, 2:] - boxes[:, :2] + 1 >= p.min_size * info[[min(3, len(info) - 1), 2]]).all(
        axis=1
    )
    return boxes, large * score[count:].reshape(count, -1).T.reshape(-1)


def _anchors(p: Params) -> Array:
    """Boxes around the first cell, (A, 4): every scale of every ratio of height to width."""
    base = p.base_size
    sizes = []
    for ratio in p.ratio:
        wide = np.sqrt(base * base / ratio)
        for scale in p.scale:
            sides = np.array([wide, wide * ratio]) * scale / base - 1
            sizes.append(0.5 * np.trunc(sides + 0.5))
    centre = 0.5 * (base - 1)
    return np.array([[*(centre - half), *(centre + half)] for half in sizes])


def _whole_anchors(p: Params) -> Array:
    """Boxes in mini-caffe's way: whole pixels for a ratio, and a scale multiplies them."""
    boxes = []
    for ratio in p.ratio:
        wide = _rounded(np.sqrt(np.float32(p.base_size**2 / ratio)))
        tall = _rounded(wide * np.float32(ratio))
        for x, y in ((wide * scale / 2, tall * scale / 2) for scale in p.scale):
            middle = p.base_size / 2
            boxes.append([middle - x, middle - y, middle + x - 1, middle + y - 1])
    return np.array(boxes)


def _suppressed(boxes: Array, threshold: float, most: int, least: float) -> Sequence[int]:
    """Greedy non-maximum suppression of boxes that are sorted already."""
    kept: list[int] = []
    for index in range(len(boxes)):
        if len(kept) == most:
            break
        if not kept or _overlaps(boxes[index], boxes[kept], least).max() <= threshold:
            kept.append(index)
    return kept


def _overlaps(box: Array, others: Array, least: float) -> Array:
    """Intersection over union, both ends of a side belonging to it.

    Boxes further apart than ``-least`` pixels, 0 in util/nms.cpp, do not overlap for all that.
    """
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    common = np.where((sides < least).any(axis=1), 0, np.prod(sides + 1, axis=1))
    own, areas = (np.prod(b[..., 2:] - b[..., :2] + 1, axis=-1) for b in (box, others))
    answer: Array = common / (own + areas - common)
    return answer

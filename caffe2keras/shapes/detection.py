"""Layers that propose boxes, look into them, and decide on them."""

from __future__ import annotations

from collections.abc import Sequence

from caffe2keras.graph.net import Shape
from caffe2keras.params import Params
from caffe2keras.shapes.demands import blobs, count, demand, legacy_shape, unbounded
from caffe2keras.shapes.registry import Inferred, infers

__all__ = [
    "detection_output",
    "prior_box",
    "prior_box_aspect_ratios",
    "proposal",
    "psroi_pooling",
    "roi_pooling",
    "yolo_detection_output",
    "yolov3_detection_output",
]

# How many boxes there will be, only the numbers tell; like SSD, we say one: image, label, score
# and four coordinates.
FOUND: Shape = (1, 1, 1, 7)


@infers("PriorBox")
@blobs(bottoms=2)
def prior_box(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """A feature map (N, C, H, W), the image -> (1, 2, H·W·priors·4): boxes and their variances."""
    p, cells = params.prior_box_param, legacy_shape(bottoms[0])[2:]
    _check_prior_sizes(p)
    _check_prior_grid(p)
    priors = len(p.min_size) * len(prior_box_aspect_ratios(p)) + len(p.max_size)
    return Inferred(((1, 2, count(cells) * priors * 4),))


def prior_box_aspect_ratios(p: Params) -> tuple[float, ...]:
    """The ratios of width to height, in prior_box_layer.cpp's order: 1, and each once.

    Args:
        p: the PriorBoxParameter.
    """
    ratios = [1.0]
    for ratio in p.aspect_ratio:
        if all(abs(ratio - known) >= 1e-6 for known in ratios):
            ratios += [ratio, 1 / ratio] if p.flip else [ratio]
    return tuple(ratios)


def _check_prior_sizes(p: Params) -> None:
    smallest, largest = p.min_size, p.max_size
    demand(min(smallest, default=0) > 0, f"min_size is {smallest}, it must be given and positive")
    demand(min(p.aspect_ratio, default=1) > 0, f"aspect_ratio is {p.aspect_ratio}, not positive")
    demand(
        len(largest) in (0, len(smallest)),
        f"max_size is given {len(largest)} times, min_size {len(smallest)} times",
    )
    demand(
        all(high > low for low, high in zip(smallest, largest, strict=False)),
        f"max_size {largest} must be greater than min_size {smallest}",
    )


def _check_prior_grid(p: Params) -> None:
    variance = p.variance
    demand(
        len(variance) in (0, 1, 4) and min(variance, default=1) > 0,
        f"variance is {variance}, it takes one or four positive numbers",
    )
    for name in ("img", "step"):
        both, either = (f"{name}_h", f"{name}_w"), "img_size" if name == "img" else "step"
        pair = any(p.has(field) for field in both)
        demand(not (pair and p.has(either)), f"both {either} and {name}_h or {name}_w are given")
        given = both if pair else (either,) if p.has(either) else ()
        demand(
            all(getattr(p, field) > 0 for field in given), f"{' and '.join(given)}: not positive"
        )


@infers("DetectionOutput")
@blobs(bottoms=(1, 4))
def detection_output(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """Locations, confidences, priors (1, 2, priors·4), the image if to be shown -> FOUND.

    One input alone, a YOLO head, is gklz1982's (detection_output_layer.cpp there).
    """
    p = params.detection_output_param
    demand(p.has("num_classes"), "num_classes is missing")
    if len(bottoms) == 1:
        demand(bottoms[0][:1] == (1,), f"it takes one image, received {bottoms[0]}")
        return Inferred((FOUND,))
    demand(len(bottoms) >= 3, f"it takes at least 3 inputs, received {len(bottoms)}")
    _check_nms(p.nms_param)
    locations, confidences, priors = (legacy_shape(shape) for shape in bottoms[:3])
    boxes = priors[2] // 4
    coordinates = 4 * boxes * (1 if p.share_location else p.num_classes)
    demand(
        locations[0] == confidences[0],
        f"the batch sizes of {bottoms[0]} and {bottoms[1]} differ",
    )
    demand(
        locations[1] == coordinates,
        f"{boxes} priors take {coordinates} coordinates, received {bottoms[0]}",
    )
    demand(
        confidences[1] == boxes * p.num_classes,
        f"{boxes} priors take {boxes * p.num_classes} confidences, received {bottoms[1]}",
    )
    return Inferred((FOUND,))


def _check_nms(p: Params) -> None:
    demand(p.nms_threshold >= 0, f"nms_threshold is {p.nms_threshold:g}, it cannot be negative")
    demand(0 < p.eta <= 1, f"eta is {p.eta:g}, it is above 0 and at most 1")


@infers("YoloDetectionOutput")
@blobs(bottoms=(1, unbounded))
def yolo_detection_output(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """YOLO v2 heads -> FOUND (eric612: yolo_detection_output_layer.cpp)."""
    demand(params.yolo_detection_output_param.has("num_classes"), "num_classes is missing")
    return Inferred((FOUND,))


@infers("Yolov3DetectionOutput")
@blobs(bottoms=(1, unbounded))
def yolov3_detection_output(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """YOLO v3 heads, mask_group_num of them -> FOUND (eric612)."""
    p = params.yolov3_detection_output_param
    demand(p.has("num_classes"), "num_classes is missing")
    demand(
        len(bottoms) == p.mask_group_num,
        f"mask_group_num is {p.mask_group_num}, received {len(bottoms)} inputs",
    )
    return Inferred((FOUND,))


@infers("ROIPooling")
@blobs(bottoms=2)
def roi_pooling(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """(N, C, H, W), regions (R, 5) -> (R, C, h, w) (Fast R-CNN: roi_pooling_layer.cpp)."""
    p, (bottom, regions) = params.roi_pooling_param, (legacy_shape(b) for b in bottoms)
    demand(p.pooled_h > 0 and p.pooled_w > 0, "pooled_h or pooled_w is missing or zero")
    return Inferred(((regions[0], bottom[1], p.pooled_h, p.pooled_w),))


@infers("PSROIPooling")
@blobs(bottoms=2)
def psroi_pooling(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """(N, D·g·g, H, W), regions (R, 5) -> (R, D, g, g) (R-FCN: psroi_pooling_layer.cpp)."""
    p, (bottom, regions) = params.psroi_pooling_param, (legacy_shape(b) for b in bottoms)
    demand(p.output_dim > 0, "output_dim is missing or not positive")
    demand(p.group_size > 0, "group_size is missing or not positive")
    expected = p.output_dim * p.group_size**2
    demand(bottom[1] == expected, f"it takes {expected} channels, received {bottom[1]}")
    return Inferred(((regions[0], p.output_dim, p.group_size, p.group_size),))


@infers("Proposal")
@blobs(bottoms=3, tops=(1, 2))
def proposal(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """Scores, deltas, image size -> regions (N·post_nms_topn, 5), and their scores (happynear).

    There are fewer where fewer survive; proposal_layer.cpp sets up room for all, and so does
    this.
    """
    demand(len(bottoms[0]) > 0, "the scores are a scalar")
    regions = bottoms[0][0] * params.proposal_param.post_nms_topn
    return Inferred(((regions, 5), (regions,))[:tops])

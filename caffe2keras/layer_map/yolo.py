"""YOLO's layers: Reorg, and the detections of versions 2 and 3."""

from __future__ import annotations

from typing import Any

from caffe2keras.errors import UnsupportedCombinationError, UnsupportedFieldError
from caffe2keras.layer_map.registry import Operand, Placed, maps
from caffe2keras.layout import caffe_order
from caffe2keras.params import Params
from caffe2keras.spec import Fragment, KerasLayer, line

__all__ = ["reorg", "yolo_detection_output", "yolov3_detection_output"]


@maps("Reorg", wants="caffe", fixes_size=True)
def reorg(layer: Placed) -> Fragment:
    """Space to depth in YOLO's own way, or back.

    Caffe    (N, C, H, W) -> (N, C s s, H/s, W/s), the blocks being those of an image of C/(s s)
             channels and s times the size; with reverse the channels make such blocks
    Keras    Reshape, Permute, Reshape, in Caffe's order
    Refuses  channels that are no multiple of the stride's square
    Source   reorg_layer.hpp in gklz1982's caffe-yolov2 and eric612's MobileNet-YOLO
    """
    p = layer.params.reorg_param
    s, (_, c, h, w) = p.stride, layer.inputs[0].shape
    if c % (s * s):
        raise UnsupportedCombinationError(
            what=f"Reorg of {c} channels with stride {s}",
            why=f"Caffe reads beyond the blob where {s * s} does not divide its channels",
        )
    inner = c // (s * s)
    # reorg_cpu: the channels are blocks, rows and columns of blocks, or the other way round.
    taken, order = ((s, s, inner, h, w), (3, 4, 1, 5, 2))
    if not p.reverse:
        taken, order = ((inner, h, s, w, s), (3, 5, 1, 2, 4))
    return line(
        KerasLayer("Reshape", {"target_shape": list(taken)}, suffix="_blocks"),
        KerasLayer("Permute", {"dims": list(order)}, suffix="_permute"),
        KerasLayer("Reshape", {"target_shape": list(layer.outputs[0][1:])}),
        layout=caffe_order(4),
    )


@maps("YoloDetectionOutput", wants="image")
def yolo_detection_output(layer: Placed) -> Fragment:
    """The boxes of version 2 that remain after suppression, best first.

    Caffe    one row for each box found: (1, 1, found, 7); num_classes, num_box, biases,
             confidence_threshold, nms_threshold
    Keras    caffe2keras>YoloDetectionOutput, with a row for every box that there is: behind
             Caffe's stand rows of -1
    Differs  the batch size is fixed, since Caffe throws all images together
    Refuses  more than two bottoms, maps that are not square
    Source   yolo_detection_output_layer.cpp in eric612's MobileNet-YOLO
    """
    p = layer.params.yolo_detection_output_param
    # Caffe takes side from the bottom, reads coords without using it, and labels only for show.
    p.honoured("side", "coords", "label_map_file")
    if len(layer.inputs) > 2:
        raise UnsupportedCombinationError(
            what=f"YoloDetectionOutput of {len(layer.inputs)} bottoms",
            why="Caffe reads the first two of them and passes over the others",
        )
    if any(x.shape[2] != x.shape[3] for x in layer.inputs):
        raise UnsupportedCombinationError(
            what="YoloDetectionOutput of a map that is not square",
            why="Caffe takes the width for the height",
        )
    _check_anchors(p, p.num_box)
    least = 5 + p.num_classes
    _check_channels(layer, all(_values(x, p) >= least for x in layer.inputs), p)
    return _detections(layer, KerasLayer("caffe2keras>YoloDetectionOutput", _config(p)))


@maps("Yolov3DetectionOutput", wants="image")
def yolov3_detection_output(layer: Placed) -> Fragment:
    """The boxes of version 3 that remain after suppression, best first.

    Caffe    one row for each box found: (1, 1, found, 7); num_classes, num_box, biases, mask,
             mask_group_num, anchors_scale, confidence_threshold, nms_threshold
    Keras    caffe2keras>Yolov3DetectionOutput, with a row for every box that there is: behind
             Caffe's stand rows of -1
    Differs  the batch size is fixed, since Caffe throws all images together; of a box without
             area, or of an infinite one, only the likeliest class is listed, in Caffe all are
    Refuses  gaussian_box, nms_threshold from 1 on, channels that are not num_box whole boxes
    Source   yolov3_detection_output_layer.cpp in eric612's MobileNet-YOLO
    """
    p = layer.params.yolov3_detection_output_param
    if p.gaussian_box:
        raise UnsupportedFieldError(
            what="gaussian_box = true", why="boxes with their own uncertainty are not mapped"
        )
    if p.nms_threshold >= 1:
        raise UnsupportedFieldError(
            what=f"nms_threshold = {p.nms_threshold}",
            why="a box's own classes would no longer suppress one another",
        )
    step = len(p.mask) // p.mask_group_num
    masks = [list(p.mask[i * step :][: p.num_box]) for i in range(len(layer.inputs))]
    if len(p.anchors_scale) < len(masks) or any(len(mask) < p.num_box for mask in masks):
        raise UnsupportedCombinationError(
            what=f"mask = {list(p.mask)}, anchors_scale = {list(p.anchors_scale)} for "
            f"{len(masks)} bottoms",
            why=f"each takes {p.num_box} anchors and a scale, and Caffe reads on where they end",
        )
    _check_anchors(p, max(max(mask) for mask in masks) + 1)
    _check_channels(layer, all(_values(x, p) == 5 + p.num_classes for x in layer.inputs), p)
    config = {**_config(p), "masks": masks, "anchors_scale": list(p.anchors_scale)[: len(masks)]}
    return _detections(layer, KerasLayer("caffe2keras>Yolov3DetectionOutput", config))


def _config(p: Params) -> dict[str, Any]:
    """What both versions have in common."""
    return {
        "num_classes": p.num_classes,
        "num_box": p.num_box,
        "biases": list(p.biases),
        "confidence_threshold": p.confidence_threshold,
        "nms_threshold": p.nms_threshold,
    }


def _values(x: Operand, p: Params) -> float:
    """How many numbers a map has for each box of a cell."""
    return float(x.shape[1] / p.num_box)


def _check_anchors(p: Params, wanted: int) -> None:
    if len(p.biases) < 2 * wanted:
        raise UnsupportedCombinationError(
            what=f"{len(p.biases)} biases for {wanted} anchors",
            why="each takes a width and a height, and Caffe reads on where they end",
        )


def _check_channels(layer: Placed, fit: bool, p: Params) -> None:
    if not fit or any(x.shape[1] % p.num_box for x in layer.inputs):
        shapes = ", ".join(str(x.shape) for x in layer.inputs)
        raise UnsupportedCombinationError(
            what=f"{p.num_box} boxes of {p.num_classes} classes in a map of shape {shapes}",
            why="each takes four numbers for its place, one for itself and one for each class",
        )


def _detections(layer: Placed, main: KerasLayer) -> Fragment:
    config = {**main.config, "data_format": layer.data_format}
    return line(
        KerasLayer(main.class_name, config),
        inputs=len(layer.inputs),
        layout=caffe_order(4),
        ties_batch=True,
        padded_axis=2,
    )

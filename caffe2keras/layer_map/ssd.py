"""SSD's layers: Normalize, PriorBox and DetectionOutput (the ssd branch of weiliu89's fork)."""

from __future__ import annotations

from math import prod
from typing import Any

from caffe2keras.errors import UnsupportedCombinationError, UnsupportedFieldError
from caffe2keras.graph.net import Note
from caffe2keras.layer_map.registry import Placed, maps
from caffe2keras.layer_map.wiring import permuted_to_caffe, reshape
from caffe2keras.layout import caffe_order
from caffe2keras.params import Params
from caffe2keras.shapes.detection import prior_box_aspect_ratios
from caffe2keras.spec import (
    Call,
    Fragment,
    FragmentInput,
    FragmentOutput,
    KerasLayer,
    Variable,
    line,
)

__all__ = ["detection_output", "normalize", "prior_box"]


@maps("Normalize")
def normalize(layer: Placed) -> Fragment:
    """Each pixel's channels over their norm, or a whole image over its own.

    Caffe    SSD: x / sqrt(sum of squares + eps) * scale, scale (C,), or () with channel_shared;
             across_spatial. happynear: x / norm, norm a second top; normalize_type L2 or L1
    Keras    caffe2keras>Normalize; behind it caffe2keras>Scale for SSD's scale
    Source   normalize_layer.cpp in weiliu89's SSD (norm_param) and in happynear's caffe-windows
    """
    if not layer.params.has("norm_param"):
        return _normalize_without_scale(layer)
    x, p = layer.inputs[0], layer.params.norm_param
    summed = range(1, x.rank) if p.across_spatial else (1,)
    p.honoured("channel_shared", "scale_filler")  # the scale that is attached says both
    config = {"axes": sorted(x.keras_axis(axis) for axis in summed), "epsilon": p.eps}
    (scale,) = layer.weights
    gamma = Variable("gamma", scale.shape, scale.array, scale)
    axes = [x.keras_axis(1)] if scale.shape else []
    scaling = {"axes": axes, "use_scale": True, "use_bias": False}
    return line(
        KerasLayer("caffe2keras>Normalize", config),
        KerasLayer("caffe2keras>Scale", scaling, (gamma,), suffix="_scale"),
    )


def _normalize_without_scale(layer: Placed) -> Fragment:
    x, p = layer.inputs[0], layer.params.normalize_param
    p.honoured("fix_gradient", "bp_norm")  # how gradients flow
    if layer.params.has("softmax_param"):
        p = _first_home(layer)
    order = {"L2": 2, "L1": 1}.get(p.normalize_type)
    if order is None:
        raise UnsupportedFieldError(
            what=f"normalize_type = {p.normalize_type}",
            why="Caffe knows L1 and L2 only",
        )
    config = {
        "axes": [x.keras_axis(1)],
        "order": order,
        "epsilon": 1e-6,
        "with_norm": len(layer.outputs) > 1,
    }
    calls = [Call(KerasLayer("caffe2keras>Normalize", config), (FragmentInput(0),))]
    outputs = []
    for index, shape in enumerate(layer.outputs):
        outputs.append(FragmentOutput(0, index))
        # These tops always have four axes.
        for step in () if x.rank == 4 else (*permuted_to_caffe(x), reshape(shape[1:])):
            calls.append(Call(step, (outputs[index],)))
            outputs[index] = FragmentOutput(len(calls) - 1)
    layout = x.layout if x.rank == 4 else caffe_order(4)
    return Fragment(tuple(calls), tuple(outputs), (layout,) * len(outputs))


def _first_home(layer: Placed) -> Params:
    """Where happynear's first version had normalize_type, which took the norm of whole images."""
    if prod(layer.inputs[0].shape[2:]) != 1:
        raise UnsupportedFieldError(
            what=f"softmax_param.normalize_type = {layer.params.softmax_param.normalize_type}",
            why="the version that reads it there takes one norm of a whole image, later ones of "
            "each pixel's channels, and this image has many",
            hint="name it in normalize_param for a norm of each pixel",
        )
    home: Params = layer.params.softmax_param
    return home


@maps("PriorBox", wants="image")
def prior_box(layer: Placed) -> Fragment:
    """Boxes around every cell of a feature map, and their variances.

    Caffe    min_size, max_size, aspect_ratio, flip, clip, variance; img_size or img_h and img_w
             in place of the second bottom's size; step or step_h and step_w; offset
    Keras    caffe2keras>PriorBox, which counts them from the sizes of its inputs
    Refuses  bottoms of fewer than four axes
    Source   prior_box_layer.cpp in weiliu89's SSD
    """
    p = layer.params.prior_box_param
    if any(x.rank != 4 for x in layer.inputs):
        raise UnsupportedCombinationError(
            what=f"PriorBox of inputs of shape {', '.join(str(x.shape) for x in layer.inputs)}",
            why="it takes the height and width of images, (N, C, H, W)",
        )
    p.honoured("flip")  # the list of ratios says it
    config = {
        "min_sizes": list(p.min_size),
        "max_sizes": list(p.max_size),
        "aspect_ratios": [r for r in prior_box_aspect_ratios(p) if abs(r - 1) >= 1e-6],
        "variances": list(p.variance) or [0.1],
        "clip": p.clip,
        "image_size": _pair(p, "img_size", "img_h", "img_w"),
        "steps": _pair(p, "step", "step_h", "step_w"),
        "offset": p.offset,
        "data_format": layer.data_format,
    }
    return line(KerasLayer("caffe2keras>PriorBox", config), inputs=2, layout=caffe_order(3))


def _pair(p: Params, both: str, height: str, width: str) -> list[Any] | None:
    """Two numbers, given each or once for both, or not at all."""
    if p.has(height) or p.has(width):
        return [getattr(p, height), getattr(p, width)]
    return [getattr(p, both)] * 2 if p.has(both) else None


@maps("DetectionOutput", wants="caffe")
def detection_output(layer: Placed) -> Fragment:
    """The boxes that remain of what the net says of its priors.

    Caffe    one row for each box found: (1, 1, found, 7); num_classes, share_location,
             background_label_id, code_type, variance_encoded_in_target, confidence_threshold,
             nms_param (nms_threshold, top_k, eta), keep_top_k
    Keras    caffe2keras>DetectionOutput, with a fixed number of rows: behind Caffe's stand rows
             of -1
    Differs  nothing is drawn or written to files (save_output_param, visualize)
    Refuses  top_k or keep_top_k = 0, with which nothing is ever found; a single bottom, which is
             gklz1982's layer of that name for YOLO
    Source   detection_output_layer.cpp and util/bbox_util.cpp in weiliu89's SSD, as on the CPU
    """
    p = layer.params.detection_output_param
    if len(layer.inputs) < 3:
        raise UnsupportedCombinationError(
            what="DetectionOutput of a single bottom",
            why="this is gklz1982's for YOLO, where of two boxes the one whose cell comes first "
            "suppresses the other, whatever their scores",
            hint="make it a YoloDetectionOutput, where the better one does",
        )
    limits = {"top_k": _limit(p.nms_param, "top_k"), "keep_top_k": _limit(p, "keep_top_k")}
    config: dict[str, Any] = {
        "num_classes": p.num_classes,
        "background_label_id": p.background_label_id,
        "share_location": p.share_location,
        "code_type": p.code_type.lower(),
        "variance_encoded_in_target": p.variance_encoded_in_target,
        "nms_threshold": p.nms_param.nms_threshold,
        "eta": p.nms_param.eta,
        **limits,
    }
    if p.has("confidence_threshold"):
        config["confidence_threshold"] = p.confidence_threshold
    main = KerasLayer("caffe2keras>DetectionOutput", config)
    return line(main, inputs=3, layout=caffe_order(4), notes=_not_drawn(layer, p), padded_axis=2)


def _limit(p: Params, name: str) -> int:
    """How many at most, -1 for no limit."""
    limit = max(getattr(p, name), -1) if p.has(name) else -1
    if limit == 0:
        raise UnsupportedFieldError(what=f"{name} = 0", why="with it nothing is ever found")
    return limit


def _not_drawn(layer: Placed, p: Params) -> tuple[Note, ...]:
    p.honoured("visualize_threshold", "save_file")
    layer.params.honoured("transform_param")  # how the image is brought back to be drawn
    shown, saved = p.visualize, p.save_output_param.output_directory
    p.honoured("save_output_param")
    if not shown and not saved:
        return ()
    text = "the boxes are given, not drawn or written to files"
    return (Note("dropped", layer.name, text),)

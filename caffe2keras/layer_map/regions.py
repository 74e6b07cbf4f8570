"""Layers that propose regions and look into them: Faster R-CNN's and R-FCN's."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from caffe2keras.errors import UnsupportedCombinationError
from caffe2keras.graph.net import Note
from caffe2keras.layer_map.registry import Placed, maps
from caffe2keras.layout import caffe_order, image
from caffe2keras.spec import Call, Fragment, FragmentInput, FragmentOutput, KerasLayer, line

__all__ = ["proposal", "psroi_pooling", "roi_pooling"]

Array = npt.NDArray[np.floating[Any]]


@maps("ROIPooling", wants="image")
def roi_pooling(layer: Placed) -> Fragment:
    """The maximum of each bin of each region of a feature map.

    Caffe    regions (R, 5): image, x1, y1, x2, y2; pooled_h, pooled_w; spatial_scale
    Keras    caffe2keras>ROIPooling
    Refuses  feature maps that are not (N, C, H, W), regions of other than five numbers
    Source   roi_pooling_layer.cpp in rbgirshick's caffe-fast-rcnn
    """
    p = layer.params.roi_pooling_param
    config = {"pool_size": [p.pooled_h, p.pooled_w], "spatial_scale": p.spatial_scale}
    return _pooled(layer, KerasLayer("caffe2keras>ROIPooling", config))


@maps("PSROIPooling", wants="image")
def psroi_pooling(layer: Placed) -> Fragment:
    """The mean of each bin of each region, each bin from channels of its own.

    Caffe    regions (R, 5): image, x1, y1, x2, y2; output_dim, group_size; spatial_scale
    Keras    caffe2keras>PSROIPooling
    Refuses  feature maps that are not (N, C, H, W), regions of other than five numbers
    Source   psroi_pooling_layer.cu in daijifeng001's caffe-rfcn, which has it on the GPU only
    """
    p = layer.params.psroi_pooling_param
    config = {
        "output_dim": p.output_dim,
        "group_size": p.group_size,
        "spatial_scale": p.spatial_scale,
    }
    return _pooled(layer, KerasLayer("caffe2keras>PSROIPooling", config))


def _pooled(layer: Placed, pooling: KerasLayer) -> Fragment:
    features, regions = layer.inputs
    if features.rank != 4 or prod(regions.shape[1:]) != 5:
        raise UnsupportedCombinationError(
            what=f"{layer.type} of inputs of shape {features.shape} and {regions.shape}",
            why="it takes a feature map (N, C, H, W) and regions (R, 5)",
        )
    config = {**pooling.config, "data_format": layer.data_format}
    layout = image(4, layer.data_format)
    return line(KerasLayer(pooling.class_name, config), inputs=2, layout=layout)


@maps("Proposal", wants="image")
def proposal(layer: Placed) -> Fragment:
    """The best regions that anchors and their corrections make.

    Caffe    scores (N, 2A, H, W), corrections (N, 4A, H, W), the image's height, width and two
             scales, or one (mini-caffe); feat_stride, base_size, min_size, ratio, scale,
             pre_nms_topn, post_nms_topn, nms_thresh
    Keras    caffe2keras>Proposal
    Differs  of equal scores the first cell counts; in Caffe it is as the sorting has it
    Refuses  an image of fewer than three numbers, no ratio or no scale, several images with one
             scale
    Source   proposal_layer.cpp and util/nms.cpp in happynear's caffe-windows, which reads two
             scales; proposal_layer.cpp in luoyetx's mini-caffe, which reads one, rounds ratios
             to whole pixels, and takes scales in multiples of base_size
    """
    p, one_scale = layer.params.proposal_param, prod(layer.inputs[2].shape) == 3
    _check_proposal(layer)
    size, ratios, scales = p.base_size, p.ratio, p.scale
    config = {
        "feat_stride": p.feat_stride,
        "anchors": (_anchors_in_multiples if one_scale else _anchors_in_pixels)(
            size, np.array(ratios, np.float32), np.array(scales, np.float32)
        ),
        "min_size": p.min_size,
        "pre_nms_topn": p.pre_nms_topn,
        "post_nms_topn": p.post_nms_topn,
        "nms_thresh": p.nms_thresh,
        "with_scores": len(layer.outputs) > 1,
        "one_scale": one_scale,
        "adjacent": one_scale,
        "data_format": layer.data_format,
    }
    main = KerasLayer("caffe2keras>Proposal", config)
    call = Call(main, tuple(FragmentInput(i) for i in range(3)))
    outputs = tuple(FragmentOutput(0, i) for i in range(len(layer.outputs)))
    layouts = (caffe_order(2), caffe_order(1))[: len(outputs)]
    return Fragment((call,), outputs, layouts, _proposal_notes(layer, one_scale))


def _check_proposal(layer: Placed) -> None:
    scores, corrections, info = layer.inputs
    p = layer.params.proposal_param
    anchors, numbers = len(p.ratio) * len(p.scale), prod(info.shape)
    if scores.shape[1] != 2 * anchors or corrections.shape[1] != 4 * anchors or not anchors:
        raise UnsupportedCombinationError(
            what=f"{anchors} anchors with inputs of shape {scores.shape} and {corrections.shape}",
            why="every anchor takes two scores and four corrections",
        )
    if numbers < 3:
        raise UnsupportedCombinationError(
            what=f"Proposal with an image described as {info.shape}",
            why="it reads a height, a width and two scales, or one in mini-caffe",
        )
    if numbers == 3 and scores.shape[0] != 1:
        raise UnsupportedCombinationError(
            what=f"Proposal for {scores.shape[0]} images, described as {info.shape}",
            why="mini-caffe, whose layer reads three numbers, takes one image",
        )


def _proposal_notes(layer: Placed, one_scale: bool) -> tuple[Note, ...]:
    texts = ["how many regions there are depends on the values, so that JAX cannot compile the net"]
    if one_scale:
        texts.append(
            "the image comes with one scale, as in mini-caffe; so the anchors are that fork's, "
            "scales in multiples of base_size"
        )
    return tuple(Note("decided", layer.name, text) for text in texts)


def _anchors_in_pixels(base: int, ratios: Array, scales: Array) -> list[list[float]]:
    """Boxes around the first cell in happynear's way: a scale is a side in pixels."""
    widths = np.sqrt(np.float32(base * base) / ratios)
    sides = np.stack([widths, widths * ratios], axis=-1)[:, None] * scales[:, None]
    # Single precision ends here in Caffe, too.
    return _around_centre(base, np.trunc(sides.astype(np.float64) / base - 0.5) / 2)


def _anchors_in_multiples(base: int, ratios: Array, scales: Array) -> list[list[float]]:
    """Boxes in mini-caffe's way: a scale multiplies the base, whose sides are whole pixels."""
    widths = _rounded(np.sqrt(np.float32(base * base) / ratios))
    sides = np.stack([widths, _rounded(widths * ratios)], axis=-1)[:, None] * scales[:, None]
    return _around_centre(base, (sides - 1) / 2)


def _around_centre(base: int, reach: Array) -> list[list[float]]:
    centre, reach = (base - 1) / 2, reach.reshape(-1, 2)
    boxes: list[list[float]] = np.hstack([centre - reach, centre + reach]).tolist()
    return boxes


def _rounded(x: Array) -> Array:
    """Halves away from zero, as C rounds; x is positive."""
    y: Array = np.floor(x.astype(np.float64) + 0.5).astype(np.float32)
    return y

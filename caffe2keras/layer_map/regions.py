"""Layers that propose regions and look into them: Faster R-CNN's and R-FCN's."""

from __future__ import annotations

from math import prod

from caffe2keras.errors import UnsupportedCombinationError
from caffe2keras.graph.net import Note
from caffe2keras.layer_map.registry import Placed, maps
from caffe2keras.layout import caffe_order, image
from caffe2keras.spec import Call, Fragment, FragmentInput, FragmentOutput, KerasLayer, line

__all__ = ["proposal", "psroi_pooling", "roi_pooling"]


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
             scales; feat_stride, base_size, min_size, ratio, scale, pre_nms_topn, post_nms_topn,
             nms_thresh
    Keras    caffe2keras>Proposal
    Differs  of equal scores the first cell counts; in Caffe it is as the sorting has it
    Refuses  an image of fewer than four numbers, no ratio or no scale
    Source   proposal_layer.cpp and util/nms.cpp in happynear's caffe-windows
    """
    scores, corrections, info = layer.inputs
    p = layer.params.proposal_param
    ratios, scales = list(p.ratio), list(p.scale)
    anchors = len(ratios) * len(scales)
    if scores.shape[1] != 2 * anchors or corrections.shape[1] != 4 * anchors or not anchors:
        raise UnsupportedCombinationError(
            what=f"{anchors} anchors with inputs of shape {scores.shape} and {corrections.shape}",
            why="every anchor takes two scores and four corrections",
        )
    if prod(info.shape) < 4:
        raise UnsupportedCombinationError(
            what=f"Proposal with an image described as {info.shape}",
            why="it reads a height, a width and two scales",
        )
    config = {
        "feat_stride": p.feat_stride,
        "base_size": p.base_size,
        "min_size": p.min_size,
        "ratios": ratios,
        "scales": scales,
        "pre_nms_topn": p.pre_nms_topn,
        "post_nms_topn": p.post_nms_topn,
        "nms_thresh": p.nms_thresh,
        "with_scores": len(layer.outputs) > 1,
        "data_format": layer.data_format,
    }
    main = KerasLayer("caffe2keras>Proposal", config)
    call = Call(main, tuple(FragmentInput(i) for i in range(3)))
    outputs = tuple(FragmentOutput(0, i) for i in range(len(layer.outputs)))
    layouts = (caffe_order(2), caffe_order(1))[: len(outputs)]
    text = "how many regions there are depends on the values, so that JAX cannot compile the net"
    return Fragment((call,), outputs, layouts, (Note("decided", layer.name, text),))

"""ProposalLayer, the Python layer of py-faster-rcnn and of the R-FCN forks that took it over.

It lists the regions that Faster R-CNN looks into: rpn/proposal_layer.py, with
rpn/generate_anchors.py, fast_rcnn/bbox_transform.py and nms/ beside it. The prototxt says, in
param_str, how far the cells are apart and how large the anchors are. The rest stands in that
project's fast_rcnn/config.py, and here:
"""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod, sqrt
from typing import Any

import numpy as np

from caffe2keras.plugin import (
    Array,
    Arrays,
    Call,
    Fragment,
    FragmentInput,
    FragmentOutput,
    Inferred,
    KerasLayer,
    Layer,
    Note,
    Params,
    Placed,
    Shape,
    ShapeError,
    Tops,
    blobs,
    caffe_order,
    computes,
    demand,
    infers,
    maps,
)

# cfg.TEST as py-faster-rcnn has it. If your project's config.py, or the .yml that its tools are
# given by --cfg, says something else, say it here: soeaver's py-RFCN-priv has a MIN_SIZE of 8.
PRE_NMS_TOP_N = 6000  # regions that are looked at, the best ones
POST_NMS_TOP_N = 300  # that remain at most
NMS_THRESH = 0.7  # one that overlaps a better one by more than this goes
MIN_SIZE = 16  # so does one of a smaller width or height, before the image was resized

TYPE = "Python:rpn.proposal_layer.ProposalLayer"

# One pair of YAML, 'key': number or 'key': [numbers], and what separates it from the next
_PAIR = re.compile(
    r"""\s*(?P<quote>['"]?)(?P<key>\w+)(?P=quote)\s*:\s*(?:!!python/tuple\s*)?"""
    r"""(?P<value>[\d.]+|\[[\d.,\s]*\]|\([\d.,\s]*\))\s*?(?:,|\n|$)"""
)


@dataclass(frozen=True)
class Settings:
    """What param_str says.

    Attributes:
        feat_stride: from cell to cell, in pixels of the net's input.
        scales: of the anchors, in multiples of ``base_size``.
        ratios: of their height to their width; py-faster-rcnn itself does not read them, the
            forks of sanghoon (pva-faster-rcnn) and soeaver do.
        base_size: a side in pixels; read by soeaver's.
    """

    feat_stride: int
    scales: Sequence[float] = (8, 16, 32)
    ratios: Sequence[float] = (0.5, 1, 2)
    base_size: int = 16

    def anchors(self) -> list[list[float]]:
        """The boxes around the first cell, each x1, y1, x2, y2 (generate_anchors.py)."""
        boxes = []
        for ratio in self.ratios:
            width = round(sqrt(self.base_size**2 / ratio))
            height = round(width * ratio)  # halves to the even number, as in NumPy
            for scale in self.scales:
                centre = (self.base_size - 1) / 2
                x, y = (width * scale - 1) / 2, (height * scale - 1) / 2
                boxes.append([centre - x, centre - y, centre + x, centre + y])
        return boxes


def settings_of(params: Params) -> Settings:
    """What param_str says: YAML, of which this reads one mapping of numbers and lists of them."""
    text = params.python_param.param_str
    found = dict(_pairs(text))
    unknown = sorted(found.keys() - Settings.__dataclass_fields__.keys())
    demand(not unknown, f"param_str has {', '.join(unknown)}, which py-faster-rcnn does not know")
    demand("feat_stride" in found, f"param_str says no feat_stride: {text!r}")
    settings = Settings(**found)
    numbers = (settings.feat_stride, settings.base_size, *settings.scales, *settings.ratios)
    demand(min(numbers) > 0, f"param_str has a number that is not positive: {text!r}")
    return settings


def _pairs(text: str) -> Iterator[tuple[str, Any]]:
    inner = text.strip().removeprefix("{").removesuffix("}").strip()
    while inner:
        pair = _PAIR.match(inner)
        if pair is None:
            raise ShapeError(what=f"this plugin does not read such a param_str: {text!r}")
        yield pair["key"], ast.literal_eval(pair["value"])
        inner = inner[pair.end() :].strip()


@infers(TYPE)
@blobs(bottoms=3, tops=(1, 2))
def proposal_shape(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """Scores (1, 2A, H, W), corrections (1, 4A, H, W), image (1, 3) -> (R, 5), scores (R, 1).

    There are fewer than R = POST_NMS_TOP_N where fewer remain.
    """
    scores, corrections, image = bottoms
    anchors = len(settings_of(params).anchors())
    demand(
        len(scores) == len(corrections) == 4,
        f"it takes scores and corrections of four axes, received {scores} and {corrections}",
    )
    demand(scores[0] == 1, f"it takes one image, received {scores[0]}")
    demand(
        (scores[1], corrections[1]) == (2 * anchors, 4 * anchors),
        f"{anchors} anchors take {2 * anchors} scores and {4 * anchors} corrections, "
        f"received {scores} and {corrections}",
    )
    demand(prod(image) >= 3, f"it reads the image's height, width and scale, received {image}")
    return Inferred(((POST_NMS_TOP_N, 5), (POST_NMS_TOP_N, 1))[:tops])


@maps(TYPE, wants="image")
def proposal(layer: Placed) -> Fragment:
    """The best regions that anchors and their corrections make.

    Caffe    scores (1, 2A, H, W), corrections (1, 4A, H, W), the image's height, width and scale;
             in param_str feat_stride and perhaps scales, ratios, base_size
    Keras    caffe2keras>Proposal; behind its scores Reshape
    Differs  of equal scores the first cell counts; there it is as the sorting has it
    Source   lib/rpn/proposal_layer.py in rbgirshick's py-faster-rcnn
    """
    settings = settings_of(layer.params)
    config = {
        "feat_stride": settings.feat_stride,
        "anchors": settings.anchors(),
        "min_size": MIN_SIZE,
        "pre_nms_topn": PRE_NMS_TOP_N,
        "post_nms_topn": POST_NMS_TOP_N,
        "nms_thresh": NMS_THRESH,
        "with_scores": len(layer.outputs) > 1,
        "drop_small": True,
        "one_scale": True,
        "adjacent": True,
        "data_format": layer.data_format,
    }
    main = KerasLayer("caffe2keras>Proposal", config)
    column = KerasLayer("Reshape", {"target_shape": [1]}, suffix="_column")
    calls = (
        Call(main, (FragmentInput(0), FragmentInput(1), FragmentInput(2))),
        Call(column, (FragmentOutput(0, 1),)),
    )[: len(layer.outputs)]
    outputs = (FragmentOutput(0), FragmentOutput(1))[: len(layer.outputs)]
    return Fragment(calls, outputs, (caffe_order(2),) * len(outputs), _notes(layer))


def _notes(layer: Placed) -> tuple[Note, ...]:
    texts = (
        f"of the {PRE_NMS_TOP_N} best regions {POST_NMS_TOP_N} remain at most, without those that "
        f"overlap a better one by more than {NMS_THRESH:g} or are smaller than {MIN_SIZE} pixels: "
        "cfg.TEST's numbers, which are not in the prototxt and stand at the top of the plugin",
        "how many regions there are depends on the values, so that JAX cannot compile the net",
    )
    return tuple(Note("decided", layer.name, text) for text in texts)


@computes(TYPE)
def proposal_in_numpy(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """What ``verify --oracle`` compares with."""
    settings = settings_of(layer.params)
    height, width, scale = bottoms[2].reshape(-1)[:3]
    limits = np.array([width, height, width, height]) - 1
    boxes = np.maximum(np.minimum(_moved(settings, bottoms[1]), limits), 0)
    sides = boxes[:, 2:] - boxes[:, :2] + 1
    scores = bottoms[0][0, bottoms[0].shape[1] // 2 :].transpose(1, 2, 0).reshape(-1)
    large = np.flatnonzero((sides >= MIN_SIZE * scale).all(axis=1))
    best = large[np.argsort(-scores[large], kind="stable")][:PRE_NMS_TOP_N]
    kept: list[int] = []
    for place in best:
        if (
            len(kept) < POST_NMS_TOP_N
            and (_overlaps(boxes[place], boxes[kept]) <= NMS_THRESH).all()
        ):
            kept.append(place)
    return (np.insert(boxes[kept], 0, 0, axis=1), scores[kept, None])[: len(layer.tops)]


def _moved(settings: Settings, corrections: Array) -> Array:
    """The corrected anchors, cell by cell: (H * W * A, 4) (bbox_transform.py)."""
    cells = np.indices(corrections.shape[2:]).reshape(2, -1)[[1, 0, 1, 0]].T * settings.feat_stride
    corners = (cells[:, None] + settings.anchors()).reshape(-1, 4).astype(corrections.dtype)
    dx, dy, dw, dh = corrections[0].transpose(1, 2, 0).reshape(-1, 4).T
    width, height = (corners[:, 2:] - corners[:, :2] + 1).T
    x, y = (dx + 0.5) * width + corners[:, 0], (dy + 0.5) * height + corners[:, 1]
    w, h = np.exp(dw) * width, np.exp(dh) * height
    return np.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], axis=1)


def _overlaps(box: Array, others: Array) -> Array:
    """Intersection over union; both ends of a side belong to it (nms/nms_kernel.cu)."""
    ends, starts = np.minimum(box, others)[:, 2:], np.maximum(box, others)[:, :2]
    common = np.maximum(ends - starts + 1, 0).prod(axis=1)
    own, areas = ((b[..., 2:] - b[..., :2] + 1).prod(axis=-1) for b in (box, others))
    answer: Array = common / (own + areas - common)
    return answer

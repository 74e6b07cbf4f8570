"""The regions that Faster R-CNN looks into."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe2keras.runtime.dialect import keras, ops, zip
from caffe2keras.runtime.spatial import channel_axis, resolve_data_format, spatial_axes
from caffe2keras.runtime.suppression import LOWEST, first_places, is_among_best, turns_of_kept

__all__ = ["Proposal"]


@keras.saving.register_keras_serializable(package="caffe2keras")
class Proposal(keras.Layer):
    """The best regions that anchors and their corrections make, image by image.

    Proposal, the C++ layer, as happynear's caffe-windows has it (proposal_layer.cpp); three
    options make it mini-caffe's, or py-faster-rcnn's, which is in Python (rpn/proposal_layer.py).
    Of equal scores the first cell counts, and in it the first anchor.

    How many regions there are depends on the values, so nothing behind this layer can know its
    batch; compilers that need every shape beforehand (XLA: jit) are told to keep away.

    Args:
        feat_stride: from cell to cell, in pixels of the net's input.
        anchors: the boxes around the first cell, each x1, y1, x2, y2 in those pixels.
        min_size: the least width and height of a region, in pixels of the image before it was
            resized.
        pre_nms_topn: how many regions of an image are looked at, the best ones.
        post_nms_topn: how many remain at most.
        nms_thresh: a region that overlaps a better one by more than this goes.
        with_scores: whether the scores are a second output.
        drop_small: whether a region below ``min_size`` goes; else it keeps its place, but its
            score is 0.
        one_scale: whether the image comes with one scale, of its height and its width.
        adjacent: whether regions that lie less than a pixel apart overlap.
        data_format: ``"channels_last"``, ``"channels_first"``, or None for Keras's own.

    Input shape:
        a list [scores, corrections, image]: (N, H, W, 2 * A), the objects' behind the
        backgrounds', and (N, H, W, 4 * A), A anchors, or both with the channels second; four
        numbers or more, the first ones the input's height, width and the two scales by which it
        was resized, its height's first. H and W must be known.

    Output shape:
        (R, 5): image, x1, y1, x2, y2; with ``with_scores`` a list of that and (R,).

    Example:
        >>> layer = Proposal(16, [[0, 0, 15, 31]], 16, 50, 7, 0.7, data_format="channels_last")
        >>> cells = keras.ops.zeros((1, 3, 5, 2)), keras.ops.zeros((1, 3, 5, 4))
        >>> layer([*cells, keras.ops.array([[48.0, 80.0, 1.0, 1.0]])]).shape[1]
        5
    """

    def __init__(
        self,
        feat_stride: int,
        anchors: Sequence[Sequence[float]],
        min_size: int,
        pre_nms_topn: int,
        post_nms_topn: int,
        nms_thresh: float,
        with_scores: bool = False,
        drop_small: bool = False,
        one_scale: bool = False,
        adjacent: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if pre_nms_topn < 1 or post_nms_topn < 1:
            raise ValueError(
                "`pre_nms_topn` and `post_nms_topn` must be at least 1. "
                f"Received: pre_nms_topn={pre_nms_topn}, post_nms_topn={post_nms_topn}"
            )
        self.feat_stride = int(feat_stride)
        self.anchors = [[float(end) for end in anchor] for anchor in anchors]
        self.min_size = int(min_size)
        self.pre_nms_topn = int(pre_nms_topn)
        self.post_nms_topn = int(post_nms_topn)
        self.nms_thresh = float(nms_thresh)
        self.with_scores = bool(with_scores)
        self.drop_small = bool(drop_small)
        self.one_scale = bool(one_scale)
        self.adjacent = bool(adjacent)
        self.data_format = resolve_data_format(data_format)
        # OpenVINO compiles open shapes, and without this would take a whole net for constants.
        self.supports_jit = keras.backend.backend() == "openvino"

    def _corners(self, shape: tuple[int | None, ...]) -> Any:
        """The anchors of every cell, (cells * A, 4)."""
        height, width = (shape[axis] for axis in spatial_axes(4, self.data_format))
        y, x = np.mgrid[:height, :width] * self.feat_stride
        shifts = np.stack([x, y, x, y], axis=-1)[:, :, None]
        return (shifts + np.array(self.anchors)).reshape(-1, 4).astype("float32")

    def call(self, inputs: Sequence[keras.KerasTensor]) -> Any:
        """The regions, and their scores if they are wanted."""
        scores, corrections, image = inputs
        corners = self._corners(scores.shape)
        if self.data_format == "channels_first":
            scores, corrections = (ops.transpose(x, (0, 2, 3, 1)) for x in (scores, corrections))
        size = len(corners)
        scores = ops.reshape(scores[..., len(self.anchors) :], (-1, size))
        moves = ops.reshape(corrections, (-1, size, 4))
        image = ops.reshape(image, (-1,))
        least = self.min_size * ops.stack([image[2 if self.one_scale else 3], image[2]])
        boxes, large = _boxes(moves, ops.convert_to_tensor(corners), image, least)
        scores = ops.where(large, scores, LOWEST if self.drop_small else 0.0)
        looked_at = min(self.pre_nms_topn, size)
        best = is_among_best(scores, looked_at, size)
        places, _ = first_places(ops.arange(size, dtype="int32"), best, looked_at, size)
        return self._remaining(*_at(places, boxes, scores), looked_at)

    def _remaining(self, boxes: keras.KerasTensor, scores: keras.KerasTensor, size: int) -> Any:
        turns = min(self.post_nms_topn, size)
        overlap = _overlap if self.adjacent else _overlap_of_touching
        kept = turns_of_kept(boxes, scores, overlap, [self.nms_thresh], size, turns)
        places, found = first_places(kept, kept < turns, turns, turns)
        boxes, scores = _at(places, boxes, scores)
        image = ops.cast(ops.cumsum(ops.ones_like(scores), axis=0) - 1, scores.dtype)
        regions = ops.concatenate([image[..., None], boxes], axis=-1)
        rows = ops.cast(ops.nonzero(ops.reshape(found, (-1,)))[0], "int32")
        regions = ops.take(ops.reshape(regions, (-1, 5)), rows, axis=0)
        if not self.with_scores:
            return regions
        return [regions, ops.take(ops.reshape(scores, (-1,)), rows, axis=0)]

    def compute_output_shape(self, input_shape: Sequence[tuple[int | None, ...]]) -> Any:
        """(R, 5), R unknown, and (R,) if the scores are wanted.

        Raises:
            ValueError: when H or W is not known, or the channels do not fit the anchors.
        """
        anchors, channel = len(self.anchors), channel_axis(4, self.data_format)
        if None in input_shape[0][1:]:
            raise ValueError(f"H and W must be known. Received: input_shape={input_shape}")
        for shape, each in zip(input_shape, (2, 4), strict=False):
            if len(shape) != 4 or shape[channel] not in (None, each * anchors):
                raise ValueError(
                    f"{anchors} anchors take {each * anchors} channels. "
                    f"Received: input_shape={input_shape}"
                )
        return [(None, 5), (None,)] if self.with_scores else (None, 5)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "feat_stride": self.feat_stride,
            "anchors": self.anchors,
            "min_size": self.min_size,
            "pre_nms_topn": self.pre_nms_topn,
            "post_nms_topn": self.post_nms_topn,
            "nms_thresh": self.nms_thresh,
            "with_scores": self.with_scores,
            "drop_small": self.drop_small,
            "one_scale": self.one_scale,
            "adjacent": self.adjacent,
            "data_format": self.data_format,
        }


def _boxes(
    moves: keras.KerasTensor,
    corners: keras.KerasTensor,
    image: keras.KerasTensor,
    least: keras.KerasTensor,
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """The corrected corners, (N, boxes, 4), and whether each box is large enough."""
    size = corners[:, 2:] - corners[:, :2] + 1
    centre = moves[..., :2] * size + (corners[:, :2] + size / 2)
    half = ops.exp(moves[..., 2:]) * size / 2
    boxes = ops.concatenate([centre - half, centre + half], axis=-1)
    extent = ops.stack([image[1], image[0]])
    boxes = ops.maximum(ops.minimum(boxes, ops.tile(extent - 1, 2)), 0.0)
    large = boxes[..., 2:] - boxes[..., :2] + 1 >= least
    return boxes, ops.logical_and(large[..., 0], large[..., 1])


def _at(
    places: keras.KerasTensor, boxes: keras.KerasTensor, scores: keras.KerasTensor
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    return (
        ops.take_along_axis(boxes, places[..., None], axis=1),
        ops.take_along_axis(scores, places, axis=1),
    )


def _overlap(box: keras.KerasTensor, others: keras.KerasTensor) -> keras.KerasTensor:
    """Intersection over union, both ends of a side belonging to it."""
    sides = ops.maximum(_common(box, others) + 1, 0.0)
    common = sides[..., 0] * sides[..., 1]
    return common / (_area(box) + _area(others) - common)


def _overlap_of_touching(box: keras.KerasTensor, others: keras.KerasTensor) -> keras.KerasTensor:
    """The same, but boxes less than a pixel apart do not overlap for all that (util/nms.cpp)."""
    touching = ops.all(_common(box, others) >= 0, axis=-1)
    return ops.where(touching, _overlap(box, others), 0.0)


def _common(box: keras.KerasTensor, others: keras.KerasTensor) -> keras.KerasTensor:
    """How far two boxes share an x and a y, (..., 2); negative where they are apart."""
    ends = ops.minimum(box[..., 2:], others[..., 2:])
    return ends - ops.maximum(box[..., :2], others[..., :2])


def _area(boxes: keras.KerasTensor) -> keras.KerasTensor:
    sides = boxes[..., 2:] - boxes[..., :2] + 1
    return sides[..., 0] * sides[..., 1]

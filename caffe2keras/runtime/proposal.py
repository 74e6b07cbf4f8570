"""The regions that Faster R-CNN looks into."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from caffe2keras.runtime.spatial import channel_axis, resolve_data_format, spatial_axes
from caffe2keras.runtime.suppression import first_places, is_among_best, turns_of_kept

__all__ = ["Proposal"]


@keras.saving.register_keras_serializable(package="caffe2keras")
class Proposal(keras.Layer):
    """The best regions that anchors and their corrections make, image by image.

    Proposal, the C++ layer (proposal_layer.cpp in happynear's caffe-windows; py-faster-rcnn has
    it in Python). A region too small for the image's scale keeps its place, but its score is 0.
    Of equal scores the first cell counts, and in it the first anchor.

    How many regions there are depends on the values, so nothing behind this layer can know its
    batch; compilers that need every shape beforehand (XLA: jit) are told to keep away.

    Args:
        feat_stride: from cell to cell, in pixels of the net's input.
        base_size: an anchor's side in pixels, before it is scaled.
        min_size: the least width and height of a region, in pixels of the image before it was
            resized.
        ratios: of the anchors' height to width.
        scales: of the anchors' sides.
        pre_nms_topn: how many regions of an image are looked at, the best ones.
        post_nms_topn: how many remain at most.
        nms_thresh: a region that overlaps a better one by more than this goes.
        with_scores: whether the scores are a second output.
        data_format: ``"channels_last"``, ``"channels_first"``, or None for Keras's own.

    Input shape:
        a list [scores, corrections, image]: (N, H, W, 2 * A), the objects' behind the
        backgrounds', and (N, H, W, 4 * A), A anchors, or both with the channels second; four
        numbers or more, the first ones the input's height, width and the two scales by which it
        was resized. H and W must be known.

    Output shape:
        (R, 5): image, x1, y1, x2, y2; with ``with_scores`` a list of that and (R,).

    Example:
        >>> layer = Proposal(16, 16, 16, [1.0], [8.0], 50, 7, 0.7, data_format="channels_last")
        >>> cells = keras.ops.zeros((1, 3, 5, 2)), keras.ops.zeros((1, 3, 5, 4))
        >>> layer([*cells, keras.ops.array([[48.0, 80.0, 1.0, 1.0]])]).shape[1]
        5
    """

    def __init__(
        self,
        feat_stride: int,
        base_size: int,
        min_size: int,
        ratios: Sequence[float],
        scales: Sequence[float],
        pre_nms_topn: int,
        post_nms_topn: int,
        nms_thresh: float,
        with_scores: bool = False,
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
        self.base_size = int(base_size)
        self.min_size = int(min_size)
        self.ratios = [float(ratio) for ratio in ratios]
        self.scales = [float(scale) for scale in scales]
        self.pre_nms_topn = int(pre_nms_topn)
        self.post_nms_topn = int(post_nms_topn)
        self.nms_thresh = float(nms_thresh)
        self.with_scores = bool(with_scores)
        self.data_format = resolve_data_format(data_format)
        # OpenVINO compiles open shapes, and without this would take a whole net for constants.
        self.supports_jit = keras.backend.backend() == "openvino"

    def _corners(self, shape: tuple[int | None, ...]) -> Any:
        """The anchors of every cell, (cells * A, 4)."""
        height, width = (shape[axis] for axis in spatial_axes(4, self.data_format))
        y, x = np.mgrid[:height, :width] * self.feat_stride
        shifts = np.stack([x, y, x, y], axis=-1)[:, :, None]
        return (shifts + self._anchors()).reshape(-1, 4).astype("float32")

    def _anchors(self) -> Any:
        """The boxes around the first cell, (A, 4), in Caffe's single precision."""
        ratios, scales = np.array(self.ratios, "float32"), np.array(self.scales, "float32")
        widths = np.sqrt(np.float32(self.base_size**2) / ratios)
        sides = np.stack([widths, widths * ratios], axis=-1)[:, None] * scales[:, None]
        # Caffe goes on in double precision here.
        reach = np.trunc(sides.astype("float64") / self.base_size - 0.5) / 2
        reach = reach.reshape(-1, 2)
        centre = (self.base_size - 1) / 2
        return np.concatenate([centre - reach, centre + reach], axis=1)

    def call(self, inputs: Sequence[keras.KerasTensor]) -> Any:
        """The regions, and their scores if they are wanted."""
        scores, corrections, image = inputs
        corners = self._corners(scores.shape)
        if self.data_format == "channels_first":
            scores, corrections = (ops.transpose(x, (0, 2, 3, 1)) for x in (scores, corrections))
        size, anchors = len(corners), len(self.ratios) * len(self.scales)
        scores = ops.reshape(scores[..., anchors:], (-1, size))
        moves = ops.reshape(corrections, (-1, size, 4))
        boxes, large = _boxes(
            moves, ops.convert_to_tensor(corners), ops.reshape(image, (-1,)), self.min_size
        )
        scores = ops.where(large, scores, 0.0)
        looked_at = min(self.pre_nms_topn, size)
        best = is_among_best(scores, looked_at, size)
        places, _ = first_places(ops.arange(size, dtype="int32"), best, looked_at, size)
        return self._remaining(*_at(places, boxes, scores), looked_at)

    def _remaining(self, boxes: keras.KerasTensor, scores: keras.KerasTensor, size: int) -> Any:
        turns = min(self.post_nms_topn, size)
        kept = turns_of_kept(boxes, scores, _overlap, [self.nms_thresh], size, turns)
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
        anchors, channel = len(self.ratios) * len(self.scales), channel_axis(4, self.data_format)
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
            "base_size": self.base_size,
            "min_size": self.min_size,
            "ratios": self.ratios,
            "scales": self.scales,
            "pre_nms_topn": self.pre_nms_topn,
            "post_nms_topn": self.post_nms_topn,
            "nms_thresh": self.nms_thresh,
            "with_scores": self.with_scores,
            "data_format": self.data_format,
        }


def _boxes(
    moves: keras.KerasTensor, corners: keras.KerasTensor, image: keras.KerasTensor, min_size: int
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """The corrected corners, (N, boxes, 4), and whether each box is large enough."""
    size = corners[:, 2:] - corners[:, :2] + 1
    centre = moves[..., :2] * size + (corners[:, :2] + size / 2)
    half = ops.exp(moves[..., 2:]) * size / 2
    boxes = ops.concatenate([centre - half, centre + half], axis=-1)
    extent = ops.stack([image[1], image[0]])
    boxes = ops.maximum(ops.minimum(boxes, ops.tile(extent - 1, 2)), 0.0)
    large = boxes[..., 2:] - boxes[..., :2] + 1 >= min_size * ops.stack([image[3], image[2]])
    return boxes, ops.logical_and(large[..., 0], large[..., 1])


def _at(
    places: keras.KerasTensor, boxes: keras.KerasTensor, scores: keras.KerasTensor
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    return (
        ops.take_along_axis(boxes, places[..., None], axis=1),
        ops.take_along_axis(scores, places, axis=1),
    )


def _overlap(box: keras.KerasTensor, others: keras.KerasTensor) -> keras.KerasTensor:
    """Intersection over union, both ends of a side belonging to it (util/nms.cpp)."""
    sides = ops.minimum(box[..., 2:], others[..., 2:]) - ops.maximum(box[..., :2], others[..., :2])
    # Boxes less than a pixel apart do not overlap for all that.
    apart = ops.logical_or(sides[..., 0] < 0, sides[..., 1] < 0)
    common = ops.where(apart, 0.0, (sides[..., 0] + 1) * (sides[..., 1] + 1))
    return common / (_area(box) + _area(others) - common)


def _area(boxes: keras.KerasTensor) -> keras.KerasTensor:
    sides = boxes[..., 2:] - boxes[..., :2] + 1
    return sides[..., 0] * sides[..., 1]

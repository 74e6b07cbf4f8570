"""SSD's last layer: boxes from what the net says of its priors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe2keras.runtime.dialect import keras, ops
from caffe2keras.runtime.suppression import (
    LOWEST,
    first_places,
    is_among_best,
    rows_of_minus_one,
    turns_of_kept,
)

__all__ = ["DetectionOutput"]

_CODES = ("corner", "center_size", "corner_size")


@keras.saving.register_keras_serializable(package="caffe2keras")
class DetectionOutput(keras.Layer):
    """The boxes that remain after suppression, class by class, each with its score.

    SSD's DetectionOutput (detection_output_layer.cpp and bbox_util.cpp in weiliu89's fork). How
    many remain depends on the values, but the output has a fixed number of rows for each image,
    so that every compiler can take it: Caffe's rows come first, in Caffe's order, and rows of -1
    fill what is left. Where nothing at all is found, every image has a row that is -1 but for
    its number, as in Caffe. Of equal scores the first prior counts.

    Args:
        num_classes: how many, the background included.
        background_label_id: the class that is not looked for; -1 for none.
        share_location: whether all classes have a box in common.
        code_type: what the locations say of a prior: ``"corner"`` moves its corners,
            ``"corner_size"`` does in units of its size, ``"center_size"`` moves its centre and
            stretches it.
        variance_encoded_in_target: whether the priors' variances are in the locations already.
        confidence_threshold: a score must be greater.
        top_k: how many boxes of a class are looked at, the best ones; -1 for all.
        nms_threshold: a box that overlaps a better one by more than this goes.
        eta: by what the threshold is multiplied after each box kept, while it is above 0.5.
        keep_top_k: how many boxes of an image remain, the best ones; -1 for all.

    Input shape:
        a list [locations, scores, priors]: N images, P priors known in number, C classes;
        (N, P * 4) or (N, P * C * 4), each class's box by itself; (N, P * C); (1, 2, P * 4),
        corners and variances.

    Output shape:
        (1, 1, N * rows, 7): image, label, score, xmin, ymin, xmax, ymax. There are ``keep_top_k``
        rows for each image, or as many as can be found if that is fewer.

    Example:
        >>> layer = DetectionOutput(num_classes=2, keep_top_k=5)
        >>> shapes = (3, 28), (3, 14), (1, 2, 28)
        >>> layer([keras.ops.ones(shape) for shape in shapes]).shape
        (1, 1, 15, 7)
    """

    def __init__(
        self,
        num_classes: int,
        background_label_id: int = 0,
        share_location: bool = True,
        code_type: str = "corner",
        variance_encoded_in_target: bool = False,
        confidence_threshold: float = LOWEST,
        top_k: int = -1,
        nms_threshold: float = 0.3,
        eta: float = 1.0,
        keep_top_k: int = -1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if code_type not in _CODES:
            raise ValueError(
                f"`code_type` must be one of {', '.join(_CODES)}. Received: code_type={code_type!r}"
            )
        if top_k == 0 or keep_top_k == 0:
            raise ValueError(
                "`top_k` and `keep_top_k` must not be 0, for then nothing is ever found. "
                f"Received: top_k={top_k}, keep_top_k={keep_top_k}"
            )
        self.num_classes = int(num_classes)
        self.background_label_id = int(background_label_id)
        self.share_location = bool(share_location)
        self.code_type = code_type
        self.variance_encoded_in_target = bool(variance_encoded_in_target)
        self.confidence_threshold = float(confidence_threshold)
        self.top_k = int(top_k)
        self.nms_threshold = float(nms_threshold)
        self.eta = float(eta)
        self.keep_top_k = int(keep_top_k)
        self._labels = [c for c in range(num_classes) if c != background_label_id]

    def call(self, inputs: Sequence[keras.KerasTensor]) -> keras.KerasTensor:
        """The rows."""
        # Not counted in build: Keras hands on the shapes that a saved model was built for.
        count = self._number_of_priors([x.shape for x in inputs])
        looked_at = _at_most(self.top_k, count)
        turns = _at_most(self.keep_top_k, looked_at)
        locations, scores, priors = inputs
        boxes = self._decoded(locations, priors, count)
        scores = ops.reshape(scores, (-1, count, self.num_classes))
        scores = ops.transpose(ops.take(scores, self._labels, axis=2), (0, 2, 1))
        scores = ops.where(scores > self.confidence_threshold, scores, LOWEST)
        if looked_at < count:
            boxes, scores = _best(boxes, scores, looked_at, count)
        thresholds = self._thresholds(turns)
        kept = turns_of_kept(boxes, scores, _overlap, thresholds, looked_at, turns)
        return self._listed(boxes, scores, kept, looked_at, turns)

    def _decoded(
        self, locations: keras.KerasTensor, priors: keras.KerasTensor, count: int
    ) -> keras.KerasTensor:
        """The boxes' corners, (N, places, priors, 4); one place, or one for each label."""
        priors = ops.reshape(priors, (2, count, 4))
        corners, variances = priors[0], priors[1]
        places = 1 if self.share_location else self.num_classes
        moves = ops.reshape(locations, (-1, count, places, 4))
        moves = ops.transpose(moves, (0, 2, 1, 3))
        if not self.share_location:
            moves = ops.take(moves, self._labels, axis=1)
        if not self.variance_encoded_in_target:
            moves = moves * variances
        if self.code_type == "corner":
            return corners + moves
        low, high = corners[:, :2], corners[:, 2:]
        size = high - low
        if self.code_type == "corner_size":
            return corners + moves * ops.concatenate([size, size], axis=-1)
        centre = moves[..., :2] * size + (low + high) / 2
        half = ops.exp(moves[..., 2:]) * size / 2
        return ops.concatenate([centre - half, centre + half], axis=-1)

    def _thresholds(self, turns: int) -> list[float]:
        """What suppresses after one box, two, ..., in Caffe's single precision."""
        threshold, eta = np.float32(self.nms_threshold), np.float32(self.eta)
        thresholds: list[float] = []
        while eta < 1 and threshold > 0.5 and len(thresholds) < turns:
            threshold = threshold * eta
            thresholds.append(float(threshold))
        return thresholds or [self.nms_threshold]

    def _listed(
        self,
        boxes: keras.KerasTensor,
        scores: keras.KerasTensor,
        kept: keras.KerasTensor,
        looked_at: int,
        turns: int,
    ) -> keras.KerasTensor:
        """Each image's best ``keep_top_k``, by label and, within a label, by falling score."""
        labels, size = len(self._labels), len(self._labels) * looked_at
        rows = _at_most(self.keep_top_k, size)
        order = kept + ops.arange(labels, dtype="int32")[:, None] * turns
        found = ops.reshape(kept < turns, (-1, size))
        final = ops.where(found, ops.reshape(scores, (-1, size)), LOWEST)
        found = ops.logical_and(found, is_among_best(final, rows, size))
        order = ops.reshape(order, (-1, size))
        places, found = first_places(order, found, rows, labels * turns)
        boxes = ops.reshape(boxes + ops.zeros_like(scores)[..., None], (-1, size, 4))
        columns = [
            ops.cast(ops.take(self._labels, places // looked_at), "float32")[..., None],
            ops.take_along_axis(final, places, axis=1)[..., None],
            ops.take_along_axis(boxes, places[..., None], axis=1),
        ]
        return _compacted(found, ops.concatenate(columns, axis=-1), rows)

    def _number_of_priors(self, input_shape: Sequence[tuple[int | None, ...]]) -> int:
        locations, scores, priors = input_shape
        if len(priors) < 3 or priors[2] is None:
            raise ValueError(
                "The priors must be (1, 2, P * 4) with P known. "
                f"Received: input_shape={input_shape}"
            )
        count = priors[2] // 4
        places = 1 if self.share_location else self.num_classes
        for shape, wanted in ((locations, count * places * 4), (scores, count * self.num_classes)):
            if shape[1] not in (None, wanted):
                raise ValueError(
                    f"{count} priors take {wanted} values. Received: input_shape={input_shape}"
                )
        return count

    def compute_output_shape(
        self, input_shape: Sequence[tuple[int | None, ...]]
    ) -> tuple[int | None, ...]:
        """(1, 1, N * rows, 7).

        Raises:
            ValueError: when the number of priors is not known, or the inputs do not fit it.
        """
        looked_at = _at_most(self.top_k, self._number_of_priors(input_shape))
        batch = input_shape[1][0]
        rows = _at_most(self.keep_top_k, len(self._labels) * looked_at)
        return 1, 1, None if batch is None else batch * rows, 7

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "background_label_id": self.background_label_id,
            "share_location": self.share_location,
            "code_type": self.code_type,
            "variance_encoded_in_target": self.variance_encoded_in_target,
            "confidence_threshold": self.confidence_threshold,
            "top_k": self.top_k,
            "nms_threshold": self.nms_threshold,
            "eta": self.eta,
            "keep_top_k": self.keep_top_k,
        }


def _at_most(limit: int, number: int) -> int:
    return number if limit < 0 else min(limit, number)


def _best(
    boxes: keras.KerasTensor, scores: keras.KerasTensor, count: int, size: int
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Each class's ``count`` best of ``size``, in the priors' order."""
    place = ops.arange(size, dtype="int32")
    places, _ = first_places(place, is_among_best(scores, count, size), count, size)
    return (
        ops.take_along_axis(boxes, places[..., None], axis=2),
        ops.take_along_axis(scores, places, axis=2),
    )


def _compacted(
    found: keras.KerasTensor, columns: keras.KerasTensor, rows: int
) -> keras.KerasTensor:
    """The rows of all images one behind the other, those that are found first."""
    images = ops.shape(found)[0]
    place = ops.arange(images * rows, dtype="int32")
    found, columns = ops.reshape(found, (-1,)), ops.reshape(columns, (-1, 6))
    order = ops.argsort(ops.where(found, place, place + images * rows))
    found, columns = ops.take(found, order, axis=0), ops.take(columns, order, axis=0)
    return rows_of_minus_one(images, order // rows, found, columns)


def _overlap(box: keras.KerasTensor, others: keras.KerasTensor) -> keras.KerasTensor:
    """Intersection over union (JaccardOverlap); a box that is turned over has no area."""
    sides = ops.minimum(box[..., 2:], others[..., 2:]) - ops.maximum(box[..., :2], others[..., :2])
    common = ops.maximum(sides[..., 0], 0.0) * ops.maximum(sides[..., 1], 0.0)
    union = _area(box) + _area(others) - common
    return ops.where(common > 0, common / ops.where(common > 0, union, 1.0), 0.0)


def _area(boxes: keras.KerasTensor) -> keras.KerasTensor:
    sides = ops.maximum(boxes[..., 2:] - boxes[..., :2], 0.0)
    return sides[..., 0] * sides[..., 1]

"""YOLO's last layers: boxes from what each cell of a map says of its anchors.

The versions of eric612's MobileNet-YOLO throw all images of a batch into one suppression, and all
classes too, and call every image 0. That is kept, as Caffe's numbers are; a batch of one is what
they are for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from caffe2keras.runtime.dialect import keras, ops, prod, zip
from caffe2keras.runtime.spatial import channel_axis, resolve_data_format
from caffe2keras.runtime.suppression import (
    LOWEST,
    first_places,
    rows_of_minus_one,
    turns_of_kept,
)

if TYPE_CHECKING:
    from typing import TypeAlias

__all__ = ["YoloDetectionOutput", "Yolov3DetectionOutput"]

# label, score, box (centre x and y, width, height), each (boxes, ...)
Found: TypeAlias = "tuple[keras.KerasTensor, keras.KerasTensor, keras.KerasTensor]"


class _Detections(keras.Layer):
    """What both versions have in common: maps -> boxes -> suppression -> rows."""

    def __init__(
        self,
        num_classes: int,
        num_box: int,
        biases: Sequence[float],
        confidence_threshold: float,
        nms_threshold: float,
        data_format: str | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_classes = int(num_classes)
        self.num_box = int(num_box)
        self.biases = [float(bias) for bias in biases]
        self.confidence_threshold = float(confidence_threshold)
        self.nms_threshold = float(nms_threshold)
        self.data_format = resolve_data_format(data_format)
        self._anchors = np.array(self.biases, "float32").reshape(-1, 2)

    def build(self, input_shape: Any) -> None:
        """Takes the number of images, which OpenVINO's tensors do not tell later on.

        Raises:
            ValueError: when it is not known.
        """
        (self._images,) = {shape[0] for shape in _as_list(input_shape)}
        if self._images is None:
            raise ValueError(f"The batch must be known. Received: input_shape={input_shape}")

    def call(self, inputs: Any) -> keras.KerasTensor:
        """The rows."""
        maps = [self._by_box(x) for x in _as_list(inputs)]
        size = self._images * sum(prod(values.shape[1:4]) for values in maps)
        parts = [self._of_one_map(index, values) for index, values in enumerate(maps)]
        label, score, boxes = (ops.concatenate(part, axis=0) for part in zip(*parts, strict=True))
        kept = turns_of_kept(
            boxes, score, _overlap, [self.nms_threshold], size, size, inclusive=True
        )
        places, found = first_places(kept, kept < size, size, size)
        centre, half = boxes[:, :2], boxes[:, 2:] / 2
        columns = [ops.stack([label, score], axis=-1), centre - half, centre + half]
        rows = ops.take(ops.concatenate(columns, axis=-1), places, axis=0)
        return rows_of_minus_one(self._images, ops.zeros_like(places), found, rows)

    def _by_box(self, x: keras.KerasTensor) -> keras.KerasTensor:
        """A map as (N, H, W, boxes, values)."""
        if self.data_format == "channels_first":
            x = ops.transpose(x, (0, 2, 3, 1))
        height, width, channels = x.shape[1:]
        return ops.reshape(x, (-1, height, width, self.num_box, channels // self.num_box))

    def _of_one_map(self, index: int, values: keras.KerasTensor) -> Found:
        raise NotImplementedError

    def _boxes_of(self, values: keras.KerasTensor, anchors: Any, scale: int) -> keras.KerasTensor:
        """Centre and size of each box, as shares of the image.

        Args:
            values: (N, H, W, boxes, values).
            anchors: (boxes, 2), width and height.
            scale: how much of their unit a cell is.
        """
        height, width = values.shape[1:3]
        y, x = np.mgrid[:height, :width].astype("float32")
        cells = ops.convert_to_tensor(np.stack([x, y], axis=-1)[:, :, None])
        extent = np.array([width, height], "float32")
        centres = (ops.sigmoid(values[..., :2]) + cells) / ops.convert_to_tensor(extent)
        shares = anchors / (extent * np.float32(scale))
        sizes = ops.exp(values[..., 2:4]) * ops.convert_to_tensor(shares)
        return ops.reshape(ops.concatenate([centres, sizes], axis=-1), (-1, 4))

    def _likely(self, score: keras.KerasTensor, likely: keras.KerasTensor) -> keras.KerasTensor:
        return ops.reshape(ops.where(likely, score, LOWEST), (-1,))

    def _number_of_boxes(self, shapes: Sequence[tuple[int | None, ...]]) -> int | None:
        channel = channel_axis(4, self.data_format)
        count = 0
        for shape in shapes:
            if len(shape) != 4 or (shape[channel] or 0) % self.num_box:
                raise ValueError(
                    f"Expected maps of 4 axes, their channels a multiple of {self.num_box}. "
                    f"Received: {shapes}"
                )
            sizes = [size for axis, size in enumerate(shape) if axis != channel]
            if None in sizes:
                return None
            count += prod(size for size in sizes if size is not None) * self.num_box
        return count

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """(1, 1, boxes, 7), as many boxes as there are in all maps of all images.

        Raises:
            ValueError: when the maps' channels do not make whole boxes.
        """
        return 1, 1, self._number_of_boxes(_as_list(input_shape)), 7

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "num_box": self.num_box,
            "biases": self.biases,
            "confidence_threshold": self.confidence_threshold,
            "nms_threshold": self.nms_threshold,
            "data_format": self.data_format,
        }


@keras.saving.register_keras_serializable(package="caffe2keras")
class YoloDetectionOutput(_Detections):
    """The boxes of YOLO, version 2, that remain after suppression, best first.

    YoloDetectionOutput in eric612's MobileNet-YOLO (yolo_detection_output_layer.cpp). A box has
    its likeliest class; its score is that class's share times the object's probability. There is
    a row for every box that could be found, -1 behind those that are.

    Args:
        num_classes: how many.
        num_box: how many anchors a cell has.
        biases: the anchors' widths and heights in cells, one after the other.
        confidence_threshold: the least score.
        nms_threshold: a box that overlaps a better one by as much as this goes.
        data_format: ``"channels_last"``, ``"channels_first"``, or None for Keras's own.

    Input shape:
        one map or a list of them, (N, S, S, num_box * (5 + num_classes)), or with the channels
        second, all sizes known; a box's values are x, y, width, height, object, classes.

    Output shape:
        (1, 1, boxes, 7): 0, label from 1, score, xmin, ymin, xmax, ymax as shares of the image.

    Example:
        >>> layer = YoloDetectionOutput(3, 1, [1.0, 2.0], data_format="channels_last")
        >>> layer(keras.ops.ones((1, 4, 4, 8))).shape
        (1, 1, 16, 7)
    """

    def __init__(
        self,
        num_classes: int,
        num_box: int,
        biases: Sequence[float],
        confidence_threshold: float = 0.01,
        nms_threshold: float = 0.45,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            num_classes,
            num_box,
            biases,
            confidence_threshold,
            nms_threshold,
            data_format,
            **kwargs,
        )

    def _of_one_map(self, index: int, values: keras.KerasTensor) -> Found:
        boxes = self._boxes_of(values, self._anchors[: self.num_box], 1)
        share = ops.softmax(values[..., 5 : 5 + self.num_classes], axis=-1)
        score = ops.sigmoid(values[..., 4]) * ops.max(share, axis=-1)
        label = ops.cast(ops.reshape(ops.argmax(share, axis=-1), (-1,)), "float32") + 1
        return label, self._likely(score, score >= self.confidence_threshold), boxes


@keras.saving.register_keras_serializable(package="caffe2keras")
class Yolov3DetectionOutput(_Detections):
    """The boxes of YOLO, version 3, that remain after suppression, best first.

    Yolov3DetectionOutput in eric612's MobileNet-YOLO (yolov3_detection_output_layer.cpp). A
    class's score is its probability times the object's. Suppression does not ask for classes, so
    of a box's own classes only the likeliest ever remains. There is a row for every box that
    could be found, -1 behind those that are.

    Args:
        num_classes: how many.
        num_box: how many anchors a cell has.
        biases: the anchors' widths and heights in pixels of the net's input, one after the other.
        masks: for each map, which of the anchors its cells have.
        anchors_scale: for each map, how many pixels of the input a cell is.
        confidence_threshold: a score must be greater.
        nms_threshold: a box that overlaps a better one by as much as this goes; below 1.
        data_format: ``"channels_last"``, ``"channels_first"``, or None for Keras's own.

    Input shape:
        one map or a list of them, (N, H, W, num_box * (5 + num_classes)), or with the channels
        second, all sizes known; a box's values are x, y, width, height, object, classes.

    Output shape:
        (1, 1, boxes, 7): 0, label from 1, score, xmin, ymin, xmax, ymax as shares of the image.

    Example:
        >>> layer = Yolov3DetectionOutput(3, 1, [9.0, 20.0], [[0]], [8])
        >>> layer(keras.ops.ones((1, 4, 6, 8))).shape  # channels_last
        (1, 1, 24, 7)
    """

    def __init__(
        self,
        num_classes: int,
        num_box: int,
        biases: Sequence[float],
        masks: Sequence[Sequence[int]],
        anchors_scale: Sequence[int],
        confidence_threshold: float = 0.01,
        nms_threshold: float = 0.45,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            num_classes,
            num_box,
            biases,
            confidence_threshold,
            nms_threshold,
            data_format,
            **kwargs,
        )
        if nms_threshold >= 1:
            raise ValueError(
                f"`nms_threshold` must be below 1. Received: nms_threshold={nms_threshold}"
            )
        self.masks = [[int(anchor) for anchor in mask] for mask in masks]
        self.anchors_scale = [int(scale) for scale in anchors_scale]

    def _of_one_map(self, index: int, values: keras.KerasTensor) -> Found:
        anchors = self._anchors[self.masks[index]]
        boxes = self._boxes_of(values, anchors, self.anchors_scale[index])
        classes = ops.sigmoid(values[..., 5 : 5 + self.num_classes])
        score = ops.max(classes, axis=-1) * ops.sigmoid(values[..., 4])
        label = ops.cast(ops.reshape(ops.argmax(classes, axis=-1), (-1,)), "float32") + 1
        return label, self._likely(score, score > self.confidence_threshold), boxes

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "masks": self.masks,
            "anchors_scale": self.anchors_scale,
        }


def _as_list(inputs: Any) -> list[Any]:
    """One map, or its shape, as a list of one."""
    one = hasattr(inputs, "shape") or isinstance(inputs[0], (int, type(None)))
    return [inputs] if one else list(inputs)


def _overlap(box: keras.KerasTensor, others: keras.KerasTensor) -> keras.KerasTensor:
    """Intersection over union of boxes given as centre and size."""
    low = ops.maximum(box[..., :2] - box[..., 2:] / 2, others[..., :2] - others[..., 2:] / 2)
    high = ops.minimum(box[..., :2] + box[..., 2:] / 2, others[..., :2] + others[..., 2:] / 2)
    sides = high - low
    apart = ops.logical_or(sides[..., 0] < 0, sides[..., 1] < 0)
    common = ops.where(apart, 0.0, sides[..., 0] * sides[..., 1])
    return common / (box[..., 2] * box[..., 3] + others[..., 2] * others[..., 3] - common)

"""SSD's priors: the boxes that each cell of a feature map starts from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from caffe2keras.runtime.dialect import keras, ops
from caffe2keras.runtime.spatial import resolve_data_format, spatial_axes

__all__ = ["PriorBox"]


@keras.saving.register_keras_serializable(package="caffe2keras")
class PriorBox(keras.Layer):
    """Boxes of every wanted shape around every cell, and the variances of their coordinates.

    SSD's PriorBox (prior_box_layer.cpp in weiliu89's fork). Only the sizes of the inputs matter,
    not their values. For each of ``min_sizes``, in turn, a cell has a square of that size, a
    square of the size between it and its ``max_sizes``, and a box of its area for each of
    ``aspect_ratios``; sizes are cut to whole pixels.

    Args:
        min_sizes: in pixels.
        max_sizes: none, or one for each of ``min_sizes``.
        aspect_ratios: of width to height, other than 1, in order.
        variances: one for all coordinates, or four.
        clip: whether boxes end at the image's edge.
        image_size: (height, width) in pixels; None for the second input's.
        steps: from cell to cell, (down, across), in pixels; None to spread the cells evenly.
        offset: of a cell's centre from its corner, in cells.
        data_format: ``"channels_last"``, ``"channels_first"``, or None for Keras's own.

    Input shape:
        a list [features, image], both (N, H, W, C) or (N, C, H, W).

    Output shape:
        (1, 2, H * W * boxes * 4): xmin, ymin, xmax, ymax as shares of the image, cell by cell in
        rows; behind them the variances.

    Example:
        >>> layer = PriorBox([30.0], [60.0], [2.0, 0.5], data_format="channels_last")
        >>> layer([keras.ops.ones((1, 5, 7, 8)), keras.ops.ones((1, 80, 112, 3))]).shape
        (1, 2, 560)
    """

    def __init__(
        self,
        min_sizes: Sequence[float],
        max_sizes: Sequence[float] = (),
        aspect_ratios: Sequence[float] = (),
        variances: Sequence[float] = (0.1,),
        clip: bool = False,
        image_size: Sequence[int] | None = None,
        steps: Sequence[float] | None = None,
        offset: float = 0.5,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not min_sizes or len(max_sizes) not in (0, len(min_sizes)):
            raise ValueError(
                "There must be `min_sizes`, and none or as many of `max_sizes`. "
                f"Received: min_sizes={min_sizes}, max_sizes={max_sizes}"
            )
        if len(variances) not in (1, 4):
            raise ValueError(
                f"`variances` must be one number or four. Received: variances={variances}"
            )
        self.min_sizes = [float(size) for size in min_sizes]
        self.max_sizes = [float(size) for size in max_sizes]
        self.aspect_ratios = [float(ratio) for ratio in aspect_ratios]
        self.variances = [float(variance) for variance in variances]
        self.clip = bool(clip)
        self.image_size = None if image_size is None else [int(size) for size in image_size]
        self.steps = None if steps is None else [float(step) for step in steps]
        self.offset = float(offset)
        self.data_format = resolve_data_format(data_format)
        self._sizes = np.array(list(self._box_sizes()), "float32")

    def _box_sizes(self) -> Iterator[tuple[float, float]]:
        """The width and height of each box of a cell."""
        for i, size in enumerate(self.min_sizes):
            least = int(size)
            yield least, least
            if self.max_sizes:
                middle = np.sqrt(least * int(self.max_sizes[i]))
                yield middle, middle
            for ratio in self.aspect_ratios:
                root = np.sqrt(np.float32(ratio))
                yield least * root, least / root

    def call(self, inputs: Sequence[keras.KerasTensor]) -> keras.KerasTensor:
        """The boxes and their variances."""
        cells, image = (self._height_and_width(x) for x in inputs)
        if self.image_size is not None:
            image = self.image_size
        image = [ops.cast(size, "float32") for size in image]
        y, x = (self._centres(cells[i], image[i], i) for i in range(2))
        y, x = ops.expand_dims(y, (1, 2)), ops.expand_dims(x, (0, 2))
        half_width, half_height = (ops.convert_to_tensor(half) for half in self._sizes.T / 2)
        spread = ops.zeros_like(y + x)
        corners = [
            (x - half_width) / image[1] + spread,
            (y - half_height) / image[0] + spread,
            (x + half_width) / image[1] + spread,
            (y + half_height) / image[0] + spread,
        ]
        boxes = ops.stack(corners, axis=-1)
        if self.clip:
            boxes = ops.clip(boxes, 0.0, 1.0)
        variances = ops.zeros_like(boxes) + ops.convert_to_tensor(self.variances, "float32")
        return ops.stack([ops.reshape(boxes, (1, -1)), ops.reshape(variances, (1, -1))], axis=1)

    def _height_and_width(self, x: keras.KerasTensor) -> list[Any]:
        return [ops.shape(x)[axis] for axis in spatial_axes(4, self.data_format)]

    def _centres(self, cells: Any, extent: keras.KerasTensor, i: int) -> keras.KerasTensor:
        """The cells' centres along one axis, in pixels."""
        step = extent / ops.cast(cells, "float32") if self.steps is None else self.steps[i]
        return (ops.cast(ops.arange(cells), "float32") + self.offset) * step

    def compute_output_shape(
        self, input_shape: Sequence[tuple[int | None, ...]]
    ) -> tuple[int | None, ...]:
        """(1, 2, H * W * boxes * 4).

        Raises:
            ValueError: when an input does not have four axes.
        """
        if any(len(shape) != 4 for shape in input_shape):
            raise ValueError(f"Expected inputs of 4 axes. Received: input_shape={input_shape}")
        height, width = (input_shape[0][axis] for axis in spatial_axes(4, self.data_format))
        if height is None or width is None:
            return 1, 2, None
        return 1, 2, height * width * len(self._sizes) * 4

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "min_sizes": self.min_sizes,
            "max_sizes": self.max_sizes,
            "aspect_ratios": self.aspect_ratios,
            "variances": self.variances,
            "clip": self.clip,
            "image_size": self.image_size,
            "steps": self.steps,
            "offset": self.offset,
            "data_format": self.data_format,
        }

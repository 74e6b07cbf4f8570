"""What the poolings of regions have in common: each region becomes a grid of bins.

A region is a row of five numbers: the image it is in, and x1, y1, x2, y2 in pixels of the net's
input, both ends included.

Where a bin ends is a product of a rounded quotient, and whether that lies just above a whole
number or on it decides on a row of pixels. Compilers do not divide as C++ does (OpenVINO and XLA
multiply by a reciprocal), so the quotients stand in tables that NumPy makes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe2keras.runtime.dialect import keras, ops, zip
from caffe2keras.runtime.spatial import channel_axis, per_axis, resolve_data_format, spatial_axes

__all__ = ["RegionPooling", "quotients", "rounded"]


class RegionPooling(keras.Layer):
    """A layer that takes [features, regions] and gives a grid of bins for each region.

    Args:
        grid: (h, w).
        spatial_scale: from pixels of the net's input to cells of the map.
        data_format: ``"channels_last"``, ``"channels_first"``, or None for Keras's own.
    """

    def __init__(
        self, grid: Sequence[int], spatial_scale: float, data_format: str | None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.grid = per_axis(grid, 2, "pool_size", least=1)
        self.spatial_scale = float(spatial_scale)
        self.data_format = resolve_data_format(data_format)

    def channels_last(self, features: keras.KerasTensor) -> keras.KerasTensor:
        """The features as (N, H, W, C)."""
        if self.data_format == "channels_first":
            return ops.transpose(features, (0, 2, 3, 1))
        return features

    def in_data_format(self, pooled: keras.KerasTensor) -> keras.KerasTensor:
        """The pooled regions, (R, h, w, C), in the data format."""
        if self.data_format == "channels_first":
            return ops.transpose(pooled, (0, 3, 1, 2))
        return pooled

    def compute_output_shape(
        self, input_shape: Sequence[tuple[int | None, ...]]
    ) -> tuple[int | None, ...]:
        """One image for each region, the size of the grid.

        Raises:
            ValueError: when the inputs are not an image's features and rows of five.
        """
        features, regions = input_shape
        if len(features) != 4 or 5 not in regions[1:]:
            raise ValueError(
                "Expected features of 4 axes and regions (R, 5). "
                f"Received: input_shape={input_shape}"
            )
        shape: list[int | None] = [regions[0]] * 4
        channel = channel_axis(4, self.data_format)
        shape[channel] = self.pooled_channels(features[channel])
        for axis, size in zip(spatial_axes(4, self.data_format), self.grid, strict=True):
            shape[axis] = size
        return tuple(shape)

    def pooled_channels(self, channels: int | None) -> int | None:
        """How many channels the output has."""
        return channels


def rounded(x: keras.KerasTensor) -> keras.KerasTensor:
    """To whole numbers, halves away from zero, as C rounds."""
    size = ops.abs(x)
    whole = ops.floor(size)
    return ops.sign(x) * ops.where(size - whole >= 0.5, whole + 1.0, whole)


def quotients(sizes: Any, bins: int) -> Any:
    """How far the ends of the bins are from the first one's beginning, in single precision."""
    ends = np.arange(bins + 1, dtype="float32")
    return (np.asarray(sizes, "float32") / np.float32(bins))[:, None] * ends

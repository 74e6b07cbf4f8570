"""R-FCN's pooling of regions: means, each bin from channels of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe2keras.runtime.dialect import keras, ops
from caffe2keras.runtime.region_pooling import RegionPooling, quotients, rounded

__all__ = ["PSROIPooling"]

# A region is this tall and wide at most, in pixels of the net's input.
_PIXELS = 8192


@keras.saving.register_keras_serializable(package="caffe2keras")
class PSROIPooling(RegionPooling):
    """The mean of each bin of each region, each bin from channels of its own.

    R-FCN's PSROIPooling (psroi_pooling_layer.cu in daijifeng001's caffe-rfcn). Corners are rounded
    to whole pixels, halves away from zero, and then scaled; a region is at least a tenth of a
    cell. A bin without a cell gives 0.

    Args:
        output_dim: how many channels there are for each bin.
        group_size: how many bins there are along each axis.
        spatial_scale: from pixels of the net's input to cells of the map.
        data_format: ``"channels_last"``, ``"channels_first"``, or None for Keras's own.

    Input shape:
        a list [features, regions]: (N, H, W, C) or (N, C, H, W), C = output_dim * group_size ** 2
        with the bins' columns innermost, and (R, 5), or with further axes of size 1.

    Output shape:
        (R, group_size, group_size, output_dim), or with the channels second.

    Example:
        >>> features = keras.ops.ones((1, 14, 14, 20))
        >>> regions = keras.ops.array([[0.0, 16.0, 32.0, 111.0, 95.0]])
        >>> PSROIPooling(5, 2, 0.0625, data_format="channels_last")([features, regions]).shape
        (1, 2, 2, 5)
    """

    def __init__(
        self,
        output_dim: int,
        group_size: int,
        spatial_scale: float,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__((group_size, group_size), spatial_scale, data_format, **kwargs)
        self.output_dim = int(output_dim)
        self.group_size = int(group_size)
        sizes = np.arange(_PIXELS + 1, dtype="float32") * np.float32(self.spatial_scale)
        self._table = quotients(np.maximum(sizes, np.float32(0.1)), self.group_size)

    def call(self, inputs: Sequence[keras.KerasTensor]) -> keras.KerasTensor:
        """The pooled regions."""
        features, regions = inputs
        features = self.channels_last(features)
        images, height, width, _ = ops.shape(features)
        regions = ops.reshape(regions, (-1, 5))
        corners = rounded(regions[:, 1:])
        rows = self._members(corners[:, 1], corners[:, 3], height)
        columns = self._members(corners[:, 0], corners[:, 2], width)
        image = ops.cast(regions[:, :1], "int32") == ops.arange(images, dtype="int32")
        # (bins, R, images * height) and (R, bins, width)
        rows = ops.cast(image, "float32")[:, None, :, None] * rows[:, :, None, :]
        rows = ops.reshape(rows, (-1, self.group_size, images * height))
        sums = self._sums(features, ops.transpose(rows, (1, 0, 2)), columns, width)
        return self.in_data_format(sums)

    def _members(
        self, first: keras.KerasTensor, last: keras.KerasTensor, size: Any
    ) -> keras.KerasTensor:
        """The share of each cell of an axis in each bin's mean, (R, bins, size)."""
        pixels = ops.cast(ops.clip(last - first + 1.0, 0.0, float(_PIXELS)), "int32")
        ends = ops.take(self._table, pixels, axis=0) + (first * self.spatial_scale)[:, None]
        begin = ops.clip(ops.cast(ops.floor(ends[:, :-1]), "int32"), 0, size)[..., None]
        end = ops.clip(ops.cast(ops.ceil(ends[:, 1:]), "int32"), 0, size)[..., None]
        place = ops.arange(size, dtype="int32")
        inside = ops.logical_and(place >= begin, place < end)
        return ops.cast(inside, "float32") / ops.cast(ops.maximum(end - begin, 1), "float32")

    def _sums(
        self,
        features: keras.KerasTensor,
        rows: keras.KerasTensor,
        columns: keras.KerasTensor,
        width: Any,
    ) -> keras.KerasTensor:
        """Sums over the cells of every bin, each with its share: (R, bins, bins, output_dim)."""
        bins = self.group_size
        maps = ops.reshape(features, (-1, self.output_dim, bins, bins))
        answer = []
        # One column of bins at a time, so that no more than that is in memory.
        for j in range(bins):
            own = ops.transpose(maps[..., j], (2, 0, 1))
            own = ops.reshape(own, (bins, -1, width * self.output_dim))
            tall = ops.matmul(rows, own)
            tall = ops.reshape(tall, (bins, -1, width, self.output_dim))
            answer.append(ops.sum(tall * columns[:, j, :, None], axis=2))
        return ops.transpose(ops.stack(answer, axis=0), (2, 1, 0, 3))

    def pooled_channels(self, channels: int | None) -> int | None:
        """``output_dim``.

        Raises:
            ValueError: when the features do not have that many for each bin.
        """
        expected = self.output_dim * self.group_size**2
        if channels not in (None, expected):
            raise ValueError(f"Expected features of {expected} channels. Received: {channels}")
        return self.output_dim

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "output_dim": self.output_dim,
            "group_size": self.group_size,
            "spatial_scale": self.spatial_scale,
            "data_format": self.data_format,
        }

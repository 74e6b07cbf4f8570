"""Fast R-CNN's pooling of regions: maxima."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe2keras.runtime.dialect import keras, ops
from caffe2keras.runtime.region_pooling import RegionPooling, quotients, rounded

__all__ = ["ROIPooling"]

# A region is this tall and wide at most, in cells of the map.
_CELLS = 2048

_LOWEST = float(np.finfo(np.float32).min)


@keras.saving.register_keras_serializable(package="caffe2keras")
class ROIPooling(RegionPooling):
    """The maximum of each bin of each region; 0 where a bin has no pixel.

    Fast R-CNN's ROIPooling (roi_pooling_layer.cpp in rbgirshick's caffe-fast-rcnn). Corners are
    rounded to whole cells of the map, halves away from zero; a region is at least one cell, and
    what a bin has outside of the map does not count. A region that is in no image is looked for
    in the nearest one.

    Args:
        pool_size: the grid (h, w).
        spatial_scale: from pixels of the net's input to cells of the map.
        data_format: ``"channels_last"``, ``"channels_first"``, or None for Keras's own.

    Input shape:
        a list [features, regions]: (N, H, W, C) or (N, C, H, W), and (R, 5), or with further axes
        of size 1.

    Output shape:
        (R, h, w, C) or (R, C, h, w).

    Example:
        >>> features = keras.ops.ones((1, 14, 14, 3))
        >>> regions = keras.ops.array([[0.0, 16.0, 32.0, 111.0, 95.0]])
        >>> ROIPooling((3, 2), 0.0625, data_format="channels_last")([features, regions]).shape
        (1, 3, 2, 3)
    """

    def __init__(
        self,
        pool_size: Sequence[int],
        spatial_scale: float,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, spatial_scale, data_format, **kwargs)
        self._tables = [_whole_bounds(bins) for bins in self.grid]

    def call(self, inputs: Sequence[keras.KerasTensor]) -> keras.KerasTensor:
        """The pooled regions."""
        features, regions = inputs
        features = self.channels_last(features)
        images, height, width, _ = ops.shape(features)
        regions = ops.reshape(regions, (-1, 5))
        image = ops.clip(ops.cast(regions[:, 0], "int32"), 0, images - 1)
        corners = ops.cast(rounded(regions[:, 1:] * self.spatial_scale), "int32")
        top, bottom = self._bounds(corners[:, 1], corners[:, 3], 0, height)
        left, right = self._bounds(corners[:, 0], corners[:, 2], 1, width)
        origin = image[:, None] * height
        cells = ops.reshape(features, (-1, features.shape[-1]))
        best = _maxima(
            ops.stop_gradient(cells),
            [(origin + row)[:, :, None] for row in _ends(top, bottom, height)],
            [column[:, None, :] for column in _ends(left, right, width)],
            width,
        )
        # The gradient goes to the cell that was found, as in Caffe; no loop is in its way.
        flat = ops.reshape(cells, (-1,))
        channels = features.shape[-1]
        pooled = ops.take(flat, best * channels + ops.arange(channels, dtype="int32"))
        filled = ops.logical_and((bottom > top)[:, :, None], (right > left)[:, None, :])
        return self.in_data_format(ops.where(filled[..., None], pooled, 0.0))

    def _bounds(
        self, first: keras.KerasTensor, last: keras.KerasTensor, axis: int, size: Any
    ) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        """Where each bin begins and ends along an axis, (R, bins) each."""
        cells = ops.clip(last - first + 1, 1, _CELLS)
        return tuple(
            ops.clip(ops.take(table, cells, axis=0) + first[:, None], 0, size)
            for table in self._tables[axis]
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "pool_size": list(self.grid),
            "spatial_scale": self.spatial_scale,
            "data_format": self.data_format,
        }


def _ends(
    begin: keras.KerasTensor, end: keras.KerasTensor, size: Any
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """The first and the last of each bin along an axis; something on the map for an empty one."""
    first = ops.minimum(begin, size - 1)
    return first, ops.maximum(end - 1, first)


def _maxima(
    cells: keras.KerasTensor,
    rows: Sequence[keras.KerasTensor],
    columns: Sequence[keras.KerasTensor],
    width: Any,
) -> keras.KerasTensor:
    """Which cell of each bin has the maximum, for each channel: (R, h, w, C).

    The first cell of every bin is looked at, then the second, ...; a bin that has no more of them
    stays at its last.

    Args:
        cells: (cells, C), all images' rows one behind the other.
        rows: each bin's first and last, (R, h, 1).
        columns: likewise, (R, 1, w).
        width: of the map.
    """
    tall = ops.max(rows[1] - rows[0] + 1)
    wide = ops.max(columns[1] - columns[0] + 1)
    first = (rows[0] * width + columns[0])[..., None] + ops.zeros_like(cells[0], dtype="int32")

    def goes_on(step: Any, tall: Any, wide: Any, width: Any, *state: Any) -> Any:
        return step < tall * wide

    # Whatever the loop reads goes round in it, since OpenVINO's sees nothing from outside.
    def look(step: Any, tall: Any, wide: Any, width: Any, *state: Any) -> Any:
        cells, top, bottom, left, right, best, place = state
        row, column = (
            ops.minimum(top + step // wide, bottom),
            ops.minimum(left + step % wide, right),
        )
        here = row * width + column
        seen = ops.take(cells, here, axis=0)
        place = ops.where(seen > best, here[..., None], place)
        best = ops.where(seen > best, seen, best)
        return step + 1, tall, wide, width, cells, top, bottom, left, right, best, place

    zero = ops.convert_to_tensor(0, "int32")
    best = ops.full_like(first, _LOWEST, dtype="float32")
    width = ops.convert_to_tensor(width, "int32")
    state = (zero, tall, wide, width, cells, *rows, *columns, best, first)
    return ops.while_loop(goes_on, look, state)[-1]


def _whole_bounds(bins: int) -> list[Any]:
    """For a region of so many cells, where its bins begin, and where they end."""
    ends = quotients(np.arange(_CELLS + 1), bins)
    return [np.floor(ends[:, :-1]).astype("int32"), np.ceil(ends[:, 1:]).astype("int32")]

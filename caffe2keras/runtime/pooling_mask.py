"""Maximum pooling that says where each maximum was."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from caffe2keras.runtime.dialect import keras, ops, zip
from caffe2keras.runtime.spatial import spatial_axes
from caffe2keras.runtime.window import PoolingWindow

__all__ = ["MaxPooling2DWithMask"]

_LOWEST = float(np.finfo(np.float32).min)


@keras.saving.register_keras_serializable(package="caffe2keras")
class MaxPooling2DWithMask(PoolingWindow):
    """Maximum pooling and, as a second output, the place of each maximum in its image.

    Caffe's MAX pooling with two tops (pooling_layer.cpp). The place is h * W + w as a float, in
    the input's own H and W whatever the data format; of equal values the first counts. A window
    wholly in the padding gives -FLT_MAX and -1. Windows lie as in Pooling2D.

    Args:
        pool_size: the kernel (kh, kw), or one int for both.
        strides: (sh, sw) or one int.
        padding: (ph, pw) or one int, each smaller than the kernel.
        ceil_mode: round the output size up, Caffe's habit, or down.
        data_format: ``"channels_last"``, ``"channels_first"``, or None for Keras's own.

    Input shape:
        (N, H, W, C) or (N, C, H, W).

    Output shape:
        a list of two, each with the same axes, H and W pooled.

    Example:
        >>> x = keras.ops.reshape(keras.ops.array([1.0, 3.0, 2.0, 3.0]), (1, 2, 2, 1))
        >>> MaxPooling2DWithMask(2)(x)  # [3], [1]
    """

    def call(self, inputs: keras.KerasTensor) -> list[keras.KerasTensor]:
        """The maxima and their places."""
        padded = self._padded(inputs, _LOWEST)
        axes = spatial_axes(4, self.data_format)
        size = ops.shape(padded)
        windows = [
            (size[axis] - k) // s + 1
            for axis, k, s in zip(axes, self.pool_size, self.strides, strict=True)
        ]
        width = ops.shape(inputs)[axes[1]]
        origin = self._origin(windows, width)
        index = [slice(None)] * 4
        best = place = None
        for tap in itertools.product(*map(range, self.pool_size)):
            for i, axis in enumerate(axes):
                end = tap[i] + (windows[i] - 1) * self.strides[i] + 1
                index[axis] = slice(tap[i], end, self.strides[i])
            seen = padded[tuple(index)]
            if best is None:
                best, place = ops.full_like(seen, _LOWEST), ops.full_like(seen, -1.0)
            # As Caffe's own loop: only a greater value takes the place.
            greater = seen > best
            here = origin + ops.cast(tap[0] * width + tap[1], "float32")
            best, place = ops.where(greater, seen, best), ops.where(greater, here, place)
        return [self._clipped(best, inputs), self._clipped(place, inputs)]

    def _origin(self, windows: list[Any], width: Any) -> keras.KerasTensor:
        """H * W + w of every window's first tap, broadcast over batch and channels."""
        rows, columns = (
            ops.arange(windows[i]) * self.strides[i] - self.padding[i] for i in range(2)
        )
        origin = ops.expand_dims(rows * width, 1) + ops.expand_dims(columns, 0)
        others = [axis for axis in range(4) if axis not in spatial_axes(4, self.data_format)]
        return ops.expand_dims(ops.cast(origin, "float32"), others)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> Any:
        """Twice the input's shape with both spatial sizes pooled."""
        pooled = super().compute_output_shape(input_shape)
        return [pooled, pooled]

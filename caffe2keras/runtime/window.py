"""Where Caffe's pooling windows lie.

pooling_layer.cpp settles it. Along a spatial axis of size H, with kernel k, stride s and padding
p on both sides::

    out = ceil((H + 2p - k) / s) + 1                 (floor, when ceil_mode is False)
    out -= 1  if any axis is padded and (out - 1) * s >= H + p

so that the last window may hang over the edge, or even lie beyond it where s > k. C3D's pooling
(pool3d_layer.cpp) takes no window away.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe2keras.runtime.dialect import keras, ops, zip
from caffe2keras.runtime.spatial import pad_spatial, per_axis, resolve_data_format, spatial_axes

__all__ = ["PoolingWindow"]


class PoolingWindow(keras.Layer):
    """A layer whose window slides over its spatial axes the way Caffe's pooling does.

    Subclasses say how many spatial axes there are, and whether padding takes windows away.

    Args:
        pool_size: the kernel (kh, kw), or one int for all axes.
        strides: (sh, sw) or one int.
        padding: (ph, pw) or one int, each smaller than the kernel.
        ceil_mode: round the output size up, Caffe's habit, or down.
        data_format: ``"channels_last"``, ``"channels_first"``, or None for Keras's own.
    """

    spatial_rank = 2
    clips = True

    def __init__(
        self,
        pool_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0,
        ceil_mode: bool = True,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.pool_size = per_axis(pool_size, self.spatial_rank, "pool_size", least=1)
        self.strides = per_axis(strides, self.spatial_rank, "strides", least=1)
        self.padding = per_axis(padding, self.spatial_rank, "padding", least=0)
        if any(p >= k for p, k in zip(self.padding, self.pool_size, strict=True)):
            raise ValueError(
                "`padding` must be smaller than `pool_size`. "
                f"Received: padding={self.padding}, pool_size={self.pool_size}"
            )
        self.ceil_mode = bool(ceil_mode)
        self.data_format = resolve_data_format(data_format)

    @property
    def rank(self) -> int:
        """How many axes an input has, batch and channels included."""
        return self.spatial_rank + 2

    @property
    def spatial_axes(self) -> tuple[int, ...]:
        """The spatial ones of them."""
        return spatial_axes(self.rank, self.data_format)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The input's shape with its spatial sizes pooled.

        Raises:
            ValueError: when the input does not have as many axes, or no window fits on it.
        """
        if len(input_shape) != self.rank:
            raise ValueError(
                f"Expected an input of {self.rank} axes. Received: input_shape={input_shape}"
            )
        shape = list(input_shape)
        for i, axis in enumerate(self.spatial_axes):
            size = input_shape[axis]
            shape[axis] = None if size is None else self._pooled(size, i)
            if size is not None and self._pooled(size, i) < 1:
                raise ValueError(
                    f"`pool_size` {self.pool_size} with padding {self.padding} does not fit on "
                    f"the input. Received: input_shape={input_shape}"
                )
        return tuple(shape)

    def _pooled(self, size: int, i: int) -> int:
        """How many windows there are along spatial axis ``i`` (0 is H) of the given size."""
        room = size + 2 * self.padding[i] - self.pool_size[i]
        stride = self.strides[i]
        windows = (-(-room // stride) if self.ceil_mode else room // stride) + 1
        outside = (
            self.clips and any(self.padding) and (windows - 1) * stride >= size + self.padding[i]
        )
        return windows - 1 if outside else windows

    def _padded(self, inputs: keras.KerasTensor, value: float) -> keras.KerasTensor:
        """``inputs`` with ``value`` around, so that a plain "valid" window gives Caffe's outputs.

        On an axis of unknown size there may be one window too many; :meth:`_clipped` drops it.
        """
        after = []
        for i, axis in enumerate(self.spatial_axes):
            size, kernel, stride = inputs.shape[axis], self.pool_size[i], self.strides[i]
            if size is None:
                after.append(self.padding[i] + (stride - 1 if self.ceil_mode else 0))
            else:
                end = (self._pooled(size, i) - 1) * stride + kernel
                after.append(max(0, end - size - self.padding[i]))
        return pad_spatial(inputs, self.padding, after, self.data_format, value)

    def _clipped(self, pooled: keras.KerasTensor, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """``pooled`` without the windows that the clip rule takes away on axes of unknown size."""
        if not self.clips or not any(self.padding):
            return pooled
        for i, axis in enumerate(self.spatial_axes):
            if inputs.shape[axis] is None:
                windows = ops.shape(pooled)[axis]
                beyond = (windows - 1) * self.strides[i] >= (
                    ops.shape(inputs)[axis] + self.padding[i]
                )
                keep = slice(0, windows - ops.cast(beyond, "int32"))
                pooled = pooled[(*(slice(None),) * axis, keep)]
        return pooled

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "pool_size": list(self.pool_size),
            "strides": list(self.strides),
            "padding": list(self.padding),
            "ceil_mode": self.ceil_mode,
            "data_format": self.data_format,
        }

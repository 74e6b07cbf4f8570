"""Maximum pooling undone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from caffe2keras.runtime.spatial import (
    channel_axis,
    per_axis,
    resolve_data_format,
    spatial_axes,
)

__all__ = ["MaxUnpooling2D"]


@keras.saving.register_keras_serializable(package="caffe2keras")
class MaxUnpooling2D(keras.Layer):
    """Each value put back to where a maximum pooling found it, 0 elsewhere.

    SegNet's Upsample with a mask (upsample_layer.cpp in alexgkendall's caffe-segnet) and
    DeconvNet's Unpooling (unpooling_layer.cpp in HyeonwooNoh's fork). The places are those of
    MaxPooling2DWithMask, h * W + w in the large image, and must lie in it. Of values with one
    place the last in Caffe's order stays, as on a CPU there (on a GPU it is chance, there and
    here).

    Args:
        scale: (sh, sw) or one int: how many times larger the output is; without ``size``.
        trim: (th, tw) or one int: rows and columns less than that, where the pooling had rounded
            up.
        size: (H, W) of the output, instead of a scale.
        data_format: ``"channels_last"``, ``"channels_first"``, or None for Keras's own.

    Input shape:
        a list [x, places], both (N, h, w, C) or (N, C, h, w).

    Output shape:
        the same axes, with the output's H and W.

    Example:
        >>> x, places = (keras.ops.full((1, 1, 1, 1), value) for value in (7.0, 2.0))
        >>> MaxUnpooling2D()([x, places])  # 0, 0 above 7, 0
    """

    def __init__(
        self,
        scale: int | Sequence[int] = 2,
        trim: int | Sequence[int] = 0,
        size: int | Sequence[int] | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.scale = per_axis(scale, 2, "scale", least=1)
        self.trim = per_axis(trim, 2, "trim", least=0)
        self.size = None if size is None else per_axis(size, 2, "size", least=1)
        self.data_format = resolve_data_format(data_format)
        if any(less >= times for less, times in zip(self.trim, self.scale, strict=True)):
            raise ValueError(
                f"`trim` must be smaller than `scale`. Received: trim={trim}, scale={scale}"
            )

    def call(self, inputs: Sequence[keras.KerasTensor]) -> keras.KerasTensor:
        """The large image."""
        x, places = inputs
        blank = self._blank(x)
        sizes = ops.shape(blank)
        channel = channel_axis(4, self.data_format)
        height, width = (sizes[axis] for axis in spatial_axes(4, self.data_format))
        channels, pixels = x.shape[channel], height * width
        sample = _along(0, sizes[0]) * (channels * pixels)
        if channel == 3:
            within = ops.cast(places, "int32") * channels + _along(3, channels)
        else:
            within = ops.cast(places, "int32") + _along(1, channels) * pixels
        target = ops.reshape(sample + within, (-1, 1))
        flat = ops.scatter_update(ops.reshape(blank, (-1,)), target, ops.reshape(x, (-1,)))
        return ops.reshape(flat, sizes)

    def _blank(self, x: keras.KerasTensor) -> keras.KerasTensor:
        """Zeros of the output's shape, made from x because its batch may be unknown."""
        blank = ops.zeros_like(x)
        index = [slice(None)] * 4
        for i, axis in enumerate(spatial_axes(4, self.data_format)):
            if self.size is None:
                blank = ops.repeat(blank, self.scale[i], axis=axis)
                index[axis] = slice(0, ops.shape(blank)[axis] - self.trim[i])
            else:
                first = (*(slice(None),) * axis, slice(0, 1))
                blank = ops.repeat(blank[first], self.size[i], axis=axis)
        return blank[tuple(index)]

    def compute_output_shape(
        self, input_shape: Sequence[tuple[int | None, ...]]
    ) -> tuple[int | None, ...]:
        """The first shape with the output's H and W.

        Raises:
            ValueError: when the inputs do not have 4 axes of the same sizes.
        """
        x, places = input_shape
        known = [sizes for sizes in zip(x, places, strict=False) if None not in sizes]
        if len(x) != 4 or len(places) != 4 or any(one != other for one, other in known):
            raise ValueError(
                f"Expected two inputs of 4 axes and one shape. Received: input_shape={input_shape}"
            )
        shape = list(x)
        for i, axis in enumerate(spatial_axes(4, self.data_format)):
            small = x[axis]
            large = None if small is None else small * self.scale[i] - self.trim[i]
            shape[axis] = large if self.size is None else self.size[i]
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "scale": list(self.scale),
            "trim": list(self.trim),
            "size": None if self.size is None else list(self.size),
            "data_format": self.data_format,
        }


def _along(axis: int, size: Any) -> keras.KerasTensor:
    """0, 1, 2, ... along one of four axes."""
    shape = [-1 if each == axis else 1 for each in range(4)]
    return ops.reshape(ops.arange(size, dtype="int32"), shape)

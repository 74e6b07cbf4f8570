"""Pooling undone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe2keras.runtime.dialect import keras, ops, zip
from caffe2keras.runtime.spatial import (
    channel_axis,
    pad_spatial,
    per_axis,
    resolve_data_format,
    spatial_axes,
)

__all__ = ["MaxUnpooling2D", "Unpooling2D"]


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


@keras.saving.register_keras_serializable(package="caffe2keras")
class Unpooling2D(keras.Layer):
    """Each value spread over its window, those of windows that overlap added up.

    DeconvNet's Unpooling without a mask (unpooling_layer.cu in HyeonwooNoh's fork). The window of
    pixel i begins at i * stride; what reaches over the output's edge is lost.

    Args:
        spread: ``"tile"`` repeats the value in its window, ``"share"`` divides it among the
            pixels of the window that lie in the output, ``"first"`` puts it on the first one.
        pool_size: the window (kh, kw), or one int for both.
        strides: (sh, sw) or one int.
        size: (H, W) of the output, or one int.
        data_format: ``"channels_last"``, ``"channels_first"``, or None for Keras's own.

    Input shape:
        (N, h, w, C) or (N, C, h, w); h and w must be known.

    Output shape:
        the same axes, with the output's H and W.

    Example:
        >>> x = keras.ops.reshape(keras.ops.array([6.0, 8.0]), (1, 1, 2, 1))
        >>> Unpooling2D("share", (1, 2), (1, 2), (1, 4))(x)  # 3, 3, 4, 4
    """

    def __init__(
        self,
        spread: str,
        pool_size: int | Sequence[int],
        strides: int | Sequence[int],
        size: int | Sequence[int],
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if spread not in ("tile", "share", "first"):
            raise ValueError(
                f"`spread` must be 'tile', 'share' or 'first'. Received: spread={spread!r}"
            )
        self.spread = spread
        self.pool_size = per_axis(pool_size, 2, "pool_size", least=1)
        self.strides = per_axis(strides, 2, "strides", least=1)
        self.size = per_axis(size, 2, "size", least=1)
        self.data_format = resolve_data_format(data_format)

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The large image."""
        outputs = inputs
        if self.spread == "share":
            outputs = inputs * ops.convert_to_tensor(self._shares(inputs), self.compute_dtype)
        for i, axis in enumerate(spatial_axes(4, self.data_format)):
            outputs = self._inserted(outputs, axis, i)
        if self.spread == "first":
            return outputs
        outputs = pad_spatial(outputs, [k - 1 for k in self.pool_size], (0, 0), self.data_format)
        mean = ops.average_pool(outputs, self.pool_size, 1, "valid", self.data_format)
        return mean * float(np.prod(self.pool_size))

    def _shares(self, x: keras.KerasTensor) -> np.ndarray:
        """One over the part of each pixel's window that lies in the output."""
        shares = np.ones((1, 1, 1, 1), "float32")
        for i, axis in enumerate(spatial_axes(4, self.data_format)):
            start = np.arange(x.shape[axis]) * self.strides[i]
            part = np.minimum(start + self.pool_size[i], self.size[i]) - start
            shape = [-1 if each == axis else 1 for each in range(4)]
            shares = shares / np.maximum(part, 1).astype("float32").reshape(shape)
        return shares

    def _inserted(self, x: keras.KerasTensor, axis: int, i: int) -> keras.KerasTensor:
        """Zeros behind each pixel along an axis, then cut or filled up to the output's size."""
        sizes, stride = x.shape, self.strides[i]
        pairs = [(0, 0)] * 5
        pairs[axis + 1] = (0, stride - 1)
        spaced = ops.pad(ops.expand_dims(x, axis + 1), pairs)
        large = sizes[axis] * stride
        spaced = ops.reshape(spaced, (-1, *sizes[1:axis], large, *sizes[axis + 1 :]))
        if large >= self.size[i]:
            return spaced[(*(slice(None),) * axis, slice(0, self.size[i]))]
        pairs = [(0, 0)] * 4
        pairs[axis] = (0, self.size[i] - large)
        return ops.pad(spaced, pairs)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The input's shape with the output's H and W.

        Raises:
            ValueError: when the input does not have 4 axes, all but the batch of known size.
        """
        if len(input_shape) != 4 or None in input_shape[1:]:
            raise ValueError(
                f"Expected 4 axes of known size but the batch. Received: input_shape={input_shape}"
            )
        shape = list(input_shape)
        for i, axis in enumerate(spatial_axes(4, self.data_format)):
            shape[axis] = self.size[i]
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "spread": self.spread,
            "pool_size": list(self.pool_size),
            "strides": list(self.strides),
            "size": list(self.size),
            "data_format": self.data_format,
        }


def _along(axis: int, size: Any) -> keras.KerasTensor:
    """0, 1, 2, ... along one of four axes."""
    shape = [-1 if each == axis else 1 for each in range(4)]
    return ops.reshape(ops.arange(size, dtype="int32"), shape)

"""The patches that a convolution sees."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from caffe2keras.runtime.dialect import keras, ops, prod
from caffe2keras.runtime.spatial import (
    channel_axis,
    pad_spatial,
    per_axis,
    resolve_data_format,
    spatial_axes,
)

__all__ = ["Im2col"]


@keras.saving.register_keras_serializable(package="caffe2keras")
class Im2col(keras.Layer):
    """At every place the values under a kernel, one channel each (im2col_layer.cpp).

    The output's channels run over the input's channels first, then over the taps of the kernel
    in order. The output's sizes are a convolution's.

    Args:
        kernel_size: one int per spatial axis, one to three; likewise, or one int for all,
        strides: the step between places,
        padding: the zeros on both sides, and
        dilation_rate: the step within the kernel.
        data_format: ``"channels_last"``, ``"channels_first"``, or None for Keras's own.

    Input shape:
        (N, *spatial, C) or (N, C, *spatial).

    Output shape:
        the same axes, with C times the taps as channels.

    Example:
        >>> Im2col((2, 3))(keras.ops.ones((1, 5, 7, 4))).shape
        (1, 4, 5, 24)
    """

    def __init__(
        self,
        kernel_size: Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0,
        dilation_rate: int | Sequence[int] = 1,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        rank = len(kernel_size)
        self.kernel_size = per_axis(kernel_size, rank, "kernel_size", least=1)
        self.strides = per_axis(strides, rank, "strides", least=1)
        self.padding = per_axis(padding, rank, "padding", least=0)
        self.dilation_rate = per_axis(dilation_rate, rank, "dilation_rate", least=1)
        self.data_format = resolve_data_format(data_format)

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The patches."""
        rank = len(inputs.shape)
        shape = list(ops.shape(inputs))
        padded = pad_spatial(inputs, self.padding, self.padding, self.data_format)
        index = [slice(None)] * rank
        taps = []
        for tap in itertools.product(*map(range, self.kernel_size)):
            for i, axis in enumerate(spatial_axes(rank, self.data_format)):
                start, stride = tap[i] * self.dilation_rate[i], self.strides[i]
                end = start + (self._places(shape[axis], i) - 1) * stride + 1
                index[axis] = slice(start, end, stride)
            taps.append(padded[tuple(index)])
        channels = channel_axis(rank, self.data_format)
        return self._merged(ops.stack(taps, axis=channels + 1), channels)

    def _merged(self, patches: keras.KerasTensor, channels: int) -> keras.KerasTensor:
        """The taps' own axis, just after the channels, becomes part of them."""
        shape = list(ops.shape(patches))
        shape[channels : channels + 2] = [shape[channels] * shape[channels + 1]]
        return ops.reshape(patches, (-1, *shape[1:]))

    def _places(self, size: Any, i: int) -> Any:
        reach = self.dilation_rate[i] * (self.kernel_size[i] - 1) + 1
        return (size + 2 * self.padding[i] - reach) // self.strides[i] + 1

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The input's shape with the spatial sizes convolved and a channel for every tap.

        Raises:
            ValueError: when the rank is wrong or the kernel does not fit on the input.
        """
        rank = len(self.kernel_size) + 2
        if len(input_shape) != rank:
            raise ValueError(
                f"Expected an input of {rank} axes. Received: input_shape={input_shape}"
            )
        shape = list(input_shape)
        channels = channel_axis(rank, self.data_format)
        before = input_shape[channels]
        shape[channels] = None if before is None else before * prod(self.kernel_size)
        for i, axis in enumerate(spatial_axes(rank, self.data_format)):
            size = input_shape[axis]
            shape[axis] = None if size is None else self._places(size, i)
            if size is not None and self._places(size, i) < 1:
                raise ValueError(
                    f"A kernel of {self.kernel_size} with padding {self.padding} does not fit on "
                    f"the input. Received: input_shape={input_shape}"
                )
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "kernel_size": list(self.kernel_size),
            "strides": list(self.strides),
            "padding": list(self.padding),
            "dilation_rate": list(self.dilation_rate),
            "data_format": self.data_format,
        }

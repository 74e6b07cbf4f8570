"""What convolutions of both directions share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe2keras.runtime.dialect import keras, ops
from caffe2keras.runtime.spatial import (
    channel_axis,
    per_axis,
    resolve_data_format,
    spatial_axes,
)

__all__ = ["BaseConvolution", "spread_kernel"]


class BaseConvolution(keras.Layer):
    """The arguments, the weights and the bias of a convolution over one to three axes.

    Args:
        filters: the output channels.
        kernel_size: one int per spatial axis; their number is the rank.
        strides: one int per spatial axis, or one for all; likewise
        padding: the zeros put on both sides, or the outputs cut off there, and
        dilation_rate: the step within the kernel.
        groups: input and output channels are cut into so many independent runs.
        use_bias: whether there is a bias.
        data_format: ``"channels_last"``, ``"channels_first"``, or None for Keras's own.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0,
        dilation_rate: int | Sequence[int] = 1,
        groups: int = 1,
        use_bias: bool = True,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        rank = len(kernel_size)
        if rank not in (1, 2, 3):
            raise ValueError(
                f"`kernel_size` must have 1, 2 or 3 axes. Received: kernel_size={kernel_size!r}"
            )
        if filters < 1 or groups < 1 or filters % groups:
            raise ValueError(
                "`filters` must be a positive multiple of `groups`. "
                f"Received: filters={filters}, groups={groups}"
            )
        self.filters = int(filters)
        self.kernel_size = per_axis(kernel_size, rank, "kernel_size", least=1)
        self.strides = per_axis(strides, rank, "strides", least=1)
        self.padding = per_axis(padding, rank, "padding", least=0)
        self.dilation_rate = per_axis(dilation_rate, rank, "dilation_rate", least=1)
        self.groups = int(groups)
        self.use_bias = bool(use_bias)
        self.data_format = resolve_data_format(data_format)

    def _kernel_channels(self, channels: int) -> tuple[int, int]:
        """The last two axes of the kernel for an input of so many channels."""
        raise NotImplementedError

    def _output_size(self, size: int, i: int) -> int:
        """The output's size along spatial axis ``i``."""
        raise NotImplementedError

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes ``kernel`` and ``bias``.

        Raises:
            ValueError: when the channels are unknown or no multiple of the groups.
        """
        channels = input_shape[channel_axis(len(input_shape), self.data_format)]
        if channels is None or channels % self.groups:
            raise ValueError(
                f"The input's channels must be a known multiple of groups={self.groups}. "
                f"Received: input_shape={input_shape}"
            )
        self.kernel = self.add_weight(
            name="kernel",
            shape=(*self.kernel_size, *self._kernel_channels(channels)),
            initializer="zeros",
        )
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The input's shape with the spatial sizes convolved and ``filters`` channels.

        Raises:
            ValueError: when the rank is wrong or the kernel does not fit on the input.
        """
        rank = len(self.kernel_size) + 2
        if len(input_shape) != rank:
            raise ValueError(
                f"Expected an input of {rank} axes. Received: input_shape={input_shape}"
            )
        shape = list(input_shape)
        shape[channel_axis(rank, self.data_format)] = self.filters
        for i, axis in enumerate(spatial_axes(rank, self.data_format)):
            size = input_shape[axis]
            shape[axis] = None if size is None else self._output_size(size, i)
            if size is not None and self._output_size(size, i) < 1:
                raise ValueError(
                    f"A kernel of {self.kernel_size} with padding {self.padding} does not fit on "
                    f"the input. Received: input_shape={input_shape}"
                )
        return tuple(shape)

    def _biased(self, outputs: keras.KerasTensor) -> keras.KerasTensor:
        if not self.use_bias:
            return outputs
        rank = len(outputs.shape)
        shape = [1] * rank
        shape[channel_axis(rank, self.data_format)] = self.filters
        # Not ops.add: on TensorFlow it takes a (1, C, 1, 1) term for a channels_last bias
        # wherever the width happens to equal C.
        return outputs + ops.reshape(self.bias, shape)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": list(self.kernel_size),
            "strides": list(self.strides),
            "padding": list(self.padding),
            "dilation_rate": list(self.dilation_rate),
            "groups": self.groups,
            "use_bias": self.use_bias,
            "data_format": self.data_format,
        }


def spread_kernel(kernel: keras.KerasTensor, dilation: Sequence[int]) -> keras.KerasTensor:
    """The kernel with d - 1 zeros between its taps along its leading axes, one for each d."""
    for axis, d in enumerate(dilation):
        size = kernel.shape[axis]
        if d > 1 and size > 1:
            before, after = tuple(kernel.shape[:axis]), tuple(kernel.shape[axis + 1 :])
            pairs = [(0, 0)] * (len(kernel.shape) + 1)
            pairs[axis + 1] = (0, d - 1)
            kernel = ops.pad(ops.expand_dims(kernel, axis + 1), pairs)
            kernel = ops.reshape(kernel, (*before, size * d, *after))
            kernel = kernel[(*(slice(None),) * axis, slice(0, d * (size - 1) + 1))]
    return kernel

"""Convolution and transposed convolution, as free as Caffe's: any stride, dilation and groups."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from caffe2keras.runtime.spatial import (
    channel_axis,
    pad_spatial,
    per_axis,
    resolve_data_format,
    spatial_axes,
)

__all__ = ["Conv", "ConvTranspose"]


class _Convolution(keras.Layer):
    """What both directions share: the arguments, the weights, the bias."""

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


@keras.saving.register_keras_serializable(package="caffe2keras")
class Conv(_Convolution):
    """Convolution over one to three spatial axes; stride and dilation may go together.

    As Caffe's base_conv_layer.cpp and conv_layer.cpp, per spatial axis of size H, with kernel k,
    stride s, dilation d and padding p on both sides::

        out = floor((H + 2p - d * (k - 1) - 1) / s) + 1
        y[o] = bias + Σ_t kernel[t] · x[o * s + d * t - p]

    Args:
        filters: the output channels.
        kernel_size: one int per spatial axis; their number is the rank.
        strides: one int per spatial axis, or one for all; likewise
        padding: the zeros on both sides, and
        dilation_rate: the step within the kernel.
        groups: input and output channels are cut into so many independent runs.
        use_bias: whether there is a bias.
        data_format: ``"channels_last"``, ``"channels_first"``, or None for Keras's own.

    Input shape:
        (N, *spatial, C) or (N, C, *spatial).

    Output shape:
        the same axes, with ``filters`` channels.

    Weights:
        ``kernel`` (*kernel_size, C / groups, filters), ``bias`` (filters,).

    Example:
        >>> Conv(6, (3, 2), strides=2, dilation_rate=2)(keras.ops.ones((1, 9, 8, 4))).shape
        (1, 3, 3, 6)
    """

    def _kernel_channels(self, channels: int) -> tuple[int, int]:
        return channels // self.groups, self.filters

    def _output_size(self, size: int, i: int) -> int:
        reach = self.dilation_rate[i] * (self.kernel_size[i] - 1) + 1
        return (size + 2 * self.padding[i] - reach) // self.strides[i] + 1

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The convolved image."""
        outputs = pad_spatial(inputs, self.padding, self.padding, self.data_format)
        # Only every gcd(s, d)-th position is ever looked at; without the others the axis has
        # stride s / gcd and dilation d / gcd, and often one of them is gone.
        common = tuple(map(math.gcd, self.strides, self.dilation_rate))
        strides = tuple(s // g for s, g in zip(self.strides, common, strict=True))
        dilation = tuple(d // g for d, g in zip(self.dilation_rate, common, strict=True))
        outputs = self._every(outputs, common)
        kernel = ops.convert_to_tensor(self.kernel)
        if max(strides) > 1 and max(dilation) > 1:
            if self._spreading_is_cheaper(strides, dilation):
                kernel, dilation = _spread(kernel, dilation), (1,) * len(dilation)
            else:
                outputs = ops.conv(outputs, kernel, 1, "valid", self.data_format, dilation)
                return self._biased(self._every(outputs, strides))
        outputs = ops.conv(outputs, kernel, strides, "valid", self.data_format, dilation)
        return self._biased(outputs)

    def _every(self, x: keras.KerasTensor, steps: tuple[int, ...]) -> keras.KerasTensor:
        """Every ``steps``-th position along the spatial axes."""
        if max(steps) == 1:
            return x
        index = [slice(None)] * len(x.shape)
        for axis, step in zip(spatial_axes(len(x.shape), self.data_format), steps, strict=True):
            index[axis] = slice(None, None, step)
        return x[tuple(index)]

    def _spreading_is_cheaper(self, strides: tuple[int, ...], dilation: tuple[int, ...]) -> bool:
        # Keras refuses stride and dilation together. Either the kernel carries its own zeros
        # (cost: its area), or every position is computed and most are dropped (cost: strides).
        spread = math.prod(d * (k - 1) + 1 for k, d in zip(self.kernel_size, dilation, strict=True))
        return spread <= math.prod(self.kernel_size) * math.prod(strides)


@keras.saving.register_keras_serializable(package="caffe2keras")
class ConvTranspose(_Convolution):
    """Transposed convolution over one to three spatial axes, in groups if asked.

    As Caffe's deconv_layer.cpp, per spatial axis of size H, with kernel k, stride s, dilation d
    and padding p taken off both sides::

        out = s * (H - 1) + d * (k - 1) + 1 - 2p
        y[o] = bias + Σ kernel[t] · x[i]   over all i, t with s * i + d * t - p = o

    It is computed as one convolution of stride 1 with s outputs (per axis) at every place, which
    are then interleaved: no zeros are multiplied, and groups cost nothing, depthwise upsampling
    included.

    Args:
        filters: the output channels.
        kernel_size: one int per spatial axis; their number is the rank.
        strides: one int per spatial axis, or one for all; likewise
        padding: what is cut off both sides of the output, and
        dilation_rate: the step within the kernel.
        groups: input and output channels are cut into so many independent runs.
        use_bias: whether there is a bias.
        data_format: ``"channels_last"``, ``"channels_first"``, or None for Keras's own.

    Input shape:
        (N, *spatial, C) or (N, C, *spatial).

    Output shape:
        the same axes, with ``filters`` channels.

    Weights:
        ``kernel`` (*kernel_size, filters / groups, C), ``bias`` (filters,).

    Example:
        >>> ConvTranspose(6, (4, 4), strides=2, padding=1)(keras.ops.ones((1, 5, 7, 3))).shape
        (1, 10, 14, 6)
    """

    def _kernel_channels(self, channels: int) -> tuple[int, int]:
        return self.filters // self.groups, channels

    def _output_size(self, size: int, i: int) -> int:
        reach = self.dilation_rate[i] * (self.kernel_size[i] - 1) + 1
        return self.strides[i] * (size - 1) + reach - 2 * self.padding[i]

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The upsampled image."""
        kernel = self._phase_kernel()
        margin = [taps - 1 for taps in kernel.shape[: len(self.kernel_size)]]
        padded = pad_spatial(inputs, margin, margin, self.data_format)
        phases = ops.conv(padded, kernel, 1, "valid", self.data_format)
        return self._biased(self._cropped(self._interleaved(phases), inputs))

    def _phase_kernel(self) -> keras.KerasTensor:
        """The kernel cut into the s phases of the output that its taps reach.

        With t = s * m + r, tap t of the kernel is tap m of phase r; a forward convolution walks
        the taps in the other direction. Per axis, (k,) becomes (M, s) with M = ceil(k / s).

        (*k, F/g, g·C/g) -> (*M, C/g, g·s1·...·F/g)
        """
        rank = len(self.kernel_size)
        kernel = _spread(ops.convert_to_tensor(self.kernel), self.dilation_rate)
        taps = [-(-k // s) for k, s in zip(kernel.shape, self.strides, strict=False)]
        missing = [m * s - k for m, s, k in zip(taps, self.strides, kernel.shape, strict=False)]
        kernel = ops.pad(kernel, [*((0, each) for each in missing), (0, 0), (0, 0)])
        cut = [each for pair in zip(taps, self.strides, strict=True) for each in pair]
        features, channels = kernel.shape[rank:]
        # (reversed before the groups get an axis of their own: TensorFlow reverses 8 at most)
        kernel = ops.reshape(kernel, (*cut, features, channels))
        for axis in range(0, 2 * rank, 2):
            kernel = ops.flip(kernel, axis)
        kernel = ops.reshape(kernel, (*cut, features, self.groups, channels // self.groups))
        order = (
            *range(0, 2 * rank, 2),
            2 * rank + 2,
            2 * rank + 1,
            *range(1, 2 * rank, 2),
            2 * rank,
        )
        outputs = self.filters * math.prod(self.strides)
        kernel = ops.transpose(kernel, order)
        return ops.reshape(kernel, (*taps, channels // self.groups, outputs))

    def _interleaved(self, phases: keras.KerasTensor) -> keras.KerasTensor:
        """The phases beside each other: axis (Q,) and its s phases become (Q · s,).

        (N, *Q, g·s1·...·F/g) -> (N, *(Q·s), F), or the same with the channels first.
        """
        rank = len(self.strides)
        if max(self.strides) == 1:
            return phases
        shape = ops.shape(phases)
        sizes = [shape[axis] for axis in spatial_axes(rank + 2, self.data_format)]
        parts = (self.groups, *self.strides, self.filters // self.groups)
        if self.data_format == "channels_last":
            split, first_size, first_part = (-1, *sizes, *parts), 1, 1 + rank
        else:
            split, first_size, first_part = (-1, *parts, *sizes), 3 + rank, 1
        channels = (first_part, first_part + rank + 1)
        places = [axis for i in range(rank) for axis in (first_size + i, first_part + 1 + i)]
        upsampled = [size * s for size, s in zip(sizes, self.strides, strict=True)]
        tensor = ops.reshape(phases, split)
        if self.data_format == "channels_last":
            tensor = ops.transpose(tensor, (0, *places, *channels))
            return ops.reshape(tensor, (-1, *upsampled, self.filters))
        tensor = ops.transpose(tensor, (0, *channels, *places))
        return ops.reshape(tensor, (-1, self.filters, *upsampled))

    def _cropped(self, outputs: keras.KerasTensor, inputs: keras.KerasTensor) -> keras.KerasTensor:
        rank = len(inputs.shape)
        shape = ops.shape(inputs)
        index = [slice(None)] * rank
        for i, axis in enumerate(spatial_axes(rank, self.data_format)):
            start = self.padding[i]
            index[axis] = slice(start, start + self._output_size(shape[axis], i))
        return outputs[tuple(index)]


def _spread(kernel: keras.KerasTensor, dilation: Sequence[int]) -> keras.KerasTensor:
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

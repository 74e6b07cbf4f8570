"""Convolution as free as Caffe's: any stride, dilation and groups."""

from __future__ import annotations

import math

from caffe2keras.runtime.base_convolution import BaseConvolution, spread_kernel
from caffe2keras.runtime.dialect import keras, ops, prod, zip
from caffe2keras.runtime.spatial import pad_spatial, spatial_axes

__all__ = ["Conv"]


@keras.saving.register_keras_serializable(package="caffe2keras")
class Conv(BaseConvolution):
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
                kernel, dilation = spread_kernel(kernel, dilation), (1,) * len(dilation)
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
        spread = prod(d * (k - 1) + 1 for k, d in zip(self.kernel_size, dilation, strict=True))
        return bool(spread <= prod(self.kernel_size) * prod(strides))

"""Transposed convolution as free as Caffe's: any stride, dilation and groups."""

from __future__ import annotations

from caffe2keras.runtime.base_convolution import BaseConvolution, spread_kernel
from caffe2keras.runtime.dialect import keras, ops, prod, zip
from caffe2keras.runtime.spatial import pad_spatial, spatial_axes

__all__ = ["ConvTranspose"]


@keras.saving.register_keras_serializable(package="caffe2keras")
class ConvTranspose(BaseConvolution):
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
        rank, strides = len(self.kernel_size), self.strides
        kernel = spread_kernel(ops.convert_to_tensor(self.kernel), self.dilation_rate)
        *sizes, features, channels = kernel.shape
        taps = [-(-k // s) for k, s in zip(sizes, strides, strict=True)]
        missing = [m * s - k for m, s, k in zip(taps, strides, sizes, strict=True)]
        kernel = ops.pad(kernel, [*((0, each) for each in missing), (0, 0), (0, 0)])
        cut = [each for pair in zip(taps, strides, strict=True) for each in pair]
        tap_axes, phase_axes = range(0, 2 * rank, 2), range(1, 2 * rank, 2)
        kernel = ops.reshape(kernel, (*cut, features, channels))
        for axis in tap_axes:
            kernel = ops.flip(kernel, axis)
        in_group = channels // self.groups
        kernel = ops.reshape(kernel, (*cut, features, self.groups, in_group))
        order = (*tap_axes, 2 * rank + 2, 2 * rank + 1, *phase_axes, 2 * rank)
        outputs = self.filters * prod(strides)
        return ops.reshape(ops.transpose(kernel, order), (*taps, in_group, outputs))

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

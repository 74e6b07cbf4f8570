"""Bilinear pooling: whole, and compact by count sketches.

The circular convolution of two count sketches is a sketch of the outer product of their vectors,
so that its inner products are near those of the outer products (Pham and Pagh's tensor sketch;
Gao et al., arXiv 1511.06062; Fukui et al., arXiv 1606.01847).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe2keras.runtime.base_sketch import (
    Shape,
    Sketching,
    as_image,
    to_places,
    with_channels,
)
from caffe2keras.runtime.dialect import keras, ops, zip
from caffe2keras.runtime.spatial import channel_axis, resolve_data_format

__all__ = ["BilinearPooling", "CompactBilinearPooling"]


@keras.saving.register_keras_serializable(package="caffe2keras")
class CompactBilinearPooling(Sketching):
    """The circular convolution of the count sketches of two or more inputs, place by place.

    It is computed as the product of their Fourier transforms. Caffe's CompactBilinear
    (compact_bilinear_layer.cpp in gy20073's fork) does not divide its inverse transform by its
    length: ``scale=output_dim`` says the same.

    The layer of the MarcBS fork of Keras 1 computed something else: up to 4e6a8ec it multiplied
    real parts with real parts and imaginary with imaginary, gave one bin too few where their number
    is odd, and drew other bins when it was loaded; from v1.0.1 on its convolution was a linear
    one, cropped. Here the product is complex, ``output_dim`` comes out, and bins are saved.

    Args:
        output_dim: how many bins there are.
        sum_pool: sum over all places of the images.
        keepdims: leave the summed axes, with 1 place each.
        scale: a factor of the result.
        seed: for the draw; None for NumPy's own state, which keras.utils.set_random_seed sets.
        caffe_seed: draw as Caffe's CompactBilinear does, by C's rand() from srand(caffe_seed).
            That layer says 1.
        data_format: ``"channels_last"``, ``"channels_first"``, or None for Keras's own.

    Input shape:
        a list of two or more tensors (N, C), (N, *spatial, C) or (N, C, *spatial), which have
        all in common but the channels.

    Output shape:
        (N, output_dim), or the same axes with ``output_dim`` channels.

    Weights:
        ``h0`` and ``s0``, (C,), for the first input, ``h1`` and ``s1`` for the second, ...

    Example:
        >>> x, y = keras.ops.ones((2, 5, 7, 3)), keras.ops.ones((2, 5, 7, 4))
        >>> CompactBilinearPooling(16)([x, y]).shape
        (2, 16)
    """

    def __init__(
        self,
        output_dim: int,
        sum_pool: bool = True,
        keepdims: bool = False,
        scale: float = 1.0,
        seed: int | None = None,
        caffe_seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(output_dim, seed, caffe_seed, data_format, **kwargs)
        self.sum_pool = bool(sum_pool)
        self.keepdims = bool(keepdims)
        self.scale = float(scale)

    def call(self, inputs: Sequence[keras.KerasTensor]) -> keras.KerasTensor:
        """The pooled features."""
        length = self._length(len(inputs))
        real, imaginary = self._spectrum(inputs[0], 0, length)
        for k, x in enumerate(inputs[1:], 1):
            a, b = self._spectrum(x, k, length)
            real, imaginary = real * a - imaginary * b, real * b + imaginary * a
        if self.sum_pool:
            # The transform is linear, so one inverse for each sample will do.
            real, imaginary = (ops.sum(part, axis=1, keepdims=True) for part in (real, imaginary))
        # The inverse is the transform of the conjugate, conjugated (and the result is real).
        pooled, _ = ops.fft((real, -imaginary))
        pooled = self._wrapped(pooled * (self.scale / length))
        pooled = ops.cast(pooled, self.compute_dtype)
        if not self.sum_pool:
            return as_image(pooled, inputs[0], self.data_format)
        target = list(self.compute_output_shape([x.shape for x in inputs]))
        return ops.reshape(pooled, (-1, *target[1:]))

    def _length(self, count: int) -> int:
        """The transforms' length: a power of two, in which nothing wraps around before its time.

        Of any other length OpenVINO's transform is slow and loses digits.
        """
        bins = self.output_dim
        if bins & (bins - 1) == 0:
            return bins
        return 1 << (count * (bins - 1)).bit_length()

    def _wrapped(self, convolved: keras.KerasTensor) -> keras.KerasTensor:
        """(N, P, length) -> (N, P, output_dim): all that is a whole number of turns apart added."""
        count, pixels, length = ops.shape(convolved)
        turns = -(-length // self.output_dim)
        behind = turns * self.output_dim - length
        filled = ops.pad(convolved, [(0, 0), (0, 0), (0, behind)])
        return ops.sum(ops.reshape(filled, (count, pixels, turns, self.output_dim)), axis=2)

    def _spectrum(
        self, x: keras.KerasTensor, k: int, length: int
    ) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        # Not ops.rfft: on OpenVINO it needs to know the batch.
        sketch = self._sketched(x, k)
        sketch = ops.pad(sketch, [(0, 0), (0, 0), (0, length - self.output_dim)])
        real, imaginary = ops.fft((sketch, ops.zeros_like(sketch)))
        return real, imaginary

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        """The shape that the arguments ask for.

        Raises:
            ValueError: when there are fewer than two inputs, or they differ in more than channels.
        """
        return _pooled_shape(
            input_shape, self.output_dim, self.data_format, self.sum_pool, self.keepdims
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "sum_pool": self.sum_pool,
            "keepdims": self.keepdims,
            "scale": self.scale,
        }


@keras.saving.register_keras_serializable(package="caffe2keras")
class BilinearPooling(keras.Layer):
    """The outer product of two inputs' channels, summed over all places.

    Caffe's Bilinear (bilinear_layer.cpp in gy20073's fork).

    Args:
        keepdims: leave the summed axes, with 1 place each.
        data_format: ``"channels_last"``, ``"channels_first"``, or None for Keras's own.

    Input shape:
        a list of two tensors (N, C), (N, *spatial, C) or (N, C, *spatial), which have all in
        common but the channels.

    Output shape:
        (N, C · C'), the second input's channels fastest.

    Example:
        >>> x, y = keras.ops.array([[2.0, 3.0]]), keras.ops.array([[5.0, 7.0]])
        >>> BilinearPooling()([x, y])  # 10, 14, 15, 21
    """

    def __init__(
        self, keepdims: bool = False, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.keepdims = bool(keepdims)
        self.data_format = resolve_data_format(data_format)

    def call(self, inputs: Sequence[keras.KerasTensor]) -> keras.KerasTensor:
        """The pooled features."""
        first, second = (to_places(x, self.data_format) for x in inputs)
        outer = ops.matmul(ops.transpose(first, (0, 2, 1)), second)
        target = self.compute_output_shape([x.shape for x in inputs])
        return ops.reshape(outer, (-1, *target[1:]))

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        """The shape above.

        Raises:
            ValueError: when there are not two inputs, their channels are unknown, or they differ
                in more than channels.
        """
        channels = [shape[channel_axis(len(shape), self.data_format)] for shape in input_shape]
        known = [size for size in channels if size is not None]
        if len(channels) != 2 or len(known) != 2:
            raise ValueError(f"Expected two inputs of known channels. Received: {input_shape}")
        product = known[0] * known[1]
        return _pooled_shape(input_shape, product, self.data_format, True, self.keepdims)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "keepdims": self.keepdims,
            "data_format": self.data_format,
        }


def _pooled_shape(
    input_shape: Sequence[Shape], channels: int, data_format: str, sum_pool: bool, keepdims: bool
) -> Shape:
    shapes = [with_channels(shape, channels, data_format) for shape in input_shape]
    differ = any(len({*sizes} - {None}) > 1 for sizes in zip(*shapes, strict=False))
    if len(shapes) < 2 or len({*map(len, shapes)}) > 1 or differ:
        raise ValueError(
            "Expected two or more inputs that differ in their channels only. "
            f"Received: input_shape={input_shape}"
        )
    first = shapes[0]
    if sum_pool and not keepdims:
        return (first[0], channels)
    if sum_pool:
        return with_channels((first[0], *(1,) * (len(first) - 1)), channels, data_format)
    return tuple(
        next((size for size in sizes if size is not None), None)
        for sizes in zip(*shapes, strict=True)
    )

"""Bilinear pooling: whole, and compact by count sketches.

A count sketch adds or takes away each channel i in bin h[i], with the sign s[i]. The circular
convolution of two sketches is a sketch of the outer product of their vectors, so that its inner
products are near those of the outer products (Pham and Pagh's tensor sketch; Gao et al.,
arXiv 1511.06062; Fukui et al., arXiv 1606.01847).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import keras
import numpy as np
from keras import ops

from caffe2keras.runtime.glibc import c_random
from caffe2keras.runtime.spatial import channel_axis, resolve_data_format

__all__ = ["BilinearPooling", "CompactBilinearPooling", "CountSketch"]

Shape = tuple[int | None, ...]


class _Sketching(keras.Layer):
    """A layer with bins and signs for the channels of each of its inputs.

    They are drawn once, kept as weights ``h0``, ``s0``, ``h1``, ``s1``, ... that are not trained,
    and saved with the model.

    Args:
        output_dim: how many bins there are.
        seed: for the draw; None for NumPy's own state, which keras.utils.set_random_seed sets.
        caffe_seed: draw as Caffe's CompactBilinear does, by C's rand() from srand(caffe_seed).
            That layer says 1.
        data_format: ``"channels_last"``, ``"channels_first"``, or None for Keras's own.
    """

    def __init__(
        self,
        output_dim: int,
        seed: int | None = None,
        caffe_seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        # The bins are kept as float32, which counts this far.
        if not 1 <= output_dim <= 2**24:
            raise ValueError(
                f"`output_dim` must be from 1 to {2**24}. Received: output_dim={output_dim}"
            )
        self.output_dim = int(output_dim)
        self.seed = seed
        self.caffe_seed = caffe_seed
        self.data_format = resolve_data_format(data_format)

    def build(self, input_shape: Any) -> None:
        """Draws bins and signs.

        Raises:
            ValueError: when the channels of an input are unknown.
        """
        self._bins, self._signs = [], []
        numbers = None if self.caffe_seed is None else c_random(self.caffe_seed)
        random = np.random.default_rng(np.random.randint(2**31) if self.seed is None else self.seed)
        for k, shape in enumerate(_listed(input_shape)):
            channels = shape[channel_axis(len(shape), self.data_format)]
            if channels is None:
                raise ValueError(f"The channels must be known. Received: input_shape={input_shape}")
            if numbers is None:
                bins = random.integers(self.output_dim, size=channels)
                signs = random.integers(2, size=channels)
            else:
                bins = _drawn(numbers, channels) % self.output_dim
                signs = _drawn(numbers, channels) % 2
            self._bins.append(self._constant(f"h{k}", bins))
            self._signs.append(self._constant(f"s{k}", 2 * signs - 1))

    def _constant(self, name: str, values: np.ndarray) -> Any:
        return self.add_weight(
            name=name,
            shape=values.shape,
            dtype="float32",
            initializer=lambda shape, dtype: ops.convert_to_tensor(values, dtype),
            trainable=False,
            autocast=False,
        )

    def _sketched(self, x: keras.KerasTensor, k: int) -> keras.KerasTensor:
        """(N, P, C) -> (N, P, output_dim), P being the places of an image, or 1."""
        places = _places(ops.cast(x, "float32"), self.data_format)
        count, pixels, channels = ops.shape(places)
        signed = places * ops.convert_to_tensor(self._signs[k])
        columns = ops.transpose(ops.reshape(signed, (-1, channels)))
        bins = ops.cast(ops.convert_to_tensor(self._bins[k]), "int32")
        sums = ops.segment_sum(columns, bins, num_segments=self.output_dim)
        return ops.reshape(ops.transpose(sums), (count, pixels, self.output_dim))

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "output_dim": self.output_dim,
            "seed": self.seed,
            "caffe_seed": self.caffe_seed,
            "data_format": self.data_format,
        }


@keras.saving.register_keras_serializable(package="caffe2keras")
class CountSketch(_Sketching):
    """Each channel added to, or taken from, one of a number of bins.

    Args:
        output_dim: how many bins there are.
        seed: for the draw; None for NumPy's own state, which keras.utils.set_random_seed sets.
        caffe_seed: draw as Caffe's CompactBilinear does, by C's rand() from srand(caffe_seed).
        data_format: ``"channels_last"``, ``"channels_first"``, or None for Keras's own.

    Input shape:
        (N, C), (N, *spatial, C) or (N, C, *spatial); or a list of such tensors.

    Output shape:
        the same axes with ``output_dim`` channels; a list of as many tensors.

    Weights:
        ``h0`` and ``s0``, (C,), for the first input, ``h1`` and ``s1`` for the second, ...

    Example:
        >>> CountSketch(5)(keras.ops.ones((2, 7, 3))).shape
        (2, 7, 5)
    """

    def call(self, inputs: Any) -> Any:
        """The sketches."""
        tensors = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
        outputs = [
            _as_image(self._sketched(x, k), x, self.data_format) for k, x in enumerate(tensors)
        ]
        outputs = [ops.cast(each, self.compute_dtype) for each in outputs]
        return outputs if isinstance(inputs, list | tuple) else outputs[0]

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape with other channels, or a list of such shapes."""
        shapes = [
            _with_channels(shape, self.output_dim, self.data_format)
            for shape in _listed(input_shape)
        ]
        return shapes if _is_list(input_shape) else shapes[0]


@keras.saving.register_keras_serializable(package="caffe2keras")
class CompactBilinearPooling(_Sketching):
    """The circular convolution of the count sketches of two or more inputs, place by place.

    It is computed as the product of their Fourier transforms. Caffe's CompactBilinear
    (compact_bilinear_layer.cpp in gy20073's fork) does not divide its inverse transform by its
    length: ``scale=output_dim`` says the same.

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
        real, imaginary = self._spectrum(inputs[0], 0)
        for k, x in enumerate(inputs[1:], 1):
            a, b = self._spectrum(x, k)
            real, imaginary = real * a - imaginary * b, real * b + imaginary * a
        if self.sum_pool:
            # The transform is linear, so one inverse for each sample will do.
            real, imaginary = (ops.sum(part, axis=1, keepdims=True) for part in (real, imaginary))
        # The inverse is the transform of the conjugate, conjugated (and the result is real).
        pooled, _ = ops.fft((real, -imaginary))
        pooled = ops.cast(pooled * (self.scale / self.output_dim), self.compute_dtype)
        if not self.sum_pool:
            return _as_image(pooled, inputs[0], self.data_format)
        target = list(self.compute_output_shape([x.shape for x in inputs]))
        return ops.reshape(pooled, (-1, *target[1:]))

    def _spectrum(
        self, x: keras.KerasTensor, k: int
    ) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        # Not ops.rfft: on OpenVINO it needs to know the batch.
        sketch = self._sketched(x, k)
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
        first, second = (_places(x, self.data_format) for x in inputs)
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
        if len(channels) != 2 or None in channels:
            raise ValueError(f"Expected two inputs of known channels. Received: {input_shape}")
        product = int(np.prod(channels))
        return _pooled_shape(input_shape, product, self.data_format, True, self.keepdims)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "keepdims": self.keepdims,
            "data_format": self.data_format,
        }


def _drawn(numbers: Iterator[int], count: int) -> np.ndarray:
    return np.fromiter(islice(numbers, count), "int64", count)


def _is_list(input_shape: Any) -> bool:
    return bool(input_shape) and isinstance(input_shape[0], list | tuple)


def _listed(input_shape: Any) -> list[Shape]:
    return list(input_shape) if _is_list(input_shape) else [input_shape]


def _places(x: keras.KerasTensor, data_format: str) -> keras.KerasTensor:
    """(N, *spatial, C) or (N, C, *spatial) -> (N, places, C)."""
    axis = channel_axis(len(x.shape), data_format)
    channels = x.shape[axis]
    if len(x.shape) == 2:
        return ops.expand_dims(x, 1)
    last = ops.moveaxis(x, axis, -1)
    sizes = [ops.shape(last)[i] for i in range(1, len(x.shape) - 1)]
    pixels = sizes[0]
    for size in sizes[1:]:
        pixels = pixels * size
    return ops.reshape(last, (ops.shape(last)[0], pixels, channels))


def _as_image(
    places: keras.KerasTensor, like: keras.KerasTensor, data_format: str
) -> keras.KerasTensor:
    """(N, places, C) -> the axes of ``like``."""
    rank, channels = len(like.shape), places.shape[-1]
    axis = channel_axis(rank, data_format)
    sizes = [ops.shape(like)[i] for i in range(rank) if i != axis]
    return ops.moveaxis(ops.reshape(places, (*sizes, channels)), -1, axis)


def _with_channels(shape: Shape, channels: int, data_format: str) -> Shape:
    axis = channel_axis(len(shape), data_format)
    return (*shape[:axis], channels, *shape[axis + 1 :])


def _pooled_shape(
    input_shape: Sequence[Shape], channels: int, data_format: str, sum_pool: bool, keepdims: bool
) -> Shape:
    shapes = [_with_channels(shape, channels, data_format) for shape in input_shape]
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
        return _with_channels((first[0], *(1,) * (len(first) - 1)), channels, data_format)
    return tuple(
        next((size for size in sizes if size is not None), None)
        for sizes in zip(*shapes, strict=True)
    )

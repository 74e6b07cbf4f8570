"""What the layers that sketch channels have in common.

A count sketch adds or takes away each channel i in bin h[i], with the sign s[i].
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from caffe2keras.runtime.dialect import keras, ops
from caffe2keras.runtime.glibc import c_random
from caffe2keras.runtime.spatial import channel_axis, resolve_data_format

if TYPE_CHECKING:
    from typing import TypeAlias

__all__ = ["Shape", "Sketching", "as_image", "is_list", "listed", "to_places", "with_channels"]

Shape: TypeAlias = "tuple[int | None, ...]"


class Sketching(keras.Layer):
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
        for k, shape in enumerate(listed(input_shape)):
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
        places = to_places(ops.cast(x, "float32"), self.data_format)
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


def _drawn(numbers: Iterator[int], count: int) -> np.ndarray:
    return np.fromiter(islice(numbers, count), "int64", count)


def is_list(input_shape: Any) -> bool:
    """Whether it is the shapes of several inputs."""
    return bool(input_shape) and isinstance(input_shape[0], (list, tuple))


def listed(input_shape: Any) -> list[Shape]:
    """The shapes of the inputs, one or several."""
    return list(input_shape) if is_list(input_shape) else [input_shape]


def to_places(x: keras.KerasTensor, data_format: str) -> keras.KerasTensor:
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


def as_image(
    places: keras.KerasTensor, like: keras.KerasTensor, data_format: str
) -> keras.KerasTensor:
    """(N, places, C) -> the axes of ``like``."""
    rank, channels = len(like.shape), places.shape[-1]
    axis = channel_axis(rank, data_format)
    sizes = [ops.shape(like)[i] for i in range(rank) if i != axis]
    return ops.moveaxis(ops.reshape(places, (*sizes, channels)), -1, axis)


def with_channels(shape: Shape, channels: int, data_format: str) -> Shape:
    """A shape with another number of channels."""
    axis = channel_axis(len(shape), data_format)
    return (*shape[:axis], channels, *shape[axis + 1 :])

"""Where Caffe's axes stand in Keras: the only place that knows NCHW from NHWC.

A blob is known in Caffe's axis order; beside it stands its *layout*, the permutation from Caffe's
axes to Keras's. ``Layout((0, 2, 3, 1))`` says that Keras axis 0 holds Caffe axis 0, Keras axis 1
holds Caffe axis 2, and so on: an (N, C, H, W) blob lives in Keras as (N, H, W, C).

Kernels have their own named permutations here. Letters: N C H W as always, O I for the output and
input channels of a kernel, G for groups; "hw" stands for any number of spatial axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

__all__ = [
    "DataFormat",
    "Layout",
    "caffe_order",
    "chw_columns_to_layout_rows",
    "ifog_rows_to_ifgo_columns",
    "image",
    "iohw_to_hwoi",
    "oihw_to_hwio",
    "time_major",
]

DataFormat = Literal["channels_last", "channels_first"]
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Layout:
    """A permutation from Caffe's axes to Keras's.

    Attributes:
        permutation: Keras axis k holds Caffe axis ``permutation[k]``; entry 0 is the batch axis.
    """

    permutation: tuple[int, ...]

    @property
    def rank(self) -> int:
        """How many axes."""
        return len(self.permutation)

    @property
    def is_caffe_order(self) -> bool:
        """Whether Keras's axes are Caffe's."""
        return self.permutation == tuple(range(self.rank))

    @property
    def inverse(self) -> tuple[int, ...]:
        """The permutation that leads back: Caffe axis c stands at Keras axis ``inverse[c]``."""
        return tuple(self.permutation.index(axis) for axis in range(self.rank))

    def keras_axis(self, caffe_axis: int) -> int:
        """Where a (non-negative) Caffe axis stands in Keras, the batch counted as 0."""
        return self.permutation.index(caffe_axis)

    def keras_shape(self, caffe_shape: Sequence[int]) -> tuple[int, ...]:
        """A Caffe shape in Keras's axis order."""
        return tuple(caffe_shape[axis] for axis in self.permutation)

    def to_keras(self, array: Array) -> Array:
        """A view of an array in Caffe's order, in Keras's."""
        return array.transpose(self.permutation)

    def to_caffe(self, array: Array) -> Array:
        """A view of an array in Keras's order, in Caffe's."""
        return array.transpose(self.inverse)

    def towards(self, other: Layout) -> tuple[int, ...]:
        """The transposition that brings a Keras tensor of this layout into another one."""
        return tuple(self.keras_axis(axis) for axis in other.permutation)


def caffe_order(rank: int) -> Layout:
    """Keras's axes are Caffe's."""
    return Layout(tuple(range(rank)))


def image(rank: int, data_format: DataFormat) -> Layout:
    """The layout that Keras's spatial layers want: (N, C, *spatial) as the data format says."""
    if data_format == "channels_first" or rank < 3:
        return caffe_order(rank)
    return Layout((0, *range(2, rank), 1))


def time_major(rank: int) -> Layout:
    """The layout of a blob with the time first, (T, N, ...): Keras has it as (N, T, ...)."""
    return Layout((1, 0, *range(2, rank)))


def oihw_to_hwio(kernel: Array) -> Array:
    """(O, I/G, *hw) -> (*hw, I/G, O): a Convolution's kernel, as a view."""
    return kernel.transpose((*range(2, kernel.ndim), 1, 0))


def iohw_to_hwoi(kernel: Array) -> Array:
    """(I, O/G, *hw) -> (*hw, O/G, I): a Deconvolution's kernel, as a view."""
    return kernel.transpose((*range(2, kernel.ndim), 1, 0))


def ifog_rows_to_ifgo_columns(array: Array) -> Array:
    """(4H, in) -> (in, 4H), or (4H,): the gates in Keras's order (lstm_unit_layer.cpp: i f o g)."""
    i, f, o, g = np.split(array, 4)
    return np.concatenate([i, f, g, o]).T


def chw_columns_to_layout_rows(
    matrix: Array, feature_shape: Sequence[int], layout: Layout
) -> Array:
    """(out, C·H·W) -> (*features as Keras has them, out), as a view.

    The rows of a Dense kernel behind an implicit Flatten, before their axes are merged.

    Args:
        matrix: (out, in), ``in`` flattened in Caffe's order.
        feature_shape: the input's shape behind the batch axis, Caffe's order.
        layout: the input's layout; its batch axis must be Caffe's axis 0.
    """
    features = matrix.reshape((matrix.shape[0], *feature_shape))
    return features.transpose((*(axis for axis in layout.permutation[1:]), 0))

"""The same values in another order along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe2keras.runtime.dialect import keras, ops
from caffe2keras.runtime.spatial import channel_axis, resolve_data_format

__all__ = ["Reverse", "ReverseSequence", "ShuffleChannels"]


class _Reordering(keras.Layer):
    """A layer whose output has the (first) input's shape."""

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """The input's shape."""
        return tuple(input_shape)


@keras.saving.register_keras_serializable(package="caffe2keras")
class Reverse(_Reordering):
    """The tensor back to front along some axes.

    Reverse of the forks that read text (reverse_layer.cpp in senlinuc's caffe_ocr) and
    happynear's Flip (flip_layer.cpp in caffe-windows).

    Args:
        axes: the axes, batch axis 0 included.

    Input shape:
        any.

    Output shape:
        the input's.

    Example:
        >>> Reverse([1])(keras.ops.array([[1.0, 2.0, 3.0]]))  # 3, 2, 1
    """

    def __init__(self, axes: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if len(set(axes)) != len(axes) or any(axis < 0 for axis in axes):
            raise ValueError(f"`axes` must differ and be counted from 0. Received: axes={axes!r}")
        self.axes = tuple(int(axis) for axis in axes)

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The reversed tensor."""
        return ops.flip(inputs, axis=self.axes) if self.axes else inputs

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "axes": list(self.axes)}


@keras.saving.register_keras_serializable(package="caffe2keras")
class ReverseSequence(_Reordering):
    """Each sequence back to front as far as it goes.

    ReverseTime of senlinuc's caffe_ocr (reverse_time_layer.cpp). Behind a sequence's end that
    leaves whatever its memory held before; here it is 0.

    Args:
        time_axis: the axis along which the sequences run.
        sequence_axis: the axis along which they are counted.
        copy_remaining: keep what lies behind the end of a sequence.

    Input shape:
        a list [x, lengths]: x any, lengths as long as ``sequence_axis``.

    Output shape:
        x's.

    Example:
        >>> x, lengths = keras.ops.array([[1.0, 2.0, 3.0]]), keras.ops.array([2.0])
        >>> ReverseSequence(time_axis=1, sequence_axis=0)([x, lengths])  # 2, 1, 0
    """

    def __init__(
        self, time_axis: int, sequence_axis: int, copy_remaining: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if time_axis == sequence_axis or min(time_axis, sequence_axis) < 0:
            raise ValueError(
                "`time_axis` and `sequence_axis` must differ and be counted from 0. "
                f"Received: time_axis={time_axis}, sequence_axis={sequence_axis}"
            )
        self.time_axis = int(time_axis)
        self.sequence_axis = int(sequence_axis)
        self.copy_remaining = bool(copy_remaining)

    def call(self, inputs: Sequence[keras.KerasTensor]) -> keras.KerasTensor:
        """The reversed sequences."""
        x, lengths = inputs
        rank, both = len(x.shape), (self.sequence_axis, self.time_axis)
        order = [*both, *(axis for axis in range(rank) if axis not in both)]
        sequences = ops.transpose(x, order)
        shape = ops.shape(sequences)
        count, steps = shape[:2]
        step = ops.expand_dims(ops.arange(steps, dtype="int32"), 0)
        length = ops.expand_dims(ops.cast(lengths, "int32"), 1)
        inside = step < length
        source = ops.where(inside, length - 1 - step, step)
        first = ops.expand_dims(ops.arange(count, dtype="int32") * steps, 1)
        flat = ops.reshape(sequences, (-1, *shape[2:]))
        reversed_ = ops.reshape(ops.take(flat, ops.reshape(source + first, (-1,)), axis=0), shape)
        if not self.copy_remaining:
            keep = ops.expand_dims(inside, list(range(2, rank))) if rank > 2 else inside
            reversed_ = ops.where(keep, reversed_, ops.zeros_like(reversed_))
        return ops.transpose(reversed_, [order.index(axis) for axis in range(rank)])

    def compute_output_shape(
        self, input_shape: Sequence[tuple[int | None, ...]]
    ) -> tuple[int | None, ...]:
        """The first shape.

        Raises:
            ValueError: when there are not as many lengths as sequences.
        """
        x, lengths = input_shape
        known = {x[self.sequence_axis], *lengths} - {None}
        if len(lengths) != 1 or len(known) > 1:
            raise ValueError(
                f"Expected one length for each sequence. Received: input_shape={input_shape}"
            )
        return tuple(x)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "time_axis": self.time_axis,
            "sequence_axis": self.sequence_axis,
            "copy_remaining": self.copy_remaining,
        }


@keras.saving.register_keras_serializable(package="caffe2keras")
class ShuffleChannels(_Reordering):
    """The first channel of every group, then the second of every group, and so on.

    ShuffleNet's ShuffleChannel (shuffle_channel_layer.cpp in farmingyard's ShuffleNet).

    Args:
        groups: how many groups of neighbouring channels there are.
        data_format: ``"channels_last"``, ``"channels_first"``, or None for Keras's own.

    Input shape:
        (N, *spatial, C) or (N, C, *spatial).

    Output shape:
        the input's.

    Example:
        >>> ShuffleChannels(2)(keras.ops.array([[1.0, 2.0, 3.0, 4.0]]))  # 1, 3, 2, 4
    """

    def __init__(self, groups: int, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if groups < 1:
            raise ValueError(f"`groups` must be at least 1. Received: groups={groups}")
        self.groups = int(groups)
        self.data_format = resolve_data_format(data_format)

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The shuffled channels."""
        axis = channel_axis(len(inputs.shape), self.data_format)
        order = np.arange(inputs.shape[axis], dtype="int32").reshape(self.groups, -1).T.reshape(-1)
        return ops.take(inputs, order, axis=axis)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The input's shape.

        Raises:
            ValueError: when the groups do not divide the channels.
        """
        channels = input_shape[channel_axis(len(input_shape), self.data_format)]
        if channels is None or channels % self.groups:
            raise ValueError(
                f"`groups` {self.groups} must divide the channels. "
                f"Received: input_shape={input_shape}"
            )
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "groups": self.groups,
            "data_format": self.data_format,
        }

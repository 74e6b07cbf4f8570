"""The spatial axes of an image tensor: where they are, and arguments given once per axis.

``channels_last`` is (N, *spatial, C), ``channels_first`` is (N, C, *spatial). Every layer of the
runtime that slides a window asks here, so that both formats are one code path.
"""

from __future__ import annotations

from collections.abc import Sequence

from caffe2keras.runtime.dialect import keras, ops, zip

__all__ = ["channel_axis", "pad_spatial", "per_axis", "resolve_data_format", "spatial_axes"]


def resolve_data_format(data_format: str | None) -> str:
    """The given format, or Keras's configured one if none is given.

    Raises:
        ValueError: for anything but the two formats Keras knows.
    """
    resolved = data_format or keras.config.image_data_format()
    if resolved not in ("channels_last", "channels_first"):
        raise ValueError(
            "`data_format` must be 'channels_last' or 'channels_first'. "
            f"Received: data_format={data_format!r}"
        )
    return str(resolved)


def channel_axis(rank: int, data_format: str) -> int:
    """The channel axis of a tensor with ``rank`` axes."""
    return 1 if data_format == "channels_first" else rank - 1


def spatial_axes(rank: int, data_format: str) -> tuple[int, ...]:
    """The spatial axes of a tensor with ``rank`` axes, in order."""
    return tuple(axis for axis in range(1, rank) if axis != channel_axis(rank, data_format))


def per_axis(value: int | Sequence[int], rank: int, name: str, least: int) -> tuple[int, ...]:
    """``value`` as one int for each of ``rank`` spatial axes.

    Raises:
        ValueError: when there are not ``rank`` of them, or one is below ``least``.
    """
    values = (value,) * rank if isinstance(value, int) else tuple(int(each) for each in value)
    if len(values) != rank or min(values) < least:
        raise ValueError(
            f"`{name}` must be {rank} integers of at least {least}. Received: {name}={value!r}"
        )
    return values


def pad_spatial(
    inputs: keras.KerasTensor,
    before: Sequence[int],
    after: Sequence[int],
    data_format: str,
    value: float = 0.0,
) -> keras.KerasTensor:
    """``inputs`` with ``value`` put before and after each spatial axis; untouched if none is."""
    if not any(before) and not any(after):
        return inputs
    rank = len(inputs.shape)
    pairs = [(0, 0)] * rank
    for axis, low, high in zip(spatial_axes(rank, data_format), before, after, strict=True):
        pairs[axis] = (low, high)
    return ops.pad(inputs, pairs, constant_values=value)

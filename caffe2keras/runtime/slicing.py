"""Cutting a box out of a tensor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe2keras.runtime.dialect import keras, ops, zip

__all__ = ["CropLike", "Slice"]


@keras.saving.register_keras_serializable(package="caffe2keras")
class Slice(keras.Layer):
    """The part from ``start`` up to ``stop`` along each of some axes.

    One top of Caffe's Slice (slice_layer.cpp), or a Crop to fixed sizes (crop_layer.cpp).

    Args:
        axes: the axes to cut, batch axis 0 included.
        starts: the first position along each.
        stops: the position after the last along each, None for all that follows.

    Input shape:
        any.

    Output shape:
        the input's, with ``stop - start`` along the axes.

    Example:
        >>> Slice(axes=[3], starts=[1], stops=[3])(keras.ops.ones((2, 5, 7, 3))).shape
        (2, 5, 7, 2)
    """

    def __init__(
        self,
        axes: Sequence[int],
        starts: Sequence[int],
        stops: Sequence[int | None],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.axes = _axes(axes)
        self.starts = tuple(int(each) for each in starts)
        self.stops = tuple(None if each is None else int(each) for each in stops)
        if not len(self.axes) == len(self.starts) == len(self.stops) or not all(
            start >= 0 and (stop is None or start < stop)
            for start, stop in zip(self.starts, self.stops, strict=True)
        ):
            raise ValueError(
                "`axes`, `starts` and `stops` must be equally long, with 0 <= start < stop. "
                f"Received: axes={axes}, starts={starts}, stops={stops}"
            )

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The part."""
        index = [slice(None)] * len(inputs.shape)
        for axis, start, stop in zip(self.axes, self.starts, self.stops, strict=True):
            index[axis] = slice(start, stop)
        return inputs[tuple(index)]

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The input's shape with the axes cut.

        Raises:
            ValueError: when the input is too small.
        """
        shape = list(input_shape)
        for axis, start, stop in zip(self.axes, self.starts, self.stops, strict=True):
            size = input_shape[axis] if axis < len(shape) else 0
            end = size if stop is None else stop
            if size is not None and size < (start + 1 if stop is None else stop):
                raise ValueError(
                    f"Expected at least {start + 1 if stop is None else stop} positions along "
                    f"axis {axis}. Received: input_shape={input_shape}"
                )
            shape[axis] = None if end is None else end - start
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "axes": list(self.axes),
            "starts": list(self.starts),
            "stops": list(self.stops),
        }


@keras.saving.register_keras_serializable(package="caffe2keras")
class CropLike(keras.Layer):
    """The first input, cut to the second one's sizes along some axes.

    Caffe's Crop (crop_layer.cpp); the values of the second input do not matter.

    Args:
        axes: the axes of the first input to cut, batch axis 0 included.
        offsets: where the part begins along each.
        reference_axes: the second input's axes that have the wanted sizes; by default ``axes``.

    Input shape:
        a list [x, reference].

    Output shape:
        x's, with the reference's sizes along the axes.

    Example:
        >>> x, reference = keras.ops.ones((2, 9, 8, 3)), keras.ops.ones((2, 5, 7, 6))
        >>> CropLike(axes=[1, 2], offsets=[2, 0])([x, reference]).shape
        (2, 5, 7, 3)
    """

    def __init__(
        self,
        axes: Sequence[int],
        offsets: Sequence[int],
        reference_axes: Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.axes = _axes(axes)
        self.offsets = tuple(int(each) for each in offsets)
        self.reference_axes = self.axes if reference_axes is None else _axes(reference_axes)
        if not len(self.axes) == len(self.offsets) == len(self.reference_axes) or any(
            offset < 0 for offset in self.offsets
        ):
            raise ValueError(
                "`axes`, `offsets` and `reference_axes` must be equally long, with no offset "
                f"below 0. Received: axes={axes}, offsets={offsets}, "
                f"reference_axes={reference_axes}"
            )

    def call(self, inputs: Sequence[keras.KerasTensor]) -> keras.KerasTensor:
        """The part."""
        x, reference = inputs
        sizes = ops.shape(reference)
        index = [slice(None)] * len(x.shape)
        for axis, offset, wanted in zip(self.axes, self.offsets, self.reference_axes, strict=True):
            index[axis] = slice(offset, offset + sizes[wanted])
        return x[tuple(index)]

    def compute_output_shape(
        self, input_shape: Sequence[tuple[int | None, ...]]
    ) -> tuple[int | None, ...]:
        """The first shape with the second one's sizes along the axes.

        Raises:
            ValueError: when the first input is too small.
        """
        x, reference = input_shape
        shape = list(x)
        for axis, offset, wanted in zip(self.axes, self.offsets, self.reference_axes, strict=True):
            size, there = reference[wanted], x[axis]
            if size is not None and there is not None and offset + size > there:
                raise ValueError(
                    f"Expected at least {offset} + {size} positions along axis {axis}. "
                    f"Received: input_shape={input_shape}"
                )
            shape[axis] = size
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "axes": list(self.axes),
            "offsets": list(self.offsets),
            "reference_axes": list(self.reference_axes),
        }


def _axes(axes: Sequence[int]) -> tuple[int, ...]:
    values = tuple(int(axis) for axis in axes)
    if len(set(values)) < len(values) or any(axis < 0 for axis in values):
        raise ValueError(f"`axes` must be different and at least 0. Received: axes={axes!r}")
    return values

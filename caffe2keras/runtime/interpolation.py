"""Bilinear resizing that keeps the corners."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe2keras.runtime.dialect import keras, ops
from caffe2keras.runtime.spatial import per_axis, resolve_data_format, spatial_axes

__all__ = ["Interpolation2D"]


@keras.saving.register_keras_serializable(package="caffe2keras")
class Interpolation2D(keras.Layer):
    """Bilinear resizing in which the corner pixels stay at the corners.

    DeepLab's and PSPNet's Interp (interp_layer.cpp, util/interp.cpp in hszhao's PSPNet). Along an
    axis of size n that becomes m, output j lies at (n - 1) / (m - 1) * j, in single precision.
    Unless ``size`` says m, it is ((n - 1) // shrink) * zoom + 1.

    Args:
        size: (H, W) of the output, or one int; None for what shrink and zoom make of the input.
        zoom: how many steps there are in the output for one of the input.
        shrink: how many steps of the input one of the output takes; this comes first.
        crop: (before, behind): pixels cut off both spatial axes to begin with.
        data_format: ``"channels_last"``, ``"channels_first"``, or None for Keras's own.

    Input shape:
        (N, H, W, C) or (N, C, H, W).

    Output shape:
        the same axes, H and W as above.

    Example:
        >>> x = keras.ops.reshape(keras.ops.array([0.0, 4.0]), (1, 1, 2, 1))
        >>> Interpolation2D(zoom=4)(x)  # 0, 1, 2, 3, 4
    """

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        zoom: int = 1,
        shrink: int = 1,
        crop: Sequence[int] = (0, 0),
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.size = None if size is None else per_axis(size, 2, "size", least=1)
        self.zoom = per_axis(zoom, 1, "zoom", least=1)[0]
        self.shrink = per_axis(shrink, 1, "shrink", least=1)[0]
        self.crop = per_axis(crop, 2, "crop", least=0)
        self.data_format = resolve_data_format(data_format)

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The resized image."""
        outputs = inputs
        for i, axis in enumerate(spatial_axes(4, self.data_format)):
            end = ops.shape(outputs)[axis] - self.crop[1]
            if any(self.crop):
                outputs = outputs[(*(slice(None),) * axis, slice(self.crop[0], end))]
            outputs = self._resized(outputs, axis, i)
        return outputs

    def _resized(self, x: keras.KerasTensor, axis: int, i: int) -> keras.KerasTensor:
        size = ops.shape(x)[axis]
        before, behind, share = _neighbours(size, self._wanted(size, i))
        share = ops.reshape(share, [-1 if each == axis else 1 for each in range(4)])
        low, high = ops.take(x, before, axis=axis), ops.take(x, behind, axis=axis)
        return low * (1.0 - share) + high * share

    def _wanted(self, size: Any, i: int) -> Any:
        """The output's size along spatial axis ``i`` (0 is H), for an input cropped to ``size``."""
        return (size - 1) // self.shrink * self.zoom + 1 if self.size is None else self.size[i]

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The input's shape with both spatial sizes changed.

        Raises:
            ValueError: when the input does not have 4 axes, or cropping leaves nothing of it.
        """
        if len(input_shape) != 4:
            raise ValueError(f"Expected an input of 4 axes. Received: input_shape={input_shape}")
        shape = list(input_shape)
        for i, axis in enumerate(spatial_axes(4, self.data_format)):
            size = input_shape[axis]
            if size is not None and size <= sum(self.crop):
                raise ValueError(
                    f"`crop` {self.crop} leaves nothing. Received: input_shape={input_shape}"
                )
            fixed = None if self.size is None else self.size[i]
            shape[axis] = fixed if size is None else self._wanted(size - sum(self.crop), i)
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "size": None if self.size is None else list(self.size),
            "zoom": self.zoom,
            "shrink": self.shrink,
            "crop": list(self.crop),
            "data_format": self.data_format,
        }


def _neighbours(
    size: Any, wanted: Any
) -> tuple[keras.KerasTensor, keras.KerasTensor, keras.KerasTensor]:
    """The pixels before and behind each output, and the share of the latter."""
    steps = ops.cast(ops.arange(wanted), "float32")
    last = ops.cast(ops.maximum(wanted - 1, 1), "float32")
    places = ops.cast(size - 1, "float32") / last * steps
    before = ops.cast(places, "int32")
    return before, ops.minimum(before + 1, size - 1), places - ops.cast(before, "float32")

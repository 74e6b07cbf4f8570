"""Images cut into blocks, and images collapsed into sequences: what lies between MDLSTMs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe2keras.runtime.base_mdlstm import channels_last, from_channels_last
from caffe2keras.runtime.dialect import keras, ops, zip
from caffe2keras.runtime.spatial import channel_axis, per_axis, resolve_data_format
from caffe2keras.runtime.through_time import Shape, Tensor

__all__ = ["CollapseRows", "TileBlocks"]


@keras.saving.register_keras_serializable(package="caffe2keras")
class TileBlocks(keras.Layer):
    """Each block of pixels becomes one pixel, which has the channels of all.

    Blocks do not overlap. An image that is no multiple of them gets zeros at its bottom and right;
    masked pixels become zeros too, so that padding an image changes no block of it. A Dense behind
    is a convolution whose stride is its kernel: its weights are (h w C, features), rows in the
    order of (dy, dx, channel).

    Args:
        block: (h, w), or one number for both.
        data_format: ``"channels_last"`` or ``"channels_first"``; Keras's configured one if None.

    Input shape:
        (N, H, W, C), or (N, C, H, W); a mask is (N, H, W) in either format.

    Output shape:
        (N, ceil(H / h), ceil(W / w), h w C), or with the channels first. The mask that goes on is
        True for every block that has a valid pixel.

    Example:
        >>> TileBlocks((2, 4))(keras.ops.ones((1, 5, 9, 3))).shape
        (1, 3, 3, 24)
    """

    def __init__(
        self, block: int | Sequence[int], data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.block = per_axis(block, 2, "block", least=1)
        self.data_format = resolve_data_format(data_format)
        self.supports_masking = True

    def call(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """The tiled images."""
        images = channels_last(inputs, self.data_format)
        if mask is not None:
            images = images * ops.cast(ops.expand_dims(mask, -1), images.dtype)
        n, rows, columns = ops.shape(images)[:3]
        height, width = self.block
        blocks = ops.transpose(self._cut(images), (0, 1, 3, 2, 4, 5))
        shape = (n, _count(rows, height), _count(columns, width), height * width * images.shape[-1])
        return from_channels_last(ops.reshape(blocks, shape), self.data_format)

    def _cut(self, images: Tensor) -> Tensor:
        """(N, H', h, W', w, C), zeros where blocks reach beyond the image."""
        n, rows, columns, channels = ops.shape(images)
        height, width = self.block
        down, along = _count(rows, height), _count(columns, width)
        # More than enough, and then cut: how much it takes may not be known before.
        padded = ops.pad(images, ((0, 0), (0, height - 1), (0, width - 1), (0, 0)))
        padded = padded[:, : down * height, : along * width]
        return ops.reshape(padded, (n, down, height, along, width, channels))

    def compute_mask(self, inputs: Any, mask: Tensor | None = None) -> Tensor | None:
        """Which blocks have a valid pixel."""
        if mask is None:
            return None
        height, width = self.block
        valid = ops.cast(ops.expand_dims(mask, -1), "float32")
        valid = ops.pad(valid, ((0, 0), (0, height - 1), (0, width - 1), (0, 0)))
        # As pooling, since this is asked for symbolic masks too, whose sizes may be None.
        found = ops.max_pool(valid, self.block, self.block, data_format="channels_last")
        return found[..., 0] > 0

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """As many blocks as it takes to cover the image."""
        channel = channel_axis(4, self.data_format)
        shape = list(input_shape)
        spatial = [axis for axis in (1, 2, 3) if axis != channel]
        for axis, size in zip(spatial, self.block, strict=True):
            length = shape[axis]
            shape[axis] = None if length is None else _count(length, size)
        channels = shape[channel]
        shape[channel] = None if channels is None else channels * self.block[0] * self.block[1]
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        own = {"block": list(self.block), "data_format": self.data_format}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="caffe2keras")
class CollapseRows(keras.Layer):
    """An image becomes a sequence along x: the sum over y, and one bias.

    RNNLIB's CollapseLayer with the bias of the output layer behind it, which is added once and
    not once a row.

    Args:
        use_bias: whether there is a bias, (C,), which begins at zero.
        data_format: ``"channels_last"`` or ``"channels_first"``; Keras's configured one if None.

    Input shape:
        (N, H, W, C), or (N, C, H, W); masked pixels, (N, H, W), do not count.

    Output shape:
        (N, W, C) in either format. The mask ends here: the length of a sequence is the business of
        what reads it.

    Example:
        >>> CollapseRows()(keras.ops.ones((1, 5, 9, 3))).shape
        (1, 9, 3)
    """

    def __init__(
        self, use_bias: bool = True, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.use_bias = bool(use_bias)
        self.data_format = resolve_data_format(data_format)
        self.supports_masking = True

    def build(self, input_shape: Shape) -> None:
        """The bias, one number a channel."""
        channels = input_shape[channel_axis(4, self.data_format)]
        self.bias = (
            self.add_weight(name="bias", shape=(channels,), initializer="zeros")
            if self.use_bias
            else None
        )
        self.built = True

    def call(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """The sums over y."""
        images = channels_last(inputs, self.data_format)
        if mask is not None:
            images = images * ops.cast(ops.expand_dims(mask, -1), images.dtype)
        columns = ops.sum(images, axis=1)
        return columns if self.bias is None else columns + self.bias

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """None."""

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(N, W, C)."""
        if self.data_format == "channels_first":
            return (input_shape[0], input_shape[3], input_shape[1])
        return (input_shape[0], input_shape[2], input_shape[3])

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        own = {"use_bias": self.use_bias, "data_format": self.data_format}
        return {**super().get_config(), **own}


def _count(length: Any, size: int) -> Any:
    """How many blocks cover a length."""
    return (length + size - 1) // size

"""A convolution whose kernel is another one at every place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe2keras.runtime.dialect import keras, ops
from caffe2keras.runtime.im2col import Im2col
from caffe2keras.runtime.spatial import channel_axis, spatial_axes

__all__ = ["LocallyConnected2D"]


@keras.saving.register_keras_serializable(package="caffe2keras")
class LocallyConnected2D(Im2col):
    """Cross-correlation with a kernel of its own at every place.

    Caffe's Local, a pull request that forks took over (local_layer.cpp in happynear's
    caffe-windows). Kernels run over the input's channels first, then over their taps.

    Args:
        filters: the output's channels.
        kernel_size: (kh, kw).
        strides: (sh, sw) or one int.
        padding: the zeros on both sides, (ph, pw) or one int.
        use_bias: whether something is added at every place.
        data_format: ``"channels_last"``, ``"channels_first"``, or None for Keras's own.

    Input shape:
        (N, H, W, C) or (N, C, H, W); all but N must be known.

    Output shape:
        the same axes, H and W a convolution's, with ``filters`` channels.

    Weights:
        ``kernel``, (places, C · kh · kw, filters), and ``bias``, (places, filters); places are
        counted row by row.

    Example:
        >>> LocallyConnected2D(6, (2, 3))(keras.ops.ones((1, 5, 7, 4))).shape
        (1, 4, 5, 6)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0,
        use_bias: bool = True,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(kernel_size, strides, padding, 1, data_format, **kwargs)
        if filters < 1 or len(self.kernel_size) != 2:
            raise ValueError(
                "`filters` must be at least 1, and `kernel_size` two integers. "
                f"Received: filters={filters}, kernel_size={kernel_size}"
            )
        self.filters = int(filters)
        self.use_bias = bool(use_bias)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes ``kernel`` and ``bias``.

        Raises:
            ValueError: when a size is unknown.
        """
        patches = super().compute_output_shape(input_shape)
        if None in patches[1:]:
            raise ValueError(
                f"All sizes but the batch must be known. Received: input_shape={input_shape}"
            )
        height, width = (patches[axis] for axis in spatial_axes(4, self.data_format))
        taps = patches[channel_axis(4, self.data_format)]
        places = height * width  # type: ignore[operator]  # none of them is None
        self.kernel = self.add_weight(name="kernel", shape=(places, taps, self.filters))
        if self.use_bias:
            shape = (places, self.filters)
            self.bias = self.add_weight(name="bias", shape=shape, initializer="zeros")

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The correlated values."""
        axis = channel_axis(4, self.data_format)
        patches = ops.moveaxis(super().call(inputs), axis, -1)
        height, width, taps = patches.shape[1:]
        rows = ops.transpose(ops.reshape(patches, (-1, height * width, taps)), (1, 0, 2))
        values = ops.transpose(ops.matmul(rows, ops.convert_to_tensor(self.kernel)), (1, 0, 2))
        if self.use_bias:
            values = values + ops.convert_to_tensor(self.bias)
        return ops.moveaxis(ops.reshape(values, (-1, height, width, self.filters)), -1, axis)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The input's shape with the spatial sizes convolved and ``filters`` channels."""
        shape = list(super().compute_output_shape(input_shape))
        shape[channel_axis(4, self.data_format)] = self.filters
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        config = super().get_config()
        del config["dilation_rate"]
        return {**config, "filters": self.filters, "use_bias": self.use_bias}

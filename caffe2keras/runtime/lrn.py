"""Local response normalization."""

from __future__ import annotations

from typing import Any

from caffe2keras.runtime.dialect import keras, ops
from caffe2keras.runtime.spatial import channel_axis, pad_spatial, resolve_data_format

__all__ = ["LRN"]

_REGIONS = ("across_channels", "within_channel")


@keras.saving.register_keras_serializable(package="caffe2keras")
class LRN(keras.Layer):
    """Divides every value by a power of the energy around it, as Caffe's LRN does.

    Across channels, with n = ``local_size`` and the window centred on the value's channel::

        y = x / (k + alpha / n * Σ_window x²) ** beta

    Within a channel, the window is n by n pixels, zeros beyond the border count, and Caffe
    ignores k (lrn_layer.cpp composes it of Power, AVE Pooling and Eltwise)::

        y = x * (1 + alpha / n² * Σ_window x²) ** -beta

    Args:
        local_size: the odd width n of the window.
        alpha: the weight of the window's mean energy.
        beta: the power.
        k: the constant beside the energy; 1 within a channel, whatever is given.
        norm_region: ``"across_channels"`` or ``"within_channel"``.
        data_format: ``"channels_last"``, ``"channels_first"``, or None for Keras's own.

    Input shape:
        (N, H, W, C) or (N, C, H, W); across channels, any number of spatial axes.

    Output shape:
        the input's.

    Example:
        >>> LRN(local_size=1, alpha=1.0, beta=1.0, k=1.0)(keras.ops.ones((1, 1, 1, 2)))  # 0.5, 0.5
    """

    def __init__(
        self,
        local_size: int = 5,
        alpha: float = 1.0,
        beta: float = 0.75,
        k: float = 1.0,
        norm_region: str = "across_channels",
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if local_size < 1 or local_size % 2 == 0:
            raise ValueError(f"`local_size` must be odd. Received: local_size={local_size}")
        if norm_region not in _REGIONS:
            raise ValueError(
                f"`norm_region` must be one of {_REGIONS}. Received: norm_region={norm_region!r}"
            )
        self.local_size = int(local_size)
        self.alpha = float(alpha)
        self.beta = float(beta)
        self.k = float(k)
        self.norm_region = norm_region
        self.data_format = resolve_data_format(data_format)

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The normalized values."""
        if self.norm_region == "across_channels":
            base = self.k + self._energy_across_channels(inputs) * (self.alpha / self.local_size)
        else:
            base = 1.0 + self._energy_within_channel(inputs) * self.alpha
        return inputs * _inverse_power(base, self.beta)

    def _energy_across_channels(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        # A sum of n shifted squares: elementwise, so the compilers fuse it, and free of the
        # cancellation that Caffe's own running sum (and a cumulative sum) suffers.
        axis = channel_axis(len(inputs.shape), self.data_format)
        channels = inputs.shape[axis]
        reach = self.local_size // 2
        pairs = [(reach, reach) if each == axis else (0, 0) for each in range(len(inputs.shape))]
        squares = ops.pad(ops.square(inputs), pairs)
        before = (slice(None),) * axis
        energy = squares[(*before, slice(0, channels))]
        for shift in range(1, self.local_size):
            energy = energy + squares[(*before, slice(shift, shift + channels))]
        return energy

    def _energy_within_channel(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        # At stride 1 and padding (n - 1) / 2 no window reaches beyond the padding, so Caffe's
        # divisor is n² everywhere: the plain average of the padded squares.
        reach = (self.local_size // 2,) * 2
        squares = pad_spatial(ops.square(inputs), reach, reach, self.data_format)
        return ops.average_pool(
            squares, self.local_size, strides=1, padding="valid", data_format=self.data_format
        )

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The input's shape."""
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "local_size": self.local_size,
            "alpha": self.alpha,
            "beta": self.beta,
            "k": self.k,
            "norm_region": self.norm_region,
            "data_format": self.data_format,
        }


def _inverse_power(base: keras.KerasTensor, beta: float) -> keras.KerasTensor:
    # A general power is four times the rest of the layer; nearly every net has beta 0.75.
    if beta == 0.75:
        root = ops.rsqrt(base)
        return root * ops.sqrt(root)
    if beta == 0.5:
        return ops.rsqrt(base)
    return ops.power(base, -beta)

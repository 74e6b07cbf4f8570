"""Maximum, average and stochastic pooling with Caffe's geometry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe2keras.runtime.dialect import keras, ops
from caffe2keras.runtime.window import PoolingWindow

__all__ = ["Pooling2D", "Pooling3D", "StochasticPooling2D"]

_LOWEST = float(np.finfo(np.float32).min)


class _Pooling(PoolingWindow):
    """Maximum or average over a sliding window."""

    def __init__(
        self,
        pool: str,
        pool_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0,
        ceil_mode: bool = True,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, ceil_mode, data_format, **kwargs)
        if pool not in ("max", "avg"):
            raise ValueError(f"`pool` must be 'max' or 'avg'. Received: pool={pool!r}")
        self.pool = pool

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The pooled image."""
        window = (self.pool_size, self.strides, "valid", self.data_format)
        if self.pool == "max":
            return self._clipped(ops.max_pool(self._padded(inputs, _LOWEST), *window), inputs)
        pooled = self._clipped(ops.average_pool(self._padded(inputs, 0.0), *window), inputs)
        return self._divided_as_caffe(pooled, inputs)

    def _divided_as_caffe(
        self, pooled: keras.KerasTensor, inputs: keras.KerasTensor
    ) -> keras.KerasTensor:
        # ``pooled`` was divided by the whole window; Caffe divides by what H + p leaves of it.
        for i, axis in enumerate(self.spatial_axes):
            size, windows = ops.shape(inputs)[axis], ops.shape(pooled)[axis]
            factor = self._whole_by_clipped(size, windows, i)
            if factor is not None:
                broadcast = [-1 if each == axis else 1 for each in range(self.rank)]
                pooled = pooled * ops.reshape(factor, broadcast)
        return pooled

    def _whole_by_clipped(self, size: Any, windows: Any, i: int) -> Any:
        """For each window along an axis, its whole size by its clipped one; None if all are 1."""
        if isinstance(size, int) and isinstance(windows, int):
            # No window at all is 0 / 0 in Caffe; 0 * inf gives the same NaN.
            with np.errstate(divide="ignore"):
                factor = self.pool_size[i] / self._clipped_sizes(np, size, windows, i)
            return None if np.all(factor == 1.0) else factor.astype("float32")
        return self.pool_size[i] / ops.cast(self._clipped_sizes(ops, size, windows, i), "float32")

    def _clipped_sizes(self, xp: Any, size: Any, windows: Any, i: int) -> Any:
        """The window sizes along an axis, by NumPy (``xp``) where all is known, else by ops."""
        start = xp.arange(windows) * self.strides[i] - self.padding[i]
        return xp.minimum(start + self.pool_size[i], size + self.padding[i]) - start

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "pool": self.pool}


@keras.saving.register_keras_serializable(package="caffe2keras")
class Pooling2D(_Pooling):
    """Maximum or average over a sliding window, placed and divided as Caffe does.

    pooling_layer.cpp settles it. Along each spatial axis of size H, with kernel k, stride s and
    padding p on both sides::

        out = ceil((H + 2p - k) / s) + 1                 (floor, when ceil_mode is False)
        out -= 1  if any axis is padded and (out - 1) * s >= H + p

    The maximum is taken over the part of the window inside the image; a window without such a
    part gives -FLT_MAX. The average divides the sum over that part by the size of the window
    clipped to the image and its padding, H + p (so a window without any part gives -0 or NaN).

    Args:
        pool: ``"max"`` or ``"avg"``. (Not ``"average"``: reading HDF5, Keras takes a string with
            the name of one of its functions for that function.)
        pool_size: the kernel (kh, kw), or one int for both.
        strides: (sh, sw) or one int.
        padding: (ph, pw) or one int, each smaller than the kernel.
        ceil_mode: round the output size up, Caffe's habit, or down.
        data_format: ``"channels_last"``, ``"channels_first"``, or None for Keras's own.

    Input shape:
        (N, H, W, C) or (N, C, H, W).

    Output shape:
        the same axes, H and W as above.

    Example:
        >>> Pooling2D("max", pool_size=2, strides=2)(keras.ops.ones((1, 5, 7, 3))).shape
        (1, 3, 4, 3)
    """


@keras.saving.register_keras_serializable(package="caffe2keras")
class Pooling3D(_Pooling):
    """Maximum or average over a window of length, height and width, as C3D has it.

    As Pooling2D, but that no window is taken away, with padding either (pool3d_layer.cpp in
    facebookarchive's C3D)::

        out = ceil((L + 2p - k) / s) + 1                 (floor, when ceil_mode is False)

    Args:
        pool: ``"max"`` or ``"avg"``.
        pool_size: the kernel (kl, kh, kw), or one int for all.
        strides: (sl, sh, sw) or one int.
        padding: (pl, ph, pw) or one int, each smaller than the kernel.
        ceil_mode: round the output size up, C3D's habit, or down.
        data_format: ``"channels_last"``, ``"channels_first"``, or None for Keras's own.

    Input shape:
        (N, L, H, W, C) or (N, C, L, H, W).

    Output shape:
        the same axes, L, H and W as above.

    Example:
        >>> Pooling3D("max", pool_size=2, strides=2)(keras.ops.ones((1, 4, 5, 7, 3))).shape
        (1, 2, 3, 4, 3)
    """

    spatial_rank = 3
    clips = False


@keras.saving.register_keras_serializable(package="caffe2keras")
class StochasticPooling2D(PoolingWindow):
    """``y = Σ x² / Σ x`` over a sliding window: the expectation of stochastic pooling.

    What Caffe's STOCHASTIC pooling computes in its TEST phase, on the GPU (pooling_layer.cu); 0
    where the sum is not positive. (In training Caffe draws one value of the window with a
    probability proportional to it; this layer does not.) Windows lie as in Pooling2D.

    Args:
        pool_size: the kernel (kh, kw), or one int for both.
        strides: (sh, sw) or one int.
        padding: must be 0, as in Caffe.
        ceil_mode: round the output size up, Caffe's habit, or down.
        data_format: ``"channels_last"``, ``"channels_first"``, or None for Keras's own.

    Input shape:
        (N, H, W, C) or (N, C, H, W).

    Output shape:
        the same axes, H and W pooled.

    Example:
        >>> x = keras.ops.reshape(keras.ops.array([1.0, 3.0]), (1, 1, 2, 1))
        >>> StochasticPooling2D((1, 2))(x)  # (1 + 9) / (1 + 3) = 2.5
    """

    def __init__(
        self,
        pool_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0,
        ceil_mode: bool = True,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, ceil_mode, data_format, **kwargs)
        if any(self.padding):
            raise ValueError(f"`padding` must be 0. Received: padding={padding}")

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The pooled image."""
        padded = self._padded(inputs, 0.0)
        window = (self.pool_size, self.strides, "valid", self.data_format)
        total = ops.average_pool(padded, *window)
        squares = ops.average_pool(ops.square(padded), *window)
        positive = total > 0.0
        return ops.where(positive, squares / ops.where(positive, total, 1.0), 0.0)

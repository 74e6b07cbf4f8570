"""Convolution and pooling in Theano, which knows channels first only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from theano import tensor as T  # noqa: N812  # as all of Theano's documentation has it
from theano.tensor.signal.pool import pool_2d, pool_3d

from caffe2keras.runtime.dialect import theano_image as image
from caffe2keras.runtime.dialect.theano_tensor import Tensor, wrapped

__all__ = ["average_pool", "conv", "image", "max_pool"]

PerAxis = Any  # an int, or one for each spatial axis


def conv(
    inputs: Any,
    kernel: Any,
    strides: PerAxis = 1,
    padding: str = "valid",
    data_format: str = "channels_last",
    dilation_rate: PerAxis = 1,
) -> Tensor:
    """Cross-correlation; an input of more channels than the kernel's is cut into groups.

    Args:
        inputs: (N, *spatial, C) or (N, C, *spatial), with one to three spatial axes.
        kernel: (*size, C / groups, filters).
        strides: one int, or one for each spatial axis; likewise
        padding: ``"valid"``, the only one that the layers use; and
        data_format: ``"channels_last"`` or ``"channels_first"``.
        dilation_rate: the step within the kernel.
    """
    _check_padding(padding)
    x, weights = wrapped(inputs), wrapped(kernel)
    rank = x.ndim - 2
    steps, spread = _per_axis(strides, rank), _per_axis(dilation_rate, rank)
    first = _channels_first(x, data_format)
    turned = _kernel_first(weights)
    if rank == 1:
        # As an image one pixel high.
        first, turned = _with_height(first), _with_height(turned)
        steps, spread = (1, *steps), (1, *spread)
    function = T.nnet.conv3d if rank == 3 else T.nnet.conv2d
    outputs = function(
        first.variable,
        turned.variable,
        input_shape=first.shape,
        filter_shape=turned.shape,
        subsample=steps,
        filter_dilation=spread,
        filter_flip=False,  # Theano's own habit is to turn kernels round
        num_groups=_groups(first, turned),
    )
    sizes = [
        _windows(size, d * (int(k or 1) - 1) + 1, s)
        for size, k, d, s in zip(first.shape[2:], turned.shape[2:], spread, steps)
    ]
    answer = Tensor(outputs, (first.shape[0], turned.shape[0], *sizes))
    return _as_asked(answer[:, :, 0] if rank == 1 else answer, data_format)


def max_pool(
    inputs: Any,
    pool_size: PerAxis,
    strides: PerAxis = None,
    padding: str = "valid",
    data_format: str = "channels_last",
) -> Tensor:
    """The largest value of each window."""
    return _pool("max", inputs, pool_size, strides, padding, data_format)


def average_pool(
    inputs: Any,
    pool_size: PerAxis,
    strides: PerAxis = None,
    padding: str = "valid",
    data_format: str = "channels_last",
) -> Tensor:
    """The mean of each window."""
    return _pool("average_inc_pad", inputs, pool_size, strides, padding, data_format)


def _pool(
    mode: str, inputs: Any, pool_size: PerAxis, strides: PerAxis, padding: str, data_format: str
) -> Tensor:
    _check_padding(padding)
    x = _channels_first(wrapped(inputs), data_format)
    rank = x.ndim - 2
    if rank == 1:
        raise ValueError("Keras 2 on Theano pools over two or three axes only.")
    window = _per_axis(pool_size, rank)
    steps = window if strides is None else _per_axis(strides, rank)
    function: Callable[..., Any] = pool_3d if rank == 3 else pool_2d
    pooled = function(x.variable, ws=window, ignore_border=True, stride=steps, mode=mode)
    sizes = [_windows(*each) for each in zip(x.shape[2:], window, steps)]
    return _as_asked(Tensor(pooled, (*x.shape[:2], *sizes)), data_format)


def _windows(size: int | None, reach: int, stride: int) -> int | None:
    return None if size is None else (size - reach) // stride + 1


def _groups(inputs: Tensor, kernel: Tensor) -> int:
    channels, each = inputs.shape[1], kernel.shape[1]
    if channels is None or each is None:
        raise ValueError("The channels of an input of a convolution must be known.")
    return channels // each


def _channels_first(x: Tensor, data_format: str) -> Tensor:
    return _moved(x, (0, x.ndim - 1, *range(1, x.ndim - 1))) if _last(data_format) else x


def _as_asked(x: Tensor, data_format: str) -> Tensor:
    return _moved(x, (0, *range(2, x.ndim), 1)) if _last(data_format) else x


def _last(data_format: str) -> bool:
    return data_format == "channels_last"


def _kernel_first(kernel: Tensor) -> Tensor:
    """(*size, I, O) -> (O, I, *size)."""
    rank = kernel.ndim
    return _moved(kernel, (rank - 1, rank - 2, *range(rank - 2)))


def _with_height(x: Tensor) -> Tensor:
    return Tensor(x.variable.dimshuffle(0, 1, "x", 2), (*x.shape[:2], 1, x.shape[2]))


def _moved(x: Tensor, order: Sequence[int]) -> Tensor:
    return Tensor(x.variable.dimshuffle(*order), [x.shape[axis] for axis in order])


def _per_axis(value: PerAxis, rank: int) -> tuple[int, ...]:
    return (value,) * rank if isinstance(value, int) else tuple(value)


def _check_padding(padding: str) -> None:
    if padding != "valid":
        raise ValueError(f"`padding` must be 'valid'. Received: padding={padding!r}")

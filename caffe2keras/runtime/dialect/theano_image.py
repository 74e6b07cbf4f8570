"""``keras.ops.image`` in Theano, as far as the layers use it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from theano import tensor as T  # noqa: N812  # as all of Theano's documentation has it

from caffe2keras.runtime.dialect.theano_tensor import Tensor, wrapped

__all__ = ["resize"]


def resize(
    images: Any,
    size: Sequence[int],
    interpolation: str = "bilinear",
    data_format: str = "channels_last",
) -> Tensor:
    """Images of another size, the centres of pixels half a pixel from the edge.

    Args:
        images: (N, H, W, C) or (N, C, H, W), H and W known.
        size: (height, width).
        interpolation: ``"bilinear"`` or ``"nearest"``.
        data_format: ``"channels_last"`` or ``"channels_first"``.
    """
    if interpolation not in ("bilinear", "nearest"):
        raise ValueError(f"`interpolation` is unknown. Received: {interpolation!r}")
    tensor = wrapped(images)
    for axis, wanted in zip((1, 2) if data_format == "channels_last" else (2, 3), size):
        tensor = _along(tensor, axis, int(wanted), interpolation)
    return tensor


def _along(x: Tensor, axis: int, wanted: int, interpolation: str) -> Tensor:
    size = x.shape[axis]
    if size is None:
        raise ValueError("Keras 2 on Theano resizes images of known size only.")
    matrix = T.constant(_shares(size, wanted, interpolation))
    order = [each for each in range(x.ndim) if each != axis]
    product = T.tensordot(x.variable, matrix, axes=[[axis], [1]])
    back = [order.index(each) if each != axis else x.ndim - 1 for each in range(x.ndim)]
    sizes = [wanted if each == axis else x.shape[each] for each in range(x.ndim)]
    return Tensor(product.dimshuffle(*back), sizes)


def _shares(size: int, wanted: int, interpolation: str) -> Any:
    """What each new pixel takes from each old one, (wanted, size)."""
    centres = (np.arange(wanted) + 0.5) * size / wanted - 0.5
    shares = np.zeros((wanted, size), np.float32)
    rows = np.arange(wanted)
    if interpolation == "nearest":
        shares[rows, np.clip(np.floor(centres + 0.5), 0, size - 1).astype(int)] = 1.0
        return shares
    low = np.floor(centres).astype(int)
    part = (centres - low).astype(np.float32)
    np.add.at(shares, (rows, np.clip(low, 0, size - 1)), 1.0 - part)
    np.add.at(shares, (rows, np.clip(low + 1, 0, size - 1)), part)
    return shares

"""The mean of a net's images: numbers, or an image in a file."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from caffe2keras.errors import InputError
from caffe2keras.read.blobs import read_blobs

__all__ = ["mean_of", "read_mean"]

Array = npt.NDArray[np.float32]
Size = tuple[int, int]


def read_mean(path: str | PathLike[str]) -> Array:
    """A mean image, or the means of the channels, from a ``.binaryproto`` or ``.npy`` file.

    Returns:
        (C, H, W), or (C, 1, 1).

    Raises:
        InputError: the file cannot be read, or holds something else.
    """
    blobs = read_blobs(path)
    arrays = [*blobs.inputs.values(), *blobs.outputs.values()]
    array = np.asarray(arrays[0], np.float32)
    if array.ndim == 4 and len(array) == 1:
        array = array[0]
    if len(arrays) != 1 or array.ndim not in (1, 3):
        raise InputError(
            what=f"{path} holds no mean",
            why=f"a mean image is (C, H, W), this is {array.shape}"
            if len(arrays) == 1
            else f"it holds {len(arrays)} arrays",
        )
    return array.reshape(-1, 1, 1) if array.ndim == 1 else array


def mean_of(mean: Any, channels: int, size: Size) -> tuple[Array, Size | None]:
    """A mean in the net's own size, and the size that pictures have before they are cropped.

    Args:
        mean: as :class:`Preprocessing` has it, or None.
        channels: of the net's input.
        size: its height and width.

    Returns:
        (C, 1, 1) or (C, H, W), cut out of the middle as Caffe cuts in phase TEST
        (data_transformer.cpp), and a mean image's own size or None.

    Raises:
        InputError: it does not fit the net.
    """
    if mean is None:
        return np.zeros((channels, 1, 1), np.float32), None
    if isinstance(mean, str | PathLike):
        return _cropped(read_mean(Path(mean)), channels, size, str(mean))
    array = np.asarray(mean, np.float32)
    if array.ndim == 3:
        return _cropped(array, channels, size, "the mean image")
    if array.size not in (1, channels):
        raise InputError(
            what=f"{array.size} means for an image of {channels} channels",
            hint=f"give one number, or {channels} of them in the order of the net's channels",
        )
    return np.broadcast_to(array.reshape(-1, 1, 1), (channels, 1, 1)), None


def _cropped(image: Array, channels: int, size: Size, name: str) -> tuple[Array, Size | None]:
    whole = image.shape[1:]
    if whole == (1, 1) and len(image) == channels:
        return image, None
    if len(image) != channels or whole[0] < size[0] or whole[1] < size[1]:
        raise InputError(
            what=f"{name} is {image.shape}, and the net takes ({channels}, {size[0]}, {size[1]})",
            why="a mean image is as large as the pictures, of which the net's size is cut out",
        )
    top, left = (whole[0] - size[0]) // 2, (whole[1] - size[1]) // 2
    return image[:, top : top + size[0], left : left + size[1]], (whole[0], whole[1])

"""From an image file to what a model is fed, without OpenCV but with its numbers."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from caffe2keras.errors import InputError
from caffe2keras.provenance import PreprocessingRecord
from caffe2keras.read.content import first_bytes
from caffe2keras.record import InputRecord

__all__ = ["blob_of", "read_picture", "resized"]

Array = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]


def blob_of(path: str | PathLike[str], entry: InputRecord, steps: PreprocessingRecord) -> Array:
    """What a model takes for an image file.

    Args:
        path: the file.
        entry: the input, (N, C, H, W).
        steps: how it is prepared; what the model does itself is left to it.

    Returns:
        (C, H, W) in Caffe's axis order.

    Raises:
        InputError: the file cannot be read, or the steps need a mean image that is not here.
    """
    _, channels, height, width = entry.shape
    picture = resized(read_picture(path, channels), steps.resize[0], steps.resize[1])
    top, left = (steps.resize[0] - height) // 2, (steps.resize[1] - width) // 2
    picture = picture[:, top : top + height, left : left + width]
    if steps.channel_order == "bgr":
        picture = picture[::-1]
    if steps.layers:
        return picture
    if steps.mean_file and not steps.mean:
        raise InputError(
            what=f"the mean image {steps.mean_file} is not in the model",
            hint=f"convert it with --mean {steps.mean_file}, which bakes it in",
        )
    mean = np.array(steps.mean, np.float32).reshape(-1, 1, 1)
    return (picture - mean) * np.float32(steps.scale)


def read_picture(path: str | PathLike[str], channels: int) -> Array:
    """An image file's values from 0 to 255.

    Args:
        path: of any kind that Pillow reads; turned upright as its camera says.
        channels: 3 for RGB, 1 for grey.

    Returns:
        (C, H, W), red first.

    Raises:
        InputError: Pillow is not installed or cannot read it, or the net takes other channels.
    """
    image = _pillow()
    path = Path(path)
    first_bytes(path, InputError)
    modes = {1: "L", 3: "RGB"}
    if channels not in modes:
        raise InputError(
            what=f"the net takes {channels} channels, and pictures have 1 or 3",
            hint="feed it with caffe2keras.load_model(...).predict instead",
        )
    try:
        with image.Image.open(path) as file:
            upright = image.ImageOps.exif_transpose(file).convert(modes[channels])
            values = np.asarray(upright, np.float32)
    except (OSError, ValueError, SyntaxError, image.Image.DecompressionBombError) as error:
        raise InputError(what=f"{path} is no picture that can be read", why=str(error)) from error
    return values.reshape(*values.shape[:2], channels).transpose(2, 0, 1)


def _pillow() -> Any:
    try:
        import PIL.Image
        import PIL.ImageOps
    except ImportError as error:
        raise InputError(
            what="pictures are read with Pillow, which is not installed",
            hint='pip install "caffe2keras[images]"',
        ) from error
    return PIL


def resized(picture: Array, height: int, width: int) -> Array:
    """Another size, each value from its two by two neighbours.

    As OpenCV's INTER_LINEAR resizes bytes, with which Caffe reads images (io.cpp:
    ReadImageToCVMat): pixels are squares, nothing is averaged where the picture shrinks, and the
    shares count in 2048ths, cut off between the two axes.

    Args:
        picture: (C, H, W), whole numbers from 0 to 255.
        height: of the result.
        width: likewise.
    """
    values = picture.astype(np.int64)
    left, right, near, far = _neighbours(picture.shape[2], width)
    rows = values[:, :, left] * near + values[:, :, right] * far
    above, below, near, far = _neighbours(picture.shape[1], height)
    upper = (rows[:, above] >> 4) * near[:, None] >> 16
    lower = (rows[:, below] >> 4) * far[:, None] >> 16
    return ((upper + lower + 2) >> 2).astype(np.float32)


def _neighbours(extent: int, size: int) -> tuple[Integers, Integers, Integers, Integers]:
    """For each place of the result its two neighbours, and their shares in 2048ths."""
    place = ((np.arange(size) + 0.5) * (extent / size) - 0.5).astype(np.float32)
    first = np.floor(place)
    share = np.where((first < 0) | (first >= extent - 1), 0, place - first)
    low = first.clip(0, extent - 1).astype(np.int64)
    near, far = (np.rint(part * 2048).astype(np.int64) for part in (1 - share, share))
    return low, (low + 1).clip(0, extent - 1), near, far

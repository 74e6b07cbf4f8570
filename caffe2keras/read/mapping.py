"""Files as memory, and numbers as views into them."""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from caffe2keras.errors import CaffemodelError
from caffe2keras.read.content import unreadable

__all__ = ["Bytes", "Stretch", "joined", "mapped"]

Bytes = mmap.mmap | bytes


def mapped(path: Path) -> Bytes:
    """The whole file as read-only memory, which lives as long as an array that looks into it."""
    try:
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as cause:  # ValueError: it has just become empty
        raise unreadable(path, cause, CaffemodelError) from cause


@dataclass(frozen=True, slots=True)
class Stretch:
    """Numbers at regular distances in a file.

    Attributes:
        dtype: their kind, in NumPy's spelling.
        start: where the first one begins.
        count: how many there are.
        stride: from one's beginning to the next one's.
    """

    dtype: str
    start: int
    count: int
    stride: int

    def view(self, data: Bytes) -> npt.NDArray[np.floating]:
        """The numbers where they lie."""
        return np.ndarray((self.count,), self.dtype, data, self.start, (self.stride,))


def joined(data: Bytes, stretches: list[Stretch]) -> npt.NDArray[np.floating]:
    """All the numbers in a row; one stretch stays a view."""
    views = [stretch.view(data) for stretch in stretches]
    if len(views) == 1:
        return views[0]
    if not views:
        return np.empty(0, np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.concatenate(views, dtype=np.float32, casting="same_kind")

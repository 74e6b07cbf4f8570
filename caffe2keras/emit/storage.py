"""How a number is kept in the file: as it is, or in half the bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import h5py
import numpy as np
import numpy.typing as npt

__all__ = ["STORAGES", "DType", "Storage"]

DType = Literal["float32", "float16", "bfloat16"]


@dataclass(frozen=True)
class Storage:
    """One way to keep numbers.

    Attributes:
        dtype: its name.
        itemsize: bytes a number.
        limit: the largest magnitude that stays finite.
        hdf5_type: makes what HDF5 calls it. Every reader gets float32 or float16 of it, as
            h5py has it, and Keras turns that into its variables' float32.
        encode: float32 numbers, one axis, into those bytes.
    """

    dtype: DType
    itemsize: int
    limit: float
    hdf5_type: Callable[[], Any]
    encode: Callable[[npt.NDArray[np.float32]], npt.NDArray[Any]]


def _bfloat16_type() -> Any:
    """float32 without its last 16 bits; HDF5 knows any such layout, though not by name."""
    kind = h5py.h5t.IEEE_F32LE.copy()
    kind.set_fields(15, 7, 8, 0, 7)
    kind.set_precision(16)
    kind.set_size(2)
    kind.set_ebias(127)
    return kind


def _to_bfloat16(numbers: npt.NDArray[np.float32]) -> npt.NDArray[np.uint16]:
    """Rounded to the nearest, ties to even; what is not a number stays none."""
    bits = numbers.view(np.uint32)
    rounded = (bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)
    quiet = (bits >> np.uint32(16)) | np.uint32(0x40)
    return np.where(np.isnan(numbers), quiet, rounded).astype("<u2")


def _to_float16(numbers: npt.NDArray[np.float32]) -> npt.NDArray[np.float16]:
    return numbers.astype("<f2")


STORAGES: dict[DType, Storage] = {
    "float32": Storage("float32", 4, np.inf, lambda: h5py.h5t.IEEE_F32LE, lambda numbers: numbers),
    "float16": Storage("float16", 2, 65519.0, lambda: h5py.h5t.IEEE_F16LE, _to_float16),
    "bfloat16": Storage("bfloat16", 2, 3.3961775e38, _bfloat16_type, _to_bfloat16),
}

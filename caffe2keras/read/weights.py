"""What a weights file holds, whichever way it was written."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from caffe2keras.errors import CaffemodelError

__all__ = ["BlobData", "FloatArray", "LayerBlobs", "WeightsFile"]

FloatArray = npt.NDArray[np.float32]

_MAX_AXES = 32  # blob.hpp: kMaxBlobAxes
_MAX_COUNT = 1 << 48  # numbers; no file holds as many, but one with an axis of 0 may declare them


@dataclass(frozen=True)
class BlobData:
    """One stored array, looked at but not yet read.

    Attributes:
        shape: the declared shape, in Caffe's axis order.
        legacy: whether it was declared as num, channels, height and width. Caffe compares such a
            shape from its end: a bias of 7 numbers stands there as (1, 1, 1, 7).
        held: how many numbers the file holds for it.
        address: the file, layer and index, for messages.
        problem: why it cannot be read, or "".
    """

    shape: tuple[int, ...]
    legacy: bool
    held: int
    address: str
    load: Callable[[], npt.NDArray[np.floating]] = field(compare=False, repr=False)
    fault: str = field(default="", repr=False)

    @property
    def problem(self) -> str:
        """Why it cannot be read, or "": worth asking early, and for all blobs at once."""
        if self.fault:
            return self.fault
        if len(self.shape) > _MAX_AXES:
            return f"it has {len(self.shape)} axes, and Caffe knows {_MAX_AXES} at most"
        if any(dim < 0 for dim in self.shape):
            return f"its shape {self.shape} has a negative axis"
        if math.prod(self.shape) != self.held:
            expected = f"{math.prod(self.shape):,} numbers for its shape {self.shape}"
            return f"expected {expected}, received {self.held:,}"
        if math.prod(dim or 1 for dim in self.shape) > _MAX_COUNT:
            return f"its shape {self.shape} is too large for any memory"
        return ""

    def array(self) -> FloatArray:
        """The numbers as float32, C-contiguous and read-only: a view of the file where it can be.

        Raises:
            CaffemodelError: the blob has a :attr:`problem`.
        """
        if self.problem:
            raise CaffemodelError(
                what="a blob cannot be read", where=self.address, why=self.problem
            )
        with np.errstate(over="ignore", invalid="ignore"):  # a double too large is an infinity
            numbers = np.ascontiguousarray(self.load(), dtype=np.float32).reshape(self.shape)
        numbers.flags.writeable = False
        return numbers


@dataclass(frozen=True)
class LayerBlobs:
    """One layer of a weights file.

    Attributes:
        name: the layer's name.
        type: its type as the file spells it (V1's as its enum name); "" in HDF5, which has none.
        blobs: its arrays. None stands for one that HDF5 keeps at the layer that owns it.
    """

    name: str
    type: str
    blobs: tuple[BlobData | None, ...]


@dataclass(frozen=True)
class WeightsFile:
    """A weights file; its arrays stay in the file until they are asked for.

    Attributes:
        path: where it lies.
        net_name: the net's name, "" in HDF5.
        layers: in the file's order, those without arrays included.
    """

    path: Path
    net_name: str
    layers: tuple[LayerBlobs, ...]

"""Arrays of any size, streamed into a file in blocks."""

from __future__ import annotations

import itertools
import math
import operator
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from caffe2keras.emit.storage import STORAGES, Storage

__all__ = ["Placement", "Progress", "silent", "write_arrays"]

Array = npt.NDArray[np.float32]

# Called with how many bytes are written, of how many.
Progress = Callable[[int, int], None]

# A block is what one thread holds in private memory at a time. One that stays in the processor's
# cache has each line of the source fetched once, however its numbers are scattered over the target.
_BLOCK_BYTES = 4 << 20

# How many numbers of the last axis a block takes, if there are as many, before it takes more of the
# others: what is written in one piece is to be long.
_RUN = 16384

# How much of the last axis a transposing copy takes at once: as many source rows as the
# translation buffer of a processor holds pages for, so that each is read once and not per element.
_TILE = 32

_THREADS = 2


@dataclass(frozen=True)
class Placement:
    """Numbers and their place: read in C order, ``view`` goes to ``offset`` of the file."""

    offset: int
    view: Array
    storage: Storage = STORAGES["float32"]

    @property
    def size(self) -> int:
        """How many bytes it takes in the file."""
        return self.view.size * self.storage.itemsize


def silent(done: int, total: int) -> None:
    """Progress that nobody wants to hear of."""


def write_arrays(handle: int, placements: Sequence[Placement], progress: Progress = silent) -> None:
    """Write every array at its place.

    Args:
        handle: a file descriptor open for writing.
        placements: the arrays; their memory is read block by block and never copied whole.
        progress: called after each block.
    """
    done, total = 0, sum(placement.size for placement in placements)
    blocks = (block for placement in placements for block in _blocks(placement))
    # The system lets one thread at a time write to a file, and the others burn a processor while
    # they wait; behind a lock of ours they sleep, and one block is permuted while another is
    # written.
    turn = threading.Lock()
    with ThreadPoolExecutor(_THREADS) as pool:
        # Copying and writing happen outside the interpreter's lock.
        for count in pool.map(lambda block: _write(handle, turn, block), blocks):
            done += count
            progress(done, total)


@dataclass(frozen=True)
class _Block:
    """A part of an array that is copied at once, and where in the file its runs begin."""

    view: Array
    offsets: tuple[int, ...]
    storage: Storage

    @property
    def size(self) -> int:
        """How many bytes it takes in the file."""
        return self.view.size * self.storage.itemsize


def _blocks(placement: Placement) -> Iterator[_Block]:
    """Cut an array into boxes that lie close together in the source, each a few runs of the file.

    Cutting along the leading axes alone would give one run each; but where a fully connected layer
    reads an image, the leading axes are its rows and columns, neighbours in every line of the
    source, and each line would be fetched for each of them.
    """
    # What is in C order already may be cut anywhere, and a scalar has an axis then.
    contiguous = placement.view.flags.c_contiguous
    view = placement.view.reshape(-1) if contiguous else placement.view
    sides = _sides(view)
    starts = (range(0, length, side) for length, side in zip(view.shape, sides, strict=True))
    for corner in itertools.product(*starts):
        part = view[tuple(slice(at, at + side) for at, side in zip(corner, sides, strict=True))]
        runs = _runs(view.shape, corner, part.shape)
        itemsize = placement.storage.itemsize
        offsets = tuple(placement.offset + run * itemsize for run in runs)
        yield _Block(part, offsets, placement.storage)


def _sides(view: Array) -> tuple[int, ...]:
    """How long a block is along each axis: first in the order of the source."""
    room = max(1, _BLOCK_BYTES // view.itemsize)
    sides = [1] * view.ndim
    last = view.ndim - 1
    near_first = sorted(range(last), key=lambda axis: abs(view.strides[axis]))
    for axis in (last, *near_first, last):
        most = _RUN if axis == last and sides[axis] == 1 else view.shape[axis]
        room *= sides[axis]
        sides[axis] = max(1, min(view.shape[axis], most, room))
        room //= sides[axis]
    return tuple(sides)


def _runs(whole: tuple[int, ...], corner: tuple[int, ...], shape: tuple[int, ...]) -> Iterator[int]:
    """Where each stretch of a block begins that has no gap in it, counted in numbers in C order."""
    steps = [math.prod(whole[axis + 1 :]) for axis in range(len(whole))]
    start = sum(map(operator.mul, corner, steps))
    # Behind the last axis that is cut, all is there.
    cut = max((axis for axis, side in enumerate(shape) if side < whole[axis]), default=0)
    for index in itertools.product(*map(range, shape[:cut])):
        yield start + sum(map(operator.mul, index, steps))


def _write(handle: int, turn: threading.Lock, block: _Block) -> int:
    numbers = block.storage.encode(_contiguous(block.view)).view(np.uint8).data
    length = block.size // len(block.offsets)
    with turn:
        for i, offset in enumerate(block.offsets):
            data = numbers[i * length : (i + 1) * length]
            while data:
                written = os.pwrite(handle, data, offset)
                data, offset = data[written:], offset + written
    return block.size


def _contiguous(view: Array) -> Array:
    """The numbers in C order: the view itself if it is, else a copy in this thread's buffer."""
    if view.flags.c_contiguous and view.dtype == np.dtype("<f4"):
        return view.reshape(-1)
    flat = _buffer(view.size)
    copy = flat.reshape(view.shape)
    for start in range(0, view.shape[-1] if view.ndim else 1, _TILE):
        copy[..., start : start + _TILE] = view[..., start : start + _TILE]
    return flat


def _buffer(size: int) -> Array:
    # Fresh memory costs more than the copy into it: the system clears it page by page.
    if getattr(_own, "buffer", np.empty(0)).size < size:
        _own.buffer = np.empty(size, np.dtype("<f4"))
    return cast("Array", _own.buffer[:size])


_own = threading.local()

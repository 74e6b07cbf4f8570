"""Arrays of any size, streamed into a file in blocks."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import numpy.typing as npt

from caffe2keras.emit.storage import STORAGES, Storage

__all__ = ["Placement", "Progress", "silent", "write_arrays"]

Array = npt.NDArray[np.float32]

# Called with how many bytes are written, of how many.
Progress = Callable[[int, int], None]

# A block is what one thread holds in private memory at a time.
_BLOCK_BYTES = 36 << 20

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


def _blocks(placement: Placement) -> Iterator[Placement]:
    """Cut an array along its leading axes into blocks that follow each other in the file."""
    view, offset = placement.view, placement.offset
    if view.nbytes <= _BLOCK_BYTES or view.ndim == 0:
        yield placement
        return
    step = max(1, _BLOCK_BYTES // (view.nbytes // view.shape[0]))
    row = placement.size // view.shape[0]
    for start in range(0, view.shape[0], step):
        part = view[start : start + step]
        inner = part[0] if part.shape[0] == 1 else part
        yield from _blocks(replace(placement, offset=offset + start * row, view=inner))


def _write(handle: int, turn: threading.Lock, block: Placement) -> int:
    data = block.storage.encode(_contiguous(block.view)).view(np.uint8).data
    offset = block.offset
    with turn:
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

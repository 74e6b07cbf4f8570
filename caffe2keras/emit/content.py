"""An open file as HDF5 writes to it through h5py, whether or not it has a name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["Content", "opened_for_hdf5"]


class Content:
    """What h5py asks of a file-like object.

    HDF5 cannot go on where a write has failed, and what h5py then raises does not tell why. So the
    first refusal of the system is kept, what follows is let go, and ``opened_for_hdf5`` raises it
    when HDF5 is done.

    Attributes:
        handle: the file's descriptor.
        refusal: what the system has refused first, if anything.
    """

    def __init__(self, handle: int) -> None:
        self.handle = handle
        self.refusal: OSError | None = None
        self._place = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place, from the beginning or from the end."""
        start = os.fstat(self.handle).st_size if whence == os.SEEK_END else 0
        self._place = start + offset
        return self._place

    def tell(self) -> int:
        """The place that it has gone to."""
        return self._place

    def readinto(self, buffer: memoryview) -> int:
        """Fill a buffer; what the file does not have yet is zeros, as HDF5's own driver has it."""
        found = os.preadv(self.handle, [buffer], self._place)
        buffer[found:] = bytes(len(buffer) - found)
        return len(buffer)

    def write(self, data: memoryview) -> int:
        """Write all of it, however often the system takes a part."""
        size = len(data)
        try:
            while data and self.refusal is None:
                written = os.pwrite(self.handle, data, self._place)
                data, self._place = data[written:], self._place + written
        except OSError as error:
            self.refusal = error
        return size

    def truncate(self, size: int) -> int:
        """Make it as long as this."""
        try:
            os.ftruncate(self.handle, size)
        except OSError as error:
            self.refusal = self.refusal or error
        return size

    def flush(self) -> None:
        """Nothing is held back."""


@contextmanager
def opened_for_hdf5(path: Path) -> Iterator[Content]:
    """A file that is there, to be written by HDF5.

    Raises:
        OSError: what the system has refused, once HDF5 is done.
    """
    content = Content(os.open(path, os.O_RDWR))
    try:
        yield content
        if content.refusal is not None:
            raise content.refusal
    finally:
        os.close(content.handle)

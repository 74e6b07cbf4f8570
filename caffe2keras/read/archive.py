"""Zip archives of strangers: nothing is unpacked before what they declare has been weighed."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Sequence

__all__ = ["ARCHIVE_DAMAGE", "weighed_members"]

# What Python's zipfile raises for a damaged or unusual archive.
ARCHIVE_DAMAGE = (
    OSError,
    ValueError,
    EOFError,
    RuntimeError,  # encrypted, or of a version that it does not know
    zipfile.BadZipFile,
    zlib.error,
)

_MAX_INFLATION = 100  # numbers compress by half; only a trap, or nothing but zeros, by more
_FREE_BYTES = 256 << 20  # an archive may unpack to so much whatever its size
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def weighed_members(archive: zipfile.ZipFile) -> Sequence[zipfile.ZipInfo]:
    """What is in an archive.

    Raises:
        ValueError: it unpacks to far more than it is (members that overlap included), a name is
            in it twice, or something is compressed as neither NumPy nor Keras compresses.
    """
    members = archive.infolist()
    size = os.fstat(archive.fp.fileno()).st_size if archive.fp is not None else 0
    declared = sum(member.file_size for member in members)
    if declared > max(_FREE_BYTES, _MAX_INFLATION * size):
        raise ValueError(f"it declares {declared:,} bytes and stores {size:,}")
    if len({member.filename for member in members}) < len(members):
        raise ValueError("two of its members have one name")
    for member in members:
        if member.compress_type not in _METHODS:
            raise ValueError(f"{member.filename} is compressed in an unusual way")
    return members

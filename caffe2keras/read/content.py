"""What a file is by its first bytes, whatever its name says."""

from __future__ import annotations

import re
import stat
from enum import Enum
from pathlib import Path

from caffe2keras.errors import InputError

__all__ = [
    "Content",
    "content_of",
    "decoded",
    "first_bytes",
    "refuse_special",
    "unreadable",
    "whole",
]

_HEAD = 4096
_LONGEST_TEXT = 100 << 20  # bytes; a net of ten thousand layers takes two million

# No text has these; every binary NetParameter with layers does (their tags are 0x12 and 0xa2 0x06).
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x19\x1c-\x1f]")


# What Python's "surrogateescape" makes of a byte that is no UTF-8, and the Latin-1 character.
_LATIN_1 = {0xDC00 + byte: byte for byte in range(0x80, 0x100)}


class Content(Enum):
    """The kinds of files that are handed to us; the value is how messages call them."""

    EMPTY = "an empty file"
    TEXT = "a text file"
    BINARY = "a binary file"
    HDF5 = "an HDF5 file"
    ZIP = "a zip archive"
    GZIP = "a gzip archive"
    UTF16 = "UTF-16 text"
    WEB_PAGE = "a web page"
    LFS_POINTER = "a Git LFS pointer"

    @property
    def hint(self) -> str:
        """How to come from such a file to the one that is meant, or ""."""
        return _HINTS.get(self, "")


_HINTS = {
    Content.EMPTY: "fetch or copy it again",
    Content.ZIP: "unpack it and give the file inside",
    Content.GZIP: "unpack it first",
    Content.UTF16: "save it as UTF-8",
    Content.WEB_PAGE: "download the raw file, not the page that shows it",
    Content.LFS_POINTER: "run `git lfs pull` to fetch the file that it stands for",
}


_MAGIC: tuple[tuple[bytes, Content], ...] = (
    (b"\x89HDF\r\n\x1a\n", Content.HDF5),
    (b"PK\x03\x04", Content.ZIP),
    (b"PK\x05\x06", Content.ZIP),
    (b"\x1f\x8b", Content.GZIP),
    (b"\xff\xfe", Content.UTF16),
    (b"\xfe\xff", Content.UTF16),
    (b"version https://git-lfs", Content.LFS_POINTER),
)


def content_of(head: bytes) -> Content:
    """What a file that begins with these bytes is."""
    if not head:
        return Content.EMPTY
    for magic, content in _MAGIC:
        if head.startswith(magic):
            return content
    if re.match(rb"\s*<(!doctype\s+html|html|head)\b", head, re.IGNORECASE):
        return Content.WEB_PAGE
    return Content.BINARY if _CONTROL.search(head) else Content.TEXT


def first_bytes(path: Path, error: type[InputError]) -> bytes:
    """The first bytes of a file; raises ``error`` if it is not there or cannot be read."""
    refuse_special(path, error)
    try:
        with path.open("rb") as file:
            return file.read(_HEAD)
    except (OSError, ValueError) as cause:
        raise unreadable(path, cause, error) from cause


def whole(path: Path, error: type[InputError]) -> bytes:
    """All of a file that is meant to be read as a whole; raises ``error`` if it is no such."""
    refuse_special(path, error)
    try:
        if (size := path.stat().st_size) > _LONGEST_TEXT:
            raise error(
                what=f"this file has {size:,} bytes, far more than one of its kind",
                where=str(path),
                hint="were two files swapped?",
            )
        return path.read_bytes()
    except (OSError, ValueError) as cause:
        raise unreadable(path, cause, error) from cause


def refuse_special(path: Path, error: type[InputError]) -> None:
    """Raise ``error`` for a pipe or a device: it may never end, or never begin."""
    try:
        kind = path.stat().st_mode
    except (OSError, ValueError):
        return  # opening it will say why
    if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
        raise error(
            what="this is a pipe or a device, not a file",
            where=str(path),
            why="files are read from several places at once",
            hint="write it to a file first",
        )


def unreadable(path: Path, cause: OSError | ValueError, error: type[InputError]) -> InputError:
    """The error for a file that the system does not hand out, or for a path that cannot be one."""
    reason = (getattr(cause, "strerror", "") or str(cause)).lower()
    return error(what=f"this file cannot be read: {reason}", where=str(path))


def decoded(data: bytes) -> str:
    """Text as its author meant it, as far as can be told.

    Caffe takes any bytes for a name or a comment. Bytes that are no UTF-8 are read as Latin-1, each
    by itself, so that a name reads the same in every file.
    """
    return data.decode("utf-8", "surrogateescape").translate(_LATIN_1)

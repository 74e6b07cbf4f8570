"""The names of a net's classes."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from caffe2keras.errors import InputError
from caffe2keras.read.content import whole

__all__ = ["read_labels"]


def read_labels(path: str | PathLike[str]) -> tuple[str, ...]:
    """One name a line, in the order of the classes, as in Caffe's ``synset_words.txt``.

    Empty lines at the end do not count.

    Raises:
        InputError: it cannot be read, is no text, or holds no name.
    """
    path = Path(path)
    try:
        lines = whole(path, InputError).decode("utf-8-sig").rstrip().splitlines()
    except UnicodeDecodeError as cause:
        raise InputError(what=f"{path} is no text", why=str(cause)) from cause
    if not lines:
        raise InputError(what=f"{path} names no class", hint="one name a line")
    return tuple(line.strip() for line in lines)

"""A weights file, whichever of Caffe's two formats it is in."""

from __future__ import annotations

import hashlib
from os import PathLike
from pathlib import Path

from caffe2keras.errors import CaffemodelError, InputError
from caffe2keras.read.content import Content, content_of, first_bytes, refuse_special, unreadable
from caffe2keras.read.weights import WeightsFile

__all__ = ["fingerprint", "read_weights"]


def read_weights(path: str | PathLike[str]) -> WeightsFile:
    """The weights in a ``.caffemodel`` or ``.caffemodel.h5``, told apart by content.

    Args:
        path: the file. It is mapped, not read: arrays are views into it wherever they can be.

    Raises:
        CaffemodelError: it is missing, breaks off, is something else, or holds no weights.
    """
    path = Path(path)
    try:
        weights = _read(path)
    except CaffemodelError as error:
        raise error.located(str(path)) from error.__cause__
    if not any(layer.blobs for layer in weights.layers):
        raise CaffemodelError(
            what="there are no weights in this file",
            where=str(path),
            why=f"none of its {len(weights.layers)} layers has an array",
            hint="give the file that Caffe's training wrote, or convert without weights",
        )
    return weights


def _read(path: Path) -> WeightsFile:
    content = content_of(first_bytes(path, CaffemodelError))
    if content is Content.HDF5:
        from caffe2keras.read.hdf5 import read_hdf5

        return read_hdf5(path)
    if content is Content.BINARY:
        from caffe2keras.read.binary import read_binary

        return read_binary(path)
    hint = content.hint or "weights come as .caffemodel or .caffemodel.h5; were two files swapped?"
    raise CaffemodelError(what=f"this is no caffemodel but {content.value}", hint=hint)


# Large, because after each piece the thread that hashes asks for the interpreter again, which
# others that convert meanwhile may hold.
_PIECE = 4 << 20


def fingerprint(path: str | PathLike[str]) -> str:
    """The SHA-256 of a file, in hexadecimal, read piece by piece.

    Raises:
        InputError: the file is missing or cannot be read.
    """
    path = Path(path)
    refuse_special(path, InputError)
    try:
        with path.open("rb", buffering=0) as file:
            digest, buffer = hashlib.sha256(), bytearray(_PIECE)
            while count := file.readinto(buffer):
                digest.update(memoryview(buffer)[:count])
            return digest.hexdigest()
    except (OSError, ValueError) as cause:
        raise unreadable(path, cause, InputError) from cause

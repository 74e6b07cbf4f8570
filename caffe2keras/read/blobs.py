"""Reference blobs: what a net was fed and what it answered, from whatever they were kept in."""

from __future__ import annotations

import json
import os
import warnings
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any
from urllib.parse import unquote

import numpy as np
import numpy.typing as npt

from caffe2keras.errors import BlobFileError, CaffemodelError
from caffe2keras.read.archive import ARCHIVE_DAMAGE, weighed_members
from caffe2keras.read.content import Content, content_of, first_bytes

__all__ = ["ORIGIN_MEMBER", "ReferenceBlobs", "read_blobs"]

Array = npt.NDArray[Any]

# The member of an archive that says who computed the blobs, of what.
ORIGIN_MEMBER = "recorded.json"
_LONGEST_ORIGIN = 1 << 16

_SIDES = ("input", "output")

# What NumPy says of a damaged array; from SyntaxError on, of a header that does not parse.
_DAMAGE = (
    *(OSError, ValueError, EOFError, ArithmeticError),
    *(SyntaxError, TokenError, RecursionError, MemoryError),
)


@dataclass(frozen=True)
class ReferenceBlobs:
    """Blobs of one forward pass, by Caffe's names.

    Attributes:
        inputs: what was fed in; empty where the file does not say which blobs those are.
        outputs: every other blob, after the whole pass.
        source: the file or folder.
        origin: who computed them, in words; "" where the file does not say.
    """

    inputs: dict[str, Array]
    outputs: dict[str, Array]
    source: str
    origin: str = ""


def read_blobs(path: str | PathLike[str]) -> ReferenceBlobs:
    """Reference blobs from a ``.npz``, a folder of ``.npy``, a ``.binaryproto`` or an HDF5 file.

    A key ``input/<blob>`` or ``output/<blob>`` says which side the blob is on, be it a key of the
    archive, a sub-folder or a group; a bare name counts as an output. In file names ``%2F`` stands
    for the "/" of a blob's name.

    Raises:
        BlobFileError: it is missing, damaged, of none of these kinds, or holds no blob.
    """
    path = Path(path)
    sides: dict[str, dict[str, Array]] = {side: {} for side in _SIDES}
    for key, array in _reader(path)(path):
        if array.dtype.kind not in "biuf":
            raise _unreadable(path, f'"{key}" holds {array.dtype}, not numbers')
        side, _, name = key.partition("/")
        if side in _SIDES and name:
            sides[side][name] = array
        else:
            sides["output"][key] = array
    if not any(sides.values()):
        raise _unreadable(path, "there is no blob in it")
    return ReferenceBlobs(sides["input"], sides["output"], str(path), _origin(path))


def _reader(path: Path) -> Callable[[Path], Iterator[tuple[str, Array]]]:
    if os.path.isdir(path):  # False for what can be no path at all
        return _from_folder
    head = first_bytes(path, BlobFileError)
    if head.startswith(b"\x93NUMPY"):
        return _from_npy
    content = content_of(head)
    readers = {
        Content.ZIP: _from_npz,
        Content.HDF5: _from_hdf5,
        Content.BINARY: _from_binaryproto,
    }
    if content not in readers:
        hint = content.hint or "give .npz, a folder of .npy, .binaryproto or HDF5"
        raise BlobFileError(
            what=f"these are no blobs but {content.value}", where=str(path), hint=hint
        )
    return readers[content]


def _from_npz(path: Path) -> Iterator[tuple[str, Array]]:
    member = None
    try:
        with zipfile.ZipFile(path) as archive:
            for member in weighed_members(archive):
                if member.filename == ORIGIN_MEMBER:
                    continue
                with archive.open(member) as file:
                    yield member.filename.removesuffix(".npy"), _member(file, member)
    except (*_DAMAGE, *ARCHIVE_DAMAGE) as cause:
        why = f"{member.filename}: {cause}" if member else str(cause)
        raise _unreadable(path, why) from cause


def _origin(path: Path) -> str:
    """What ``record`` has written about itself; a stranger's file says nothing."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(ORIGIN_MEMBER) as file:
            told = json.loads(file.read(_LONGEST_ORIGIN))
        words = [f"{told['by']} {told['version']}", told["inputs"]]
    except (*ARCHIVE_DAMAGE, KeyError, TypeError, RecursionError):
        return ""
    said = ", ".join(word for word in words if isinstance(word, str))
    return said if said.isprintable() else ""


def _member(file: IO[bytes], member: zipfile.ZipInfo) -> Array:
    """One array of an archive, believed only after its sizes have been compared.

    NumPy would allocate what the array's header declares before it reads on.
    """
    shape, fortran, dtype = _header(file)
    count = int(np.prod(shape, dtype=object))
    if dtype.hasobject:
        raise ValueError("holds Python objects, which are not loaded")
    if not 0 <= count * dtype.itemsize <= member.file_size:
        raise ValueError("breaks off")
    numbers = np.frombuffer(file.read(count * dtype.itemsize), dtype)
    return numbers.reshape(shape, order="F" if fortran else "C")


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that Python 2 wrote it
        if version == (1, 0):
            return np.lib.format.read_array_header_1_0(file)
        if version == (2, 0):
            return np.lib.format.read_array_header_2_0(file)
    raise ValueError(f"an array of format {version}, which numbers do not need")


def _from_folder(path: Path) -> Iterator[tuple[str, Array]]:
    for side in ("", *_SIDES):
        for file in sorted((path / side).glob("*.npy")):
            name = unquote(file.stem)
            yield f"{side}/{name}" if side else name, _npy(file)


def _from_npy(path: Path) -> Iterator[tuple[str, Array]]:
    yield unquote(path.stem), _npy(path)


def _npy(path: Path) -> Array:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that Python 2 wrote it
            return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except _DAMAGE as cause:
        raise _unreadable(path, str(cause)) from cause


def _from_binaryproto(path: Path) -> Iterator[tuple[str, Array]]:
    from caffe2keras.read.binary import blob_at
    from caffe2keras.read.mapping import mapped

    try:
        data = mapped(path)
        yield path.stem, blob_at(data, 0, len(data), str(path)).array()
    except CaffemodelError as cause:
        raise _unreadable(path, f"{cause.what}: {cause.why}") from cause


def _from_hdf5(path: Path) -> Iterator[tuple[str, Array]]:
    from caffe2keras.read.hdf5 import fault_of, opened, walk

    with opened(path, BlobFileError) as file:
        for prefix, _, datasets in walk(file):
            for name, dataset in datasets.items():
                key = f"{prefix}/{name}" if prefix else name
                if fault := fault_of(dataset):
                    raise _unreadable(path, f'"{key}": {fault}')
                yield key, dataset[()]


def _unreadable(path: Path, why: str) -> BlobFileError:
    return BlobFileError(
        what="these blobs cannot be read",
        where=str(path),
        why=why,
        hint="record them again, for instance with `caffe2keras record`",
    )

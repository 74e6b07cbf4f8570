"""Keras files of strangers, looked through before Keras opens them.

Keras's safe mode keeps code from being run, but Keras, or HDF5 below it, follows links and
external storage, allocates whatever a file declares, and follows a config as deep as it nests.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

import h5py

from caffe2keras.errors import InputError
from caffe2keras.read.archive import ARCHIVE_DAMAGE, weighed_members
from caffe2keras.read.content import Content, content_of, first_bytes
from caffe2keras.read.hdf5 import opened, trap_in, walk

__all__ = ["refuse_traps"]

# What Keras reads as JSON: attributes of an HDF5 file, and a member of an archive.
_CONFIG_ATTRIBUTES = ("model_config", "training_config")
_CONFIG_MEMBER = "config.json"


def refuse_traps(path: Path) -> None:
    """Refuse a ``.h5`` or ``.keras`` file that reaches out of itself, or unpacks to far more.

    Raises:
        InputError: it does, it is damaged, or it cannot be read. What is no such file is left to
            Keras to name.
    """
    content = content_of(first_bytes(path, InputError))
    if content is Content.HDF5:
        with opened(path, InputError) as file:
            _look_through(file)
    elif content is Content.ZIP:
        try:
            with zipfile.ZipFile(path) as archive:
                _look_through_archive(archive)
        except (*ARCHIVE_DAMAGE, LookupError, TypeError) as cause:
            raise InputError(
                what="this .keras archive is not loaded", where=str(path), why=str(cause)
            ) from cause


def _look_through_archive(archive: zipfile.ZipFile) -> None:
    for member in weighed_members(archive):
        place = PurePosixPath(member.filename)
        if place.is_absolute() or ".." in place.parts:
            raise ValueError(f"{member.filename} would be unpacked outside of its folder")
        if member.filename == _CONFIG_MEMBER:
            _refuse_nesting(archive.read(member))
        if place.suffix == ".h5":
            with archive.open(member) as packed, h5py.File(packed, "r") as file:
                _look_through(file)


def _look_through(file: Any) -> None:
    for name in _CONFIG_ATTRIBUTES:
        text = file.attrs.get(name)
        if isinstance(text, str | bytes):
            _refuse_nesting(text)
    for _, _, datasets in walk(file):
        for dataset in datasets.values():
            if trap := trap_in(dataset):
                raise ValueError(f"{dataset.name}: {trap}")


def _refuse_nesting(config: str | bytes) -> None:
    """Raise ValueError for a config that nests deeper than Python goes by itself.

    While a model is loaded it may go deeper (``backend.following_long_chains``), and json, written
    in C, would then end the process.
    """
    try:
        json.loads(config)
    except RecursionError:
        raise ValueError("its config nests too deep") from None
    except ValueError:
        pass  # no JSON: Keras says so

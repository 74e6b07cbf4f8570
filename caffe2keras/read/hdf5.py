"""Weights in Caffe's HDF5 layout, and how an HDF5 file of strangers is walked.

``Net::ToHDF5`` writes a group ``data``, in it a group for each layer, in it a dataset for each
array, named 0, 1, ... A layer whose name has a "/" lies in groups within groups. An array that
layers share is stored at the layer that owns it, and the others have a gap there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from caffe2keras.errors import CaffemodelError, InputError
from caffe2keras.read.content import decoded, first_bytes
from caffe2keras.read.mapping import Bytes, Stretch, joined, mapped
from caffe2keras.read.weights import BlobData, LayerBlobs, WeightsFile

__all__ = ["children", "fault_of", "numbers_of", "opened", "read_hdf5", "trap_in", "walk"]

_MAX_BLOBS = 1000  # of one layer; an unrolled recurrent layer has eight
_MAX_INFLATION = 100  # float blobs compress by half; only a trap, or nothing but zeros, by more
_FREE_BYTES = 256 << 20  # a dataset may declare so much whatever it stores

# What h5py raises for a damaged file: whatever Python has for what the library met.
_DAMAGE = (OSError, RuntimeError, LookupError, ValueError, TypeError, ArithmeticError)

# Where the superblocks of versions 0 and 1 have the address of a driver's own block.
_DRIVER_AT = {0: 48, 1: 52}
_NOWHERE = b"\xff" * 8


def read_hdf5(path: Path) -> WeightsFile:
    """The weights of a ``.caffemodel.h5``.

    Raises:
        CaffemodelError: it is damaged, or not of Caffe's layout.
    """
    with opened(path, CaffemodelError) as file:
        groups, _ = children(file)
        if "data" not in groups:
            raise _not_caffes(file)
        data = mapped(path)
        return WeightsFile(path, "", tuple(_layers(groups["data"], data, path)))


def _layers(root: h5py.Group, data: Bytes, path: Path) -> Iterator[LayerBlobs]:
    for name, groups, datasets in walk(root):
        stored = {int(key): value for key, value in datasets.items() if key.isdecimal()}
        size = max(stored, default=-1) + 1
        if size > _MAX_BLOBS:
            raise ValueError(f'layer "{name}" has an array numbered {size - 1}')
        if name and (stored or not groups):
            blobs = (
                _blob(stored[i], data, f'{path}, layer "{name}", blob {i}') if i in stored else None
                for i in range(size)
            )
            yield LayerBlobs(name, "", tuple(blobs))


def _blob(dataset: h5py.Dataset, data: Bytes, address: str) -> BlobData:
    return BlobData(
        shape=dataset.shape or (),
        legacy=False,
        held=dataset.size or 0,
        address=address,
        load=_loader(dataset, data),
        fault=fault_of(dataset),
    )


def _loader(dataset: h5py.Dataset, data: Bytes) -> partial[npt.NDArray[np.floating]]:
    """A view where the numbers lie in one piece, else a second visit to the file."""
    offset, dtype = dataset.id.get_offset(), dataset.dtype
    if offset is None or offset + dataset.nbytes > len(data):
        return partial(_reopened, Path(dataset.file.filename), dataset.name)
    return partial(joined, data, [Stretch(dtype.str, offset, dataset.size, dtype.itemsize)])


def _reopened(path: Path, name: str) -> npt.NDArray[np.floating]:
    with opened(path, CaffemodelError) as file:
        numbers: npt.NDArray[np.floating] = file[name][()]
        return numbers


@contextmanager
def opened(path: Path, error: type[InputError]) -> Iterator[h5py.File]:
    """An HDF5 file to read from; whatever the library says against it becomes ``error``."""
    try:
        _refuse_driver(path)
        with h5py.File(path, "r") as file:
            yield file
    except _DAMAGE as cause:
        raise error(
            what="this HDF5 file cannot be read",
            where=str(path),
            why=str(cause),
            hint="fetch or copy it again, or have it written anew",
        ) from cause


def _refuse_driver(path: Path) -> None:
    """Refuse a file that was split by one of HDF5's drivers, which Caffe never does.

    The library would allocate what such a driver's block declares, before any check.
    """
    head = first_bytes(path, InputError)
    at = _DRIVER_AT.get(head[8] if len(head) > 8 else 2)
    if at is not None and (head[13] != 8 or head[at : at + 8] != _NOWHERE):
        raise ValueError("its superblock is not as Caffe, or anybody with plain files, writes it")


def walk(
    root: h5py.Group,
) -> Iterator[tuple[str, dict[str, h5py.Group], dict[str, h5py.Dataset]]]:
    """Every group below ``root`` and itself: its path from there, its groups, its datasets.

    A group that can be reached in several ways is visited once, so that no knot of links can hold
    the walk.
    """
    waiting, seen = [("", root)], set()
    while waiting:
        path, group = waiting.pop()
        address = h5py.h5o.get_info(group.id).addr
        if address in seen:
            continue
        seen.add(address)
        groups, datasets = children(group)
        yield path, groups, datasets
        for name in reversed(groups):
            waiting.append((f"{path}/{name}" if path else name, groups[name]))


def children(group: h5py.Group) -> tuple[dict[str, h5py.Group], dict[str, h5py.Dataset]]:
    """The groups and the datasets in a group, each sorted by name as Caffe reads them.

    Only what the file itself holds: soft and external links are not followed, and are an error,
    since nobody but an author with a plan writes them.
    """
    groups, datasets = {}, {}
    for key in sorted(group.id):  # h5py's own look-up fails on a name that is no UTF-8
        name = decoded(key)
        if group.id.links.get_info(key).type != h5py.h5l.TYPE_HARD:
            raise ValueError(f"{group.name}/{name} is a link to elsewhere, which is not followed")
        item = h5py.h5o.open(group.id, key)
        if isinstance(item, h5py.h5g.GroupID):
            groups[name] = h5py.Group(item)
        elif isinstance(item, h5py.h5d.DatasetID):
            datasets[name] = h5py.Dataset(item)
    return groups, datasets


def fault_of(dataset: h5py.Dataset) -> str:
    """Why the numbers of a dataset are not to be had, or ""."""
    if dataset.shape is None or dataset.dtype.kind not in "fiu":
        return "it holds no numbers"
    return trap_in(dataset)


def trap_in(dataset: h5py.Dataset) -> str:
    """What makes a dataset of any kind dangerous to read, or ""."""
    if dataset.external or dataset.is_virtual:
        return "its numbers lie in another file, which is not opened"
    declared = math.prod(dataset.shape or ()) * dataset.dtype.itemsize
    if declared > max(_FREE_BYTES, _MAX_INFLATION * dataset.id.get_storage_size()):
        return f"it declares {declared:,} bytes and stores far fewer"
    return ""


def numbers_of(dataset: h5py.Dataset) -> npt.NDArray[Any]:
    """All the numbers of a dataset; raises ValueError where :func:`fault_of` has something."""
    if fault := fault_of(dataset):
        raise ValueError(f"{dataset.name}: {fault}")
    numbers: npt.NDArray[Any] = np.asarray(dataset[()])
    return numbers


def _not_caffes(file: h5py.File) -> CaffemodelError:
    hint = "give the .caffemodel.h5 that Caffe wrote"
    if "model_config" in file.attrs or "model_weights" in file:
        hint = "this is a Keras model already; give Caffe's file"
    elif "history" in file:
        hint = "this is a .solverstate.h5; give the .caffemodel.h5 that was written beside it"
    return CaffemodelError(
        what="this HDF5 file holds no Caffe weights", why='it has no group "data"', hint=hint
    )

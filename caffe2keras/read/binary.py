"""Weights in a binary NetParameter, found in the mapped file and left there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from caffe2keras.errors import CaffemodelError
from caffe2keras.read.content import decoded
from caffe2keras.read.mapping import Bytes, Stretch, joined, mapped
from caffe2keras.read.weights import BlobData, LayerBlobs, WeightsFile
from caffe2keras.read.wire import BYTES, FIXED32, FIXED64, VARINT, Field, field_at, fields, varint

__all__ = ["blob_at", "read_binary"]


class _Numbers(NamedTuple):
    """Where a message of one generation of Caffe keeps what we look for."""

    name: int
    type: int
    blobs: int


_LAYER = _Numbers(name=1, type=2, blobs=7)
_V1_LAYER = _Numbers(name=4, type=5, blobs=6)
_V0_LAYER = _Numbers(name=1, type=2, blobs=50)
_V0_INSIDE_V1 = 1

_NET_NAME, _NET_V1_LAYERS, _NET_LAYER = 1, 2, 100

# The wire types of NetParameter's own fields. A SolverState, a mean image or noise differs soon.
_NET_WIRES = {1: BYTES, 2: BYTES, 3: BYTES, 5: VARINT, 6: BYTES, 7: VARINT, 8: BYTES, 100: BYTES}

_SHAPE, _DATA, _DOUBLE_DATA, _RAW_TYPE, _RAW_DATA = 7, 5, 8, 10, 12
_LEGACY_DIMS = (1, 2, 3, 4)

# C3D 1.0 has the length among them, and so the numbers under another number (caffe.proto there).
_VOLUME_DIMS, _VOLUME_DATA = (1, 2, 3, 4, 5), 6
_UNPACKED = {_DATA: FIXED32, _DOUBLE_DATA: FIXED64}
_DTYPES = {_DATA: "<f4", _DOUBLE_DATA: "<f8", _VOLUME_DATA: "<f4"}

# NVCaffe 0.16, caffe.proto: enum Type. Its integers cannot be weights.
_RAW_DTYPES = {0: "<f8", 1: "<f4", 2: "<f2"}


def read_binary(path: Path) -> WeightsFile:
    """The weights of a binary caffemodel of any generation and any size.

    Raises:
        CaffemodelError: it breaks off, or is something else.
    """
    data = mapped(path)
    name, layers = "", []
    for item in fields(data, 0, len(data)):
        if _NET_WIRES.get(item.number, item.wire) != item.wire:
            raise _not_a_net(item)
        if item.number == _NET_NAME:
            name = _text(data, item)
        elif item.number == _NET_LAYER:
            layers.append(_layer(data, item, _LAYER, path))
        elif item.number == _NET_V1_LAYERS:
            layers.append(_layer(data, item, _V1_LAYER, path))
    return WeightsFile(path, name, tuple(layers))


def _layer(data: Bytes, at: Field, numbers: _Numbers, path: Path) -> LayerBlobs:
    name, kind, blobs = "", "", []
    for item in fields(data, at.start, at.end):
        if item.number == numbers.name and item.wire == BYTES:
            name = _text(data, item)
        elif item.number == numbers.type:
            kind = _text(data, item) if item.wire == BYTES else _v1_type(item.value)
        elif item.number == numbers.blobs and item.wire == BYTES:
            blobs.append(item)
        elif numbers is _V1_LAYER and item.number == _V0_INSIDE_V1 and item.wire == BYTES:
            return _layer(data, item, _V0_LAYER, path)
    return LayerBlobs(
        name,
        kind,
        tuple(
            blob_at(data, blob.start, blob.end, f'{path}, layer "{name}", blob {i}')
            for i, blob in enumerate(blobs)
        ),
    )


def blob_at(data: Bytes, start: int, end: int, address: str) -> BlobData:
    """The BlobProto that stretches from ``start`` to ``end``.

    Of several kinds of numbers Caffe takes double_data before data, and NVCaffe its raw_data last
    (blob.cpp: FromProto).
    """
    parts = _Parts.of(data, start, end)
    legacy = any(number in parts.scalars for number in _LEGACY_DIMS)
    numbers = _VOLUME_DIMS if parts.is_volume else _LEGACY_DIMS
    dims = [parts.scalars.get(n, 0) for n in numbers] if legacy else parts.dims
    stretches, fault = parts.numbers()
    return BlobData(
        shape=tuple(_signed(dim) for dim in dims),
        legacy=legacy,
        held=sum(stretch.count for stretch in stretches),
        address=address,
        load=partial(joined, data, stretches),
        fault=fault,
    )


@dataclass(frozen=True)
class _Parts:
    """The fields of one BlobProto, sorted."""

    scalars: dict[int, int]
    dims: list[int]
    arrays: dict[int, list[Field]]

    @classmethod
    def of(cls, data: Bytes, start: int, end: int) -> _Parts:
        parts = cls({}, [], {_DATA: [], _DOUBLE_DATA: [], _RAW_DATA: [], _VOLUME_DATA: []})
        for item in _blob_fields(data, start, end):
            if item.wire == VARINT:
                parts.scalars[item.number] = item.value
            elif item.number == _SHAPE and item.wire == BYTES:
                parts.dims.extend(_dims(data, item))
            elif item.number in parts.arrays and item.start < item.end:
                parts.arrays[item.number].append(item)
        return parts

    @property
    def is_volume(self) -> bool:
        """Whether it is a blob of C3D 1.0: what is the numbers elsewhere is its width."""
        return _DATA in self.scalars

    def numbers(self) -> tuple[list[Stretch], str]:
        """Where the numbers are, and why they cannot be read, or ""."""
        if self.is_volume:
            return _stretches(self.arrays[_VOLUME_DATA], _DTYPES[_VOLUME_DATA])
        for kind in (_DOUBLE_DATA, _DATA):
            if self.arrays[kind]:
                return _stretches(self.arrays[kind], _DTYPES[kind])
        if not self.arrays[_RAW_DATA]:
            return [], ""
        dtype = _RAW_DTYPES.get(self.scalars.get(_RAW_TYPE, -1))
        if dtype is None:
            return [], "its raw data is of no type that weights can have"
        return _stretches(self.arrays[_RAW_DATA][-1:], dtype)


def _stretches(items: list[Field], dtype: str) -> tuple[list[Stretch], str]:
    width, found = np.dtype(dtype).itemsize, []
    for item in items:
        size, stride = item.end - item.start, width
        if item.wire != BYTES:  # each number stands behind a tag of one byte, the first one's cut
            size, stride = size + 1, width + 1
        if size % stride:
            return [], f"its {size:,} bytes are no whole number of {width}-byte numbers"
        found.append(Stretch(dtype, item.start, size // stride, stride))
    return found, ""


def _blob_fields(data: Bytes, start: int, end: int) -> Iterator[Field]:
    """The fields of a BlobProto; a run of unpacked numbers comes as one."""
    while start < end:
        item = field_at(data, start, end)
        if _UNPACKED.get(item.number) == item.wire:
            item = item._replace(end=_run_end(data, item, end))
        yield item
        start = item.end


def _run_end(data: Bytes, first: Field, end: int) -> int:
    """Where numbers written one by one, each behind the same tag, come to an end."""
    tag, stride = first.number << 3 | first.wire, first.end - first.start + 1
    pos, window = first.end, 64
    while whole := min(window, (end - pos) // stride):
        tags = np.ndarray((whole,), np.uint8, data, pos, (stride,))
        others = np.flatnonzero(tags != tag)
        if others.size:
            return pos + int(others[0]) * stride
        pos, window = pos + whole * stride, window * 2
    return pos


def _dims(data: Bytes, shape: Field) -> Iterator[int]:
    for item in fields(data, shape.start, shape.end):
        if item.number != 1:
            continue
        if item.wire == VARINT:
            yield item.value
        pos = item.start
        while item.wire == BYTES and pos < item.end:
            value, pos = varint(data, pos, item.end)
            yield value


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _text(data: Bytes, item: Field) -> str:
    return decoded(data[item.start : item.end])


def _v1_type(number: int) -> str:
    from caffe2keras.proto import caffe_pb2

    known = caffe_pb2.V1LayerParameter.LayerType.DESCRIPTOR.values_by_number.get(number)
    return known.name if known else str(number)


def _not_a_net(item: Field) -> CaffemodelError:
    # SolverState and BlobProto begin with a small number where a net has its name.
    guess = "a .solverstate or a mean image" if item.number == _NET_NAME else "something else"
    return CaffemodelError(
        what="this is no caffemodel",
        why=f"field {item.number} of a net is of another kind; it may be {guess}",
        hint="give the .caffemodel that was written beside it",
    )

"""Protobuf's wire format, walked in place.

The compiled bindings copy every number of a message and give up beyond 2 GiB. Here a message is
a stretch of a buffer and its fields are smaller stretches; nothing is copied and nothing recurses,
so a file may be as large and as hostile as it likes. Each stretch is checked against the one that
holds it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from caffe2keras.errors import CaffemodelError

__all__ = [
    "BYTES",
    "FIXED32",
    "FIXED64",
    "VARINT",
    "Buffer",
    "Field",
    "field_at",
    "fields",
    "varint",
]

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

_MAX_VARINT = 10


class Buffer(Protocol):
    """Bytes that can be looked at one by one: ``bytes``, ``mmap``, ``memoryview``."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> int: ...


class Field(NamedTuple):
    """One field of a message.

    Attributes:
        number: the field's number.
        wire: its wire type.
        start: where its payload begins in the buffer (a varint: the varint itself).
        end: where it ends, and the next field begins.
        value: a varint's value, else 0.
    """

    number: int
    wire: int
    start: int
    end: int
    value: int = 0


def varint(data: Buffer, pos: int, end: int) -> tuple[int, int]:
    """The unsigned number at ``pos`` and the place after it.

    Raises:
        CaffemodelError: the number runs over ``end``, or is longer than ten bytes.
    """
    value = 0
    for i, at in enumerate(range(pos, min(end, pos + _MAX_VARINT))):
        byte = data[at]
        value |= (byte & 0x7F) << 7 * i
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at + 1
    if end - pos >= _MAX_VARINT:
        raise _malformed(pos, "a number is longer than ten bytes")
    raise _truncated(pos, "the file ends, or its message does, inside a number")


def field_at(data: Buffer, pos: int, end: int) -> Field:
    """The field at ``pos`` of a message that ends at ``end``.

    Raises:
        CaffemodelError: it does not fit, or is no field.
    """
    tag, start = varint(data, pos, end)
    number, wire = tag >> 3, tag & 7
    if not 0 < number < 1 << 29:
        raise _malformed(pos, f"{number} is no field number")
    if wire == VARINT:
        value, stop = varint(data, start, end)
        return Field(number, wire, start, stop, value)
    if wire == BYTES:
        size, start = varint(data, start, end)
    elif wire in (FIXED32, FIXED64):
        size = 4 if wire == FIXED32 else 8
    else:
        raise _malformed(pos, f"field {number} has wire type {wire}, which Caffe never writes")
    if size > end - start:
        raise _truncated(pos, f"field {number} needs {size:,} bytes, {end - start:,} are left")
    return Field(number, wire, start, start + size)


def fields(data: Buffer, start: int, end: int) -> Iterator[Field]:
    """The fields of the message that stretches from ``start`` to ``end``, in file order."""
    while start < end:
        field = field_at(data, start, end)
        yield field
        start = field.end


def _truncated(pos: int, why: str) -> CaffemodelError:
    return CaffemodelError(
        what=f"the data breaks off at byte {pos:,}",
        why=why,
        hint="the file is probably incomplete: fetch or copy it again",
    )


def _malformed(pos: int, why: str) -> CaffemodelError:
    return CaffemodelError(
        what=f"the data makes no sense at byte {pos:,}",
        why=why,
        hint="it is no caffemodel, or a damaged one",
    )

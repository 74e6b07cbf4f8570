"""Protobuf's wire format, walked in place."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caffe2keras.errors import CaffemodelError
from caffe2keras.read.wire import BYTES, FIXED32, FIXED64, VARINT, Field, fields, varint


def refusal(data: bytes) -> str:
    with pytest.raises(CaffemodelError) as caught:
        list(fields(data, 0, len(data)))
    return str(caught.value)


@given(st.integers(0, 2**64 - 1), st.binary(max_size=3))
def test_numbers_are_read_as_they_were_written(wire: Any, number: int, rest: bytes) -> None:
    data = wire.varint(number) + rest
    assert varint(data, 0, len(data)) == (number, len(data) - len(rest))


def test_fields_of_every_wire_type_are_found_in_order(wire: Any) -> None:
    data = wire.scalar(1, 300) + wire.block(2, b"abc") + b"\x1d1234" + b"\x2112345678"
    assert list(fields(data, 0, len(data))) == [
        Field(1, VARINT, 1, 3, 300),
        Field(2, BYTES, 5, 8),
        Field(3, FIXED32, 9, 13),
        Field(4, FIXED64, 14, 22),
    ]


def test_a_message_ends_where_it_is_told_to(wire: Any) -> None:
    data = b"junk" + wire.scalar(5, 1) + b"junk"
    assert [field.number for field in fields(data, 4, 6)] == [5]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            b"\x18\x01\x12\x05ab",
            "the data breaks off at byte 2\n"
            "  why: field 2 needs 5 bytes, 2 are left\n"
            "  try: the file is probably incomplete: fetch or copy it again",
        ),
        (
            b"\x08\xff\xff",
            "the data breaks off at byte 1\n"
            "  why: the file ends, or its message does, inside a number\n"
            "  try: the file is probably incomplete: fetch or copy it again",
        ),
        (
            b"\x1d123",
            "the data breaks off at byte 0\n"
            "  why: field 3 needs 4 bytes, 3 are left\n"
            "  try: the file is probably incomplete: fetch or copy it again",
        ),
        (
            b"\x08" + b"\xff" * 10 + b"\x01",
            "the data makes no sense at byte 1\n"
            "  why: a number is longer than ten bytes\n"
            "  try: it is no caffemodel, or a damaged one",
        ),
        (
            b"\x00\x01",
            "the data makes no sense at byte 0\n"
            "  why: 0 is no field number\n"
            "  try: it is no caffemodel, or a damaged one",
        ),
        (
            b"\x0b" * 1_000_000,
            "the data makes no sense at byte 0\n"
            "  why: field 1 has wire type 3, which Caffe never writes\n"
            "  try: it is no caffemodel, or a damaged one",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(data: bytes, message: str) -> None:
    assert refusal(data) == message


@given(st.binary(max_size=64))
def test_noise_ends_or_is_refused(data: bytes) -> None:
    try:
        found = list(fields(data, 0, len(data)))
    except CaffemodelError:
        return
    assert not found or found[-1].end == len(data)

"""What each field of a message takes, looked up once for each kind of message."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from caffe2keras.read.tokens import boolean, integer, real, unquoted, unquoted_bytes

__all__ = ["BOOKKEEPING", "FieldSpec", "closest_field", "closest_member", "fields_of"]

BOOKKEEPING = frozenset({"unknown_field", "source_line", "source_column", "unknown_type"})
"""Our own additions to Caffe's messages, which no prototxt can set."""


_FEW = 8
_LONGEST_SLIP = 80  # characters; looking for what is nearest to a long text takes long


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """How one field is read.

    Attributes:
        name: the field.
        repeated: whether it takes any number of values.
        child: the message that it holds, or None.
        enum: the enum that it is of, or None.
        kinds: the kinds of token that it takes.
        convert: a token's text to the value; ValueError for a wrong one, KeyError for an unknown
            member of an enum.
        expects: how messages call what it takes.
    """

    name: str
    repeated: bool
    child: Descriptor | None
    enum: EnumDescriptor | None
    kinds: frozenset[str]
    convert: Callable[[str], Any]
    expects: str


@cache
def fields_of(message: Descriptor) -> dict[str, FieldSpec]:
    """The fields that a text may set, by name."""
    return {f.name: _spec(f) for f in message.fields if f.name not in BOOKKEEPING}


@cache
def closest_field(message: Descriptor, name: str) -> str:
    """The field that this unknown one may have been meant to be, or ""."""
    return _closest(name, list(fields_of(message)))


def closest_member(field: FieldSpec, name: str) -> str:
    """The member of a field's enum that this unknown one may have been meant to be, or ""."""
    return _closest(name, [value.name for value in field.enum.values] if field.enum else [])


def _closest(name: str, known: list[str]) -> str:
    if len(name) > _LONGEST_SLIP:
        return ""
    spelled = {word.lower(): word for word in known}
    matches = difflib.get_close_matches(name.lower(), spelled, n=1, cutoff=0.7)
    return spelled[matches[0]] if matches else ""


def _spec(field: FieldDescriptor) -> FieldSpec:
    kinds, convert, expects = _reader(field)
    return FieldSpec(
        name=field.name,
        repeated=field.default_value == [],  # alone of all ways the same from protobuf 4 to 7
        child=field.message_type,
        enum=field.enum_type,
        kinds=frozenset(kinds),
        convert=convert,
        expects=expects,
    )


def _reader(field: FieldDescriptor) -> tuple[set[str], Callable[[str], Any], str]:
    if field.message_type is not None:
        return set(), _never, "a message in braces"
    if field.enum_type is not None:
        return {"word", "number"}, _enum_reader(field.enum_type), _members(field.enum_type)
    if field.cpp_type in _INTEGERS:
        return {"number"}, integer, f"an integer {_INTEGERS[field.cpp_type]}"
    return _READERS[field.type]


def _members(enum: EnumDescriptor) -> str:
    names = [value.name for value in enum.values]
    return f"one of {', '.join(names)}" if len(names) <= _FEW else f"a {enum.name}"


def _never(text: str) -> Any:
    raise ValueError(text)


def _enum_reader(enum: EnumDescriptor) -> Callable[[str], int]:
    names = {value.name: value.number for value in enum.values}

    def read(text: str) -> int:
        if text in names:
            return names[text]
        if text.isidentifier() or integer(text) not in names.values():
            raise KeyError(text)
        return integer(text)

    return read


_INTEGERS = {
    FieldDescriptor.CPPTYPE_INT32: "between -2147483648 and 2147483647",
    FieldDescriptor.CPPTYPE_INT64: "of 64 bits",
    FieldDescriptor.CPPTYPE_UINT32: "between 0 and 4294967295",
    FieldDescriptor.CPPTYPE_UINT64: "of 64 bits without sign",
}

_READERS: dict[int, tuple[set[str], Callable[[str], Any], str]] = {
    FieldDescriptor.TYPE_FLOAT: ({"number", "word"}, real, "a number"),
    FieldDescriptor.TYPE_DOUBLE: ({"number", "word"}, real, "a number"),
    FieldDescriptor.TYPE_BOOL: ({"number", "word"}, boolean, "true or false"),
    FieldDescriptor.TYPE_STRING: ({"string"}, unquoted, "a string in quotes"),
    FieldDescriptor.TYPE_BYTES: ({"string"}, unquoted_bytes, "a string in quotes"),
}

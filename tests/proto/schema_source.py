"""A second reader of caffe.proto, for the part of the language that it uses.

It shares nothing with protoc, so that the two can be held against each other: what the source says,
and what the committed bindings were made of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from caffe2keras.proto import caffe_pb2

SOURCE = Path(caffe_pb2.__file__).with_name("caffe.proto")
LABELS = ("optional", "required", "repeated")
_TOKEN = re.compile(r"//[^\n]*|\s+|'(?P<text>[^']*)'|\"(?P<quoted>[^\"]*)\"|(?P<word>[\w.+-]+)|.")


@dataclass(frozen=True)
class Field:
    """What a schema says of one field."""

    number: int
    label: str
    type: str
    default: str | None
    packed: bool

    def __str__(self) -> str:
        """Say it in a line, as bvlc_fields.txt does."""
        words = [str(self.number), self.label, self.type]
        if self.default is not None:
            words.append(f"default={self.default!r}")
        return " ".join(words + ["packed"] * self.packed)


@dataclass
class Schema:
    """All fields and enum values of a schema, by their full names."""

    fields: dict[str, Field] = field(default_factory=dict)
    values: dict[str, int] = field(default_factory=dict)


def canonical(kind: str, default: str) -> str:
    """Write a default in one way, however it was written: 1, 1. and 1e0 are one number."""
    if kind == "float":  # protoc tells it to nine digits, which are more than a float has
        return str(np.float32(default))
    return default


class SourceReader:
    """Reads one file from its first token to its last."""

    def __init__(self, text: str) -> None:
        """Start at the beginning of `text`."""
        self.tokens = self._tokens(text)
        self.schema = Schema()

    @staticmethod
    def _tokens(text: str) -> Iterator[str]:
        for match in _TOKEN.finditer(text):
            if match["text"] is not None or match["quoted"] is not None:
                yield match["text"] if match["text"] is not None else match["quoted"]
            elif not match[0].isspace() and not match[0].startswith("//"):
                yield match[0]

    def read(self) -> Schema:
        """Return what the file declares."""
        for word in self.tokens:
            if word in ("syntax", "package"):
                self._until(";")
            else:
                self._declaration(word, "")
        return self.schema

    def _declaration(self, word: str, scope: str) -> None:
        if word not in ("message", "enum"):
            return self._field(word, scope)
        name = scope + next(self.tokens) + "."
        assert next(self.tokens) == "{"
        for inner in iter(self.tokens.__next__, "}"):
            self._declaration(inner, name) if word == "message" else self._value(inner, name)

    def _value(self, word: str, scope: str) -> None:
        assert next(self.tokens) == "="
        self.schema.values[scope + word] = int(self._until(";")[0])

    def _field(self, label: str, scope: str) -> None:
        assert label in LABELS, label
        kind, name, equals, number = (next(self.tokens) for _ in range(4))
        assert equals == "="
        options = self._until(";")
        default = packed = None
        for key, option in zip(options[1::4], options[3::4], strict=True):
            default = canonical(kind, option) if key == "default" else default
            packed = option if key == "packed" else packed
        self.schema.fields[scope + name] = Field(
            int(number), label, kind, default, packed == "true"
        )

    def _until(self, end: str) -> list[str]:
        return list(iter(self.tokens.__next__, end))

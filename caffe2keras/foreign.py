"""What a prototxt says in fields that no Caffe schema known here has, for plugins to read.

The reader keeps such a field as text. Here it is read when a plugin asks for it, as the type that
the plugin names, since the text does not tell an integer from a number or a string from bytes.
What was asked for is remembered, so that the rest can be refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, TypeVar

import numpy as np

from caffe2keras.errors import PrototxtError
from caffe2keras.read.tokens import (
    BETWEEN,
    ITEM,
    SEPARATOR,
    STATEMENT,
    boolean,
    integer,
    real,
    unquoted,
)

__all__ = ["Foreign", "Written", "unread", "written"]

Value = TypeVar("Value")

# A value before its path is known: kind, text, fields; and a field: the same behind its name.
_Raw = tuple[str, str, tuple[Any, ...]]
_RawField = tuple[str, str, str, tuple[Any, ...]]

# Foreign fields share the set of what was read with the known ones, whose paths may be the same:
# an unknown member of an enum stands under the name of a known field.
_MARK = "?"


@dataclass(frozen=True)
class Written:
    """A field as the author wrote it.

    Attributes:
        path: dotted, from the layer on; where a name stands several times, with an index.
        name: the last step of the path, without an index.
        kind: of its token: "string", "number", "word"; "open" for a message.
        text: the value.
        parts: the fields of a message.
    """

    path: str
    name: str
    kind: str
    text: str
    parts: tuple[Written, ...] = ()


def written(fields: Sequence[tuple[str, str]]) -> tuple[tuple[Written, ...], ...]:
    """Fields kept by the reader, each as the trees that its text holds: several for a list.

    Args:
        fields: the path of each and the text of its value, in the prototxt's order.
    """
    values = [_values(path, text) for path, text in fields]
    numbered = iter(_numbered("", [one for several in values for one in several]))
    return tuple(tuple(islice(numbered, len(several))) for several in values)


def _values(path: str, text: str) -> list[_RawField]:
    try:
        return [(path, *value[1:]) for value in _statements(f"x: {text}", 0)[0]]
    except ValueError:
        return [(path, "", text, ())]  # what an upgrade has put there, which is of no type


def _statements(text: str, pos: int) -> tuple[list[_RawField], int]:
    """The statements from ``pos`` to the closing brace or the end, and the place behind it."""
    values: list[_RawField] = []
    while True:
        found = STATEMENT.match(text, pos)
        if found is None:
            raise ValueError(text)
        kind, pos = found.lastgroup or "", found.end()
        if kind in ("close", "end"):
            return values, pos
        if kind == "list":
            items, pos = _items(text, pos)
        else:
            item, pos = _value(text, kind, found[kind], found.start(kind), pos)
            items = [item]
        values += [(found["name"], *item) for item in items]
        separator = SEPARATOR.match(text, pos)
        pos = separator.end() if separator else pos


def _items(text: str, pos: int) -> tuple[list[_Raw], int]:
    items: list[_Raw] = []
    between = BETWEEN.match(text, pos)  # an empty list
    while between is None or between["more"]:
        found = ITEM.match(text, pos)
        if found is None:
            raise ValueError(text)
        kind = found.lastgroup or ""
        item, pos = _value(text, kind, found[kind], found.start(kind), found.end())
        items.append(item)
        between = BETWEEN.match(text, pos)
        if between is None:
            raise ValueError(text)
        pos = between.end()
    return items, between.end()


def _value(text: str, kind: str, token: str, start: int, pos: int) -> tuple[_Raw, int]:
    if kind != "open":
        return (kind, token, ()), pos
    parts, end = _statements(text, pos)
    return (kind, text[start:end], tuple(parts)), end


def _numbered(trail: str, values: Sequence[_RawField]) -> tuple[Written, ...]:
    """The same values with their paths; names that stand several times are counted."""
    names = [name for name, *_ in values]
    seen: dict[str, int] = {}
    fields: list[Written] = []
    for name, kind, text, parts in values:
        place = seen[name] = seen.get(name, -1) + 1
        path = trail + name + (f"[{place}]" if names.count(name) > 1 else "")
        inner = _numbered(f"{path}.", parts)
        fields.append(Written(path, name.rpartition(".")[2], kind, text, inner))
    return tuple(fields)


def unread(fields: Iterable[Written], read: Collection[str]) -> Iterator[Written]:
    """The fields that nobody asked for; of a message that was opened, its fields."""
    for field in fields:
        if f"{_MARK}{field.path}.*" in read:
            continue
        if f"{_MARK}{field.path}" not in read:
            yield field
        elif field.kind == "open":
            yield from unread(field.parts, read)


class Foreign:
    """The foreign fields of one message, read by name and type.

    Each reader takes the field's name and what holds where the author did not set it, as a
    ``.proto`` file would say it; each has a sister in the plural for repeated fields, which may be
    written one by one or as a list. All raise :class:`PrototxtError` for a value of another type.

    Args:
        fields: the message's.
        path: to the message, with a dot at the end.
        read: where to note what was read.
        known: names that the schema has; they are no foreign ones.
    """

    def __init__(
        self, fields: Sequence[Written], path: str, read: set[str], known: Collection[str] = ()
    ) -> None:
        self._fields = fields
        self._path = path
        self._read = read
        self._known = known

    def has(self, name: str) -> bool:
        """Whether the author set this field."""
        return bool(self._all(name))

    def integer(self, name: str, default: int = 0) -> int:
        """An integer."""
        return self._one(name, default, _INTEGER)

    def integers(self, name: str) -> tuple[int, ...]:
        """Integers."""
        return self._many(name, _INTEGER)

    def number(self, name: str, default: float = 0.0) -> float:
        """A number, rounded as Caffe's fields of type float are."""
        return self._one(name, default, _NUMBER)

    def numbers(self, name: str) -> tuple[float, ...]:
        """Numbers, rounded likewise."""
        return self._many(name, _NUMBER)

    def boolean(self, name: str, default: bool = False) -> bool:
        """True or false."""
        return self._one(name, default, _BOOLEAN)

    def booleans(self, name: str) -> tuple[bool, ...]:
        """Truths."""
        return self._many(name, _BOOLEAN)

    def string(self, name: str, default: str = "") -> str:
        """A string."""
        return self._one(name, default, _STRING)

    def strings(self, name: str) -> tuple[str, ...]:
        """Strings."""
        return self._many(name, _STRING)

    def word(self, name: str, default: str = "") -> str:
        """The name of a member of an enum."""
        return self._one(name, default, _WORD)

    def words(self, name: str) -> tuple[str, ...]:
        """The names of members of an enum."""
        return self._many(name, _WORD)

    def message(self, name: str) -> Foreign:
        """A message; one that the author did not write has none but default fields."""
        messages = self.messages(name)
        self._refuse_several(name, messages)
        return messages[0] if messages else Foreign((), f"{self._path}{name}.", self._read)

    def messages(self, name: str) -> tuple[Foreign, ...]:
        """Messages."""
        fields = self._all(name)
        for field in fields:
            if field.kind != "open":
                raise _of_another_type(field, "a message in braces")
        return tuple(Foreign(field.parts, f"{field.path}.", self._read) for field in fields)

    def honoured(self, *names: str) -> None:
        """Declare whole fields as honoured by other means, for instance by the inferred shape."""
        self._read.update(f"{_MARK}{field.path}.*" for name in names for field in self._all(name))

    def _all(self, name: str) -> tuple[Written, ...]:
        if name in self._known:
            raise AttributeError(
                f"{self._path}{name} is in the schema of caffe2keras: read it as layer.params."
                f"{self._path}{name}"
            )
        fields = tuple(field for field in self._fields if field.name == name)
        self._read.update(_MARK + field.path for field in fields)
        return fields

    def _one(self, name: str, default: Value, kind: _Type[Value]) -> Value:
        values = self._many(name, kind)
        self._refuse_several(name, values)
        return values[0] if values else default

    def _many(self, name: str, kind: _Type[Value]) -> tuple[Value, ...]:
        return tuple(kind.value_of(field) for field in self._all(name))

    def _refuse_several(self, name: str, values: Sequence[object]) -> None:
        if len(values) > 1:
            raise PrototxtError(
                what=f"{self._path}{name} is given {len(values)} times",
                why="the plugin that reads it takes it once, as the layer does",
                hint="keep the one that is meant",
            )


@dataclass(frozen=True)
class _Type(Generic[Value]):
    """How tokens are read as one type."""

    kinds: frozenset[str]
    convert: Callable[[str], Value]
    expects: str

    def value_of(self, field: Written) -> Value:
        try:
            if field.kind in self.kinds:
                return self.convert(field.text)
        except ValueError:
            pass
        raise _of_another_type(field, self.expects)


def _of_another_type(field: Written, expected: str) -> PrototxtError:
    return PrototxtError(what=f"{field.path}: expected {expected}, received {field.text}")


def _float(text: str) -> float:
    with np.errstate(over="ignore"):  # protobuf, too, makes an infinity of what is too large
        return float(np.float32(real(text)))


_INTEGER = _Type(frozenset({"number"}), integer, "an integer")
_NUMBER = _Type(frozenset({"number", "word"}), _float, "a number")
_BOOLEAN = _Type(frozenset({"number", "word"}), boolean, "true or false")
_STRING = _Type(frozenset({"string"}), unquoted, "a string in quotes")
_WORD = _Type(frozenset({"word"}), str, "a bare word")

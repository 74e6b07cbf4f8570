"""A layer's parameter message, read-only, which remembers what was read.

A mapping reads ``params.pooling_param.kernel_size`` as if it were the message itself. Afterwards
the dispatcher asks :meth:`Params.unread` for everything that the net's author set and nobody
looked at: such a field is refused by name, never dropped in silence.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from caffe2keras.foreign import Foreign, Written, unread, written

__all__ = ["Params", "Unread"]


@dataclass(frozen=True)
class Unread:
    """A field that was set to something other than its default and that nobody read.

    Attributes:
        path: dotted, as ``convolution_param.force_nd_im2col``; repeated messages carry an index.
        value: what the author wrote, as text.
        line: where in the prototxt, 0 if unknown.
        column: likewise.
        suggestion: the known field that the author may have meant, or "".
    """

    path: str
    value: str
    line: int = 0
    column: int = 0
    suggestion: str = ""


class Params:
    """A read-tracking view of one protobuf message.

    Fields appear in Python's terms: enums as their names, repeated fields as tuples, messages as
    further ``Params`` (an unset one shows its defaults). Defaults come from caffe.proto alone.

    Args:
        message: the protobuf message; never changed.
    """

    def __init__(
        self, message: Any, _path: str = "", _read: set[str] | None = None, _root: Any = None
    ) -> None:
        self._message = message
        self._root = message if _root is None else _root
        self._path = _path
        self._read: set[str] = set() if _read is None else _read
        self._fields = message.DESCRIPTOR.fields_by_name

    def fresh(self) -> Params:
        """The same message with nothing read yet."""
        return Params(self._message)

    @property
    def message(self) -> Any:
        """The protobuf message itself; reading it leaves no trace."""
        return self._message

    def __getattr__(self, name: str) -> Any:
        field = self.__dict__["_fields"].get(name)
        if field is None:
            raise AttributeError(f"{self._message.DESCRIPTOR.name} has no field {name!r}")
        self._read.add(self._path + name)
        value = getattr(self._message, name)
        if field.message_type is not None:
            return self._children(name, value, field)
        if field.enum_type is not None:
            return _enum_names(value, field)
        return tuple(value) if _is_repeated(field) else value

    def _children(self, name: str, value: Any, field: Any) -> Any:
        if not _is_repeated(field):
            return Params(value, f"{self._path}{name}.", self._read, self._root)
        return tuple(
            Params(item, f"{self._path}{name}[{i}].", self._read, self._root)
            for i, item in enumerate(value)
        )

    @property
    def foreign(self) -> Foreign:
        """What the author set here that caffe.proto does not know, to be read by a plugin."""
        start = len(self._path)
        fields = tuple(
            field
            for fields in _written(_unknown_fields(self._root))
            for field in fields
            if field.path.startswith(self._path) and "." not in field.path[start:]
        )
        return Foreign(fields, self._path, self._read, self._fields)

    def has(self, name: str) -> bool:
        """Whether the author set this field (a repeated one: gave at least one value)."""
        self._read.add(self._path + name)
        if _is_repeated(self._fields[name]):
            return len(getattr(self._message, name)) > 0
        return bool(self._message.HasField(name))

    def honoured(self, *names: str) -> None:
        """Declare whole fields as honoured by other means, for instance by the inferred shape."""
        for name in names:
            self._read.add(f"{self._path}{name}.*")

    def unread(self) -> tuple[Unread, ...]:
        """Fields set to other than their default that nobody read, foreign ones included."""
        return (*self._unread(self._message, self._path), *self.unread_foreign())

    def unread_foreign(self) -> tuple[Unread, ...]:
        """Fields that caffe.proto does not know and that nobody read."""
        items = _unknown_fields(self._message)
        return tuple(
            told
            for item, fields in zip(items, _written(items), strict=True)
            for told in _unread_parts(item, fields, self._read)
        )

    def _unread(self, message: Any, path: str) -> Iterator[Unread]:
        for field, value in message.ListFields():
            name = path + field.name
            if f"{name}.*" in self._read or field.name.startswith("source_"):
                continue
            if field.name == "unknown_field":
                continue
            if field.message_type is not None:
                items = list(value) if _is_repeated(field) else [value]
                for i, item in enumerate(items):
                    yield from self._unread(
                        item, f"{name}[{i}]." if _is_repeated(field) else f"{name}."
                    )
            elif name not in self._read and (_is_repeated(field) or value != field.default_value):
                yield Unread(name, _text(value, field))


def _unknown_fields(message: Any) -> Sequence[Any]:
    return getattr(message, "unknown_field", ())


def _written(items: Sequence[Any]) -> tuple[tuple[Written, ...], ...]:
    return written([(item.path, item.value) for item in items])


def _unread_parts(
    item: Any, fields: tuple[Written, ...], read: Collection[str]
) -> Iterator[Unread]:
    """An unknown field whole, or what is left of one that a plugin has read in part."""
    rest = tuple(unread(fields, read))
    if rest == fields:
        yield Unread(item.path, item.value, item.line, item.column, item.suggestion)
        return
    for field in rest:
        yield Unread(field.path, field.text, item.line, item.column)


def _is_repeated(field: Any) -> bool:
    # The descriptor's own name for this changed between protobuf 4 and 7.
    repeated = getattr(field, "is_repeated", None)
    return bool(field.label == field.LABEL_REPEATED if repeated is None else repeated)


def _enum_names(value: Any, field: Any) -> Any:
    names = field.enum_type.values_by_number
    if _is_repeated(field):
        return tuple(names[v].name for v in value)
    return names[value].name


def _text(value: Any, field: Any) -> str:
    if field.enum_type is not None:
        value = _enum_names(value, field)
    elif _is_repeated(field):
        value = tuple(value)
    if isinstance(value, tuple):
        return ", ".join(str(v) for v in value)
    return str(value).lower() if isinstance(value, bool) else str(value)

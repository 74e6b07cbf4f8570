"""Protobuf's text format, read into any message.

protobuf's own reader stops at the first field that it does not know, or drops all of them without a
word. This one keeps them: every unknown field and enum member becomes an ``unknown_field`` entry of
the layer (or net) around it, for those further on to refuse or to use. In everything else it is as
strict as Caffe, which reads with protobuf's C++ parser.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from caffe2keras.errors import PrototxtError
from caffe2keras.read.schema import FieldSpec, closest_field, closest_member, fields_of
from caffe2keras.read.tokens import (
    BETWEEN,
    ITEM,
    SEPARATOR,
    STATEMENT,
    blame,
    compact,
    token_after,
)

__all__ = ["parse_text"]

_MAX_DEPTH = 100  # protobuf's own bound for binary messages; a net needs six
_CLOSERS = {"{": "}", "<": ">"}

# Of one file; a text with thousands of unknown names is none that a slip or two would explain.
_MOST_SUGGESTIONS = 100

# The two generations of layers spell their types differently, and authors mix them up.
_TYPE_HINTS = {
    "LayerParameter": 'a "layer" names its type in quotes, as "Convolution"',
    "V1LayerParameter": 'old "layers" take a bare type, as CONVOLUTION; "layer" takes it in quotes',
}


def parse_text(text: str, message: Any, filename: str) -> None:
    """Fill a message from its text form.

    Args:
        text: the whole text, decoded.
        message: an empty protobuf message of any kind.
        filename: for messages.

    Raises:
        PrototxtError: the text is not well formed, or a value is of the wrong type; an unknown
            field too, where no message around it can keep it.
    """
    _Parser(text, filename).body(_Target.around(message, None, ""), 0)


@dataclass(slots=True)
class _Target:
    """The message that is being filled.

    Attributes:
        message: it, or None inside something unknown, which is only read over.
        fields: what may stand in it.
        keeper: the nearest message around it that keeps unknown fields, or None.
        trail: the path to it from there, with a dot at the end.
        depth: how many messages are around it.
    """

    message: Any
    fields: dict[str, FieldSpec]
    keeper: Any
    trail: str
    depth: int

    @classmethod
    def around(cls, message: Any, outer: _Target | None, step: str) -> _Target:
        """The target for a message that stands in ``outer`` under the name ``step``."""
        if "unknown_field" in message.DESCRIPTOR.fields_by_name:
            keeper, trail = message, ""
        else:
            keeper, trail = (outer.keeper, f"{outer.trail}{step}.") if outer else (None, "")
        depth = outer.depth + 1 if outer else 0
        return cls(message, fields_of(message.DESCRIPTOR), keeper, trail, depth)

    def nowhere(self) -> _Target:
        """The target for a message that stands in this one and that nobody knows."""
        return _Target(None, {}, None, "", self.depth + 1)


class _Parser:
    """One text and the places in it."""

    def __init__(self, text: str, filename: str) -> None:
        self._text = text
        self._filename = filename
        self._suggestions = 0

    def body(self, target: _Target, pos: int, brace: int = -1) -> int:
        """Read statements from ``pos`` to the closing fellow of ``brace``, or to the end.

        Args:
            target: the message to fill.
            pos: where to begin.
            brace: where the message's opening brace stands; -1 for the outermost message.

        Returns:
            The place behind the closing brace.
        """
        if target.depth > _MAX_DEPTH:
            raise self._error(brace, f"messages are nested more than {_MAX_DEPTH} deep")
        text, match, fields = self._text, STATEMENT.match, target.fields
        while True:
            found = match(text, pos)
            if found is None:
                raise self._unexpected(*blame(text, pos))
            kind, at, pos = found.lastgroup, found.start("name"), found.end()
            if kind in ("close", "end"):
                self._check_end(found, brace)
                return pos
            field = fields.get(found["name"])
            if kind in ("open", "list"):
                end = self._compound(target, field, found, at)
                pos = SEPARATOR.match(text, end).end()  # type: ignore[union-attr]  # never None
            elif field is not None:
                self._scalar(target, field, found, at)
                continue
            else:
                end = found.end(kind or "")
            if field is None and target.message is not None:
                self._keep_field(target, found, end)

    def _scalar(self, target: _Target, field: FieldSpec, found: re.Match[str], at: int) -> None:
        kind = found.lastgroup or ""
        text = found[kind]
        if kind not in field.kinds:
            raise self._wrong_type(target, field, kind, text, found.start(kind))
        try:
            value = field.convert(text)
            if field.repeated:
                getattr(target.message, field.name).append(value)
            elif target.message.HasField(field.name):
                raise self._twice(target, field, at)
            else:
                setattr(target.message, field.name, value)
        except KeyError:
            self._keep_member(target, field, text, at)
        except ValueError as cause:
            raise self._wrong_type(target, field, kind, text, found.start(kind)) from cause

    def _compound(
        self, target: _Target, field: FieldSpec | None, found: re.Match[str], at: int
    ) -> int:
        """Read the message or list whose bracket ends ``found``.

        Args:
            target: the message around it.
            field: the field that it is the value of, or None to read over it.
            found: the match of the statement or the item of a list.
            at: where the field's name stands.

        Returns:
            The place behind it.
        """
        kind, bracket = found.lastgroup or "", found.end() - 1
        if kind == "list":
            return self._list(target, field, bracket, at)
        if field is None:
            return self.body(target.nowhere(), bracket + 1, bracket)
        if field.child is None:
            raise self._wrong_type(target, field, kind, "a message in braces", bracket)
        return self.body(self._child(target, field, at), bracket + 1, bracket)

    def _list(self, target: _Target, field: FieldSpec | None, bracket: int, at: int) -> int:
        text, pos = self._text, bracket + 1
        if field is not None and not field.repeated:
            raise self._wrong_type(target, field, "list", "a list", bracket)
        between = BETWEEN.match(text, pos)  # an empty list
        while between is None or between["more"]:
            item = ITEM.match(text, pos)
            if item is None:
                raise self._unexpected(token_after(text, pos)[0], "an item of a list")
            pos = item.end()
            if item.lastgroup == "open":
                pos = self._compound(target, field, item, at)
            elif field is not None:
                self._scalar(target, field, item, at)
            between = BETWEEN.match(text, pos)
            if between is None:
                raise self._unexpected(token_after(text, pos)[0], '"," or "]"')
            pos = between.end()
        return between.end()

    def _child(self, target: _Target, field: FieldSpec, at: int) -> _Target:
        """A new message in ``target``, which knows where its name stands."""
        children, step = getattr(target.message, field.name), field.name
        if field.repeated:
            child, step = children.add(), f"{step}[{len(children) - 1}]"
        elif target.message.HasField(field.name):
            raise self._twice(target, field, at)
        else:
            child = children
            child.SetInParent()
        if "source_line" in child.DESCRIPTOR.fields_by_name:
            child.source_line, child.source_column = self._line_and_column(at)
        return _Target.around(child, target, step)

    def _keep_field(self, target: _Target, found: re.Match[str], end: int) -> None:
        """Note a field that the message does not have, with its value up to ``end``."""
        name = found["name"]
        value = compact(self._text[found.start(found.lastgroup or "") : end])
        suggestion = self._suggested(closest_field, target.message.DESCRIPTOR, name)
        self._keep(target, name, value, found.start("name"), suggestion)

    def _keep_member(self, target: _Target, field: FieldSpec, text: str, at: int) -> None:
        """Note a value that the field's enum does not have."""
        if "unknown_type" in target.message.DESCRIPTOR.fields_by_name and field.name == "type":
            target.message.unknown_type = text
        self._keep(target, field.name, text, at, self._suggested(closest_member, field, text))

    def _suggested(self, closest: Callable[[Any, str], str], known: Any, name: str) -> str:
        self._suggestions += 1
        return closest(known, name) if self._suggestions <= _MOST_SUGGESTIONS else ""

    def _keep(self, target: _Target, name: str, value: str, at: int, suggestion: str) -> None:
        path = target.trail + name
        if target.keeper is None:
            hint = f"did you mean {suggestion}?" if suggestion else ""
            raise self._error(at, f"unknown field or value: {path}: {value}", hint=hint)
        line, column = self._line_and_column(at)
        target.keeper.unknown_field.add(
            path=path, value=value, line=line, column=column, suggestion=suggestion
        )

    def _check_end(self, found: re.Match[str], brace: int) -> None:
        """Whether a message that opened at ``brace`` may end here."""
        at = found.end() - 1
        if found.lastgroup == "end":
            if brace >= 0:
                hint = f'add the "{_CLOSERS[self._text[brace]]}" that is missing'
                raise self._error(brace, "the file ends before this message does", hint=hint)
        elif brace < 0:
            hint = "there is one too many, or an opening one is missing further up"
            raise self._error(at, f'"{self._text[at]}" closes nothing', hint=hint)
        elif self._text[at] != _CLOSERS[self._text[brace]]:
            raise self._unexpected(at, f'"{_CLOSERS[self._text[brace]]}"')

    def _unexpected(self, at: int, expected: str) -> PrototxtError:
        _, token = token_after(self._text, at)
        hint = ""
        if token[0] in "$%@" or self._text.startswith("{{", at):
            hint = "this looks like a template: fill in its placeholders first"
        return self._error(at, f"expected {expected}, received {token}", hint=hint)

    def _wrong_type(
        self, target: _Target, field: FieldSpec, kind: str, text: str, at: int
    ) -> PrototxtError:
        path, hint = target.trail + field.name, ""
        if kind == "string" and kind in field.kinds:
            hint = "write a plain backslash as \\\\"
        elif field.name == "type":
            hint = _TYPE_HINTS.get(target.message.DESCRIPTOR.name, "")
        elif kind == "word" and "string" in field.kinds:
            hint = "put it in quotes"
        elif kind == "word" and "word" not in field.kinds:
            hint = "write a number; if this is a template, fill in its placeholders first"
        elif kind == "string":
            hint = "leave out the quotes"
        return self._error(at, f"{path}: expected {field.expects}, received {text}", hint=hint)

    def _twice(self, target: _Target, field: FieldSpec, at: int) -> PrototxtError:
        return self._error(
            at,
            f"{target.trail}{field.name} is given twice",
            why="Caffe takes it once, and refuses the whole file otherwise",
            hint="keep the one that is meant",
        )

    def _error(self, at: int, what: str, *, why: str = "", hint: str = "") -> PrototxtError:
        line, column = self._line_and_column(at)
        return PrototxtError(
            what=what, where=f"{self._filename}:{line}:{column}", why=why, hint=hint
        )

    def _line_and_column(self, at: int) -> tuple[int, int]:
        line = bisect_right(self._line_starts, at)
        return line, at - self._line_starts[line - 1] + 1

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(found.end() for found in re.finditer("\n", self._text))]

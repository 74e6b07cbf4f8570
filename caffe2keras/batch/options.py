"""Which options a net of a manifest may have, and what their values may be.

They are read off the signatures of ``convert`` and ``verify``: an option that is added there is
known here, with its type and its choices.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import os
import types
from collections.abc import Callable, Collection, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from caffe2keras.batch.urls import is_url
from caffe2keras.graph.wiring import did_you_mean

__all__ = [
    "Misfit",
    "StrPath",
    "check_options",
    "conform",
    "convert_options",
    "known_or_misfit",
    "without_defaults",
]

StrPath = str | PathLike[str]

# What the batch itself says, and what cannot be said in a file.
_OURS = {"progress", "oracle", "options"}


class Misfit(Exception):  # noqa: N818  it never leaves this package
    """A value that an option cannot have; ``trail`` is the way to it below the option."""

    def __init__(self, what: str, hint: str = "", trail: str = "") -> None:
        super().__init__(what)
        self.what, self.hint, self.trail = what, hint, trail

    def below(self, step: str) -> Misfit:
        """The same, seen from one level up."""
        return Misfit(self.what, self.hint, step + self.trail)


@functools.cache
def convert_options() -> Mapping[str, Any]:
    """``convert``'s options, each with its type."""
    from caffe2keras.convert import convert

    return _options_of(convert)


@functools.cache
def check_options() -> Mapping[str, Any]:
    """``verify``'s options, each with its type."""
    from caffe2keras.verify import verify

    return _options_of(verify)


def without_defaults(options: Mapping[str, Any]) -> dict[str, Any]:
    """Those of ``convert``'s options that say something; a default said aloud says nothing."""
    from caffe2keras.convert import convert

    parameters = inspect.signature(convert).parameters
    return {
        name: value
        for name, value in options.items()
        if name in convert_options() and value != parameters[name].default
    }


def known_or_misfit(table: Any, known: Collection[str]) -> Mapping[str, Any]:
    """The table, if it is one and all its keys are known.

    Raises:
        Misfit: it is none, or has a key that is not known; the nearest ones are named.
    """
    if not isinstance(table, Mapping):
        raise Misfit(f"expected a table, received {_shown(table)}")
    for key in table:
        if key not in known:
            hint = did_you_mean(str(key), known) or "known are " + ", ".join(sorted(known))
            raise Misfit(f'unknown key "{key}"', hint, f".{key}")
    return table


def conform(value: Any, hint: Any, base: str = "") -> Any:
    """A value as a function wants it, from what a manifest can say.

    Args:
        value: text, a number, a truth, a list or a table.
        hint: the parameter's type; a literal, a scalar, a path, a dataclass, a sequence, tuple or
            mapping of these, or a union.
        base: the folder that paths start from; "" leaves them as they are.

    Raises:
        Misfit: the value is none of these.
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _one_of(value, arguments, base)
    if origin is Literal:
        return _choice(value, arguments)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _table(value, arguments[1], base)
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return _list(value, origin, arguments, base)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _record(value, hint, base)
    return _scalar(value, hint, base)


def _options_of(function: Callable[..., Any]) -> Mapping[str, Any]:
    hints = get_type_hints(function)
    parameters = inspect.signature(function).parameters.values()
    return {
        one.name: hints[one.name]
        for one in parameters
        if one.kind is one.KEYWORD_ONLY and one.name not in _OURS
    }


def _one_of(value: Any, hints: tuple[Any, ...], base: str) -> Any:
    # Text is a path where the parameter takes paths, so that it starts from the manifest.
    ordered = sorted(hints, key=lambda hint: not _is_path(hint))
    misfits = []
    for hint in ordered:
        try:
            return conform(value, hint, base)
        except Misfit as misfit:
            misfits.append(misfit)
    # The arm that the value went deepest into is the one that was meant.
    raise max(misfits, key=lambda misfit: (len(misfit.trail), bool(misfit.hint)))


def _choice(value: Any, choices: tuple[Any, ...]) -> Any:
    if value in choices and not isinstance(value, bool):
        return value
    listed = ", ".join(f'"{choice}"' for choice in choices)
    hint = did_you_mean(str(value), [str(choice) for choice in choices])
    raise Misfit(f"expected one of {listed}, received {_shown(value)}", hint)


def _table(value: Any, hint: Any, base: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise Misfit(f"expected a table, received {_shown(value)}")
    return {str(name): _inside(f".{name}", item, hint, base) for name, item in value.items()}


def _list(value: Any, origin: type, hints: tuple[Any, ...], base: str) -> tuple[Any, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise Misfit(f"expected a list, received {_shown(value)}")
    endless = not issubclass(origin, tuple) or hints[-1] is Ellipsis
    if not endless and len(value) != len(hints):
        raise Misfit(f"expected {len(hints)} values, received {len(value)}")
    kinds = [hints[0]] * len(value) if endless else hints
    return tuple(
        _inside(f"[{index}]", item, hint, base)
        for index, (item, hint) in enumerate(zip(value, kinds, strict=True))
    )


def _record(value: Any, kind: type, base: str) -> Any:
    if isinstance(value, kind):
        return value
    hints = get_type_hints(kind)
    table = known_or_misfit(value, hints)
    return kind(**{key: _inside(f".{key}", item, hints[key], base) for key, item in table.items()})


def _scalar(value: Any, hint: Any, base: str) -> Any:
    if hint is type(None) and value is None:
        return None
    if _is_path(hint) and isinstance(value, str | PathLike):
        return _below(base, value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    # A bool is an int to Python, and to nobody else.
    if hint in (str, int, float, bool) and type(value) is hint:
        return value
    words = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
    expected = "a path" if _is_path(hint) else words.get(hint, "another value")
    raise Misfit(f"expected {expected}, received {_shown(value)}")


def _inside(step: str, value: Any, hint: Any, base: str) -> Any:
    try:
        return conform(value, hint, base)
    except Misfit as misfit:
        raise misfit.below(step) from None


def _below(base: str, path: StrPath) -> StrPath:
    if is_url(path) or os.path.isabs(path):
        return path if is_url(path) else Path(path)
    return f"{base}/{path}" if is_url(base) else Path(base, path)


def _is_path(hint: Any) -> bool:
    kind = get_origin(hint) or hint
    return isinstance(kind, type) and issubclass(kind, PathLike)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)

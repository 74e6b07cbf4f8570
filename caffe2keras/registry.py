"""Tables from Caffe's types to functions, which know where each function comes from.

Mappings, shape rules and the oracle's functions stand in one such table each: ours, and those of
plugins. Ours are trusted; what comes from elsewhere is called with care, so that its faults are
told as its own.
"""

from __future__ import annotations

import functools
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any, Generic, TypeVar

from caffe2keras.errors import Caffe2KerasError, PluginError

__all__ = [
    "PLUGIN_MODULE",
    "Registry",
    "failing_place",
    "guarded",
    "is_ours",
    "is_within",
    "owner_of",
    "plugin_name",
    "registering",
    "said",
    "source_file",
]

Row = TypeVar("Row")
Function = TypeVar("Function", bound=Callable[..., Any])

# How the modules that plugin files become are called, before the file's own name.
PLUGIN_MODULE = "caffe2keras_plugin_"


# The module of the plugin that is being loaded.
_REGISTRANT: ContextVar[str] = ContextVar("registrant", default="")


@dataclass(frozen=True)
class _Entry(Generic[Row]):
    """A row, the function that it was made of, and the plugin's module that has put it in."""

    row: Row
    function: Callable[..., Any]
    owner: str


class Registry(Mapping[str, Row]):
    """Caffe type -> what is known of it, and from which module it comes.

    Args:
        noun: what a row is called in messages: "a mapping".
        decorator: what puts rows in.
    """

    def __init__(self, noun: str, decorator: str) -> None:
        self._noun = noun
        self._decorator = decorator
        # What a row has replaced stands below it, and is there again when its plugin is forgotten.
        self._rows: dict[str, list[_Entry[Row]]] = {}

    def __getitem__(self, kind: str) -> Row:
        return self._rows[kind][-1].row

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def add(
        self, kinds: tuple[str, ...], row: Row, function: Callable[..., Any], replaces: bool
    ) -> None:
        """Put a row in for each type.

        Args:
            kinds: Caffe's types.
            row: what is known of them.
            function: as its author wrote it.
            replaces: whether it may take the place of one of ours, or of one from the same module.

        Raises:
            PluginError: a type has a row already.
        """
        for kind in kinds:
            if kind in self._rows:
                self._refuse_double(kind, function, replaces)
        for kind in kinds:
            self._rows.setdefault(kind, []).append(_Entry(row, function, owner_of(function)))

    def check_types(self, kinds: tuple[object, ...]) -> None:
        """Refuse a decorator that is given no types, as one without its parentheses is.

        Raises:
            TypeError: it is.
        """
        if not kinds or not all(isinstance(kind, str) and kind for kind in kinds):
            raise TypeError(f'@{self._decorator} takes Caffe types: @{self._decorator}("Gain")')

    def origin(self, kind: str) -> str:
        """The module that a row comes from; "" where it is ours, or where there is none."""
        return self._rows[kind][-1].owner if kind in self._rows else ""

    def forget(self, module: str) -> None:
        """Take out all rows that come from a module, or from below it."""
        kept = {
            kind: [row for row in rows if not is_within(row.owner, module)]
            for kind, rows in self._rows.items()
        }
        self._rows = {kind: rows for kind, rows in kept.items() if rows}

    def _refuse_double(self, kind: str, function: Callable[..., Any], replaces: bool) -> None:
        there = self._rows[kind][-1]
        is_same = there.owner == owner_of(function)
        if replaces and (not there.owner or is_same):
            return
        whose = plugin_name(there.owner) if there.owner else there.function.__module__
        hint = f"a plugin that means to says so: @{self._decorator}(..., replaces=True)"
        if is_same:
            whose, hint = "the same file", "one type, one function"
        elif there.owner:
            hint = "load one of the two plugins only"
        raise PluginError(
            what=f"{kind} has {self._noun} already: {there.function.__qualname__}, from {whose}",
            where=_place(function),
            why=f"{function.__qualname__} would take its place",
            hint=hint,
        )


@contextmanager
def registering(module: str) -> Iterator[None]:
    """Let all that is registered meanwhile come from this module, whoever wrote the functions."""
    token = _REGISTRANT.set(module)
    try:
        yield
    finally:
        _REGISTRANT.reset(token)


def owner_of(function: Callable[..., Any]) -> str:
    """The module that registers a function now; "" where that is this package."""
    return _REGISTRANT.get() or ("" if is_ours(function) else function.__module__)


def is_ours(function: Callable[..., Any]) -> bool:
    """Whether a function is part of this package."""
    return function.__module__.partition(".")[0] == "caffe2keras"


def is_within(module: str, package: str) -> bool:
    """Whether a module is this one, or lies in it."""
    return module == package or module.startswith(f"{package}.")


def plugin_name(module: str) -> str:
    """How a plugin is called: by its file's name, or by its module where that is importable."""
    if module.startswith(PLUGIN_MODULE):
        return Path(sys.modules[module].__file__ or module).name
    return module


def guarded(
    function: Function,
    noun: str,
    told: Callable[..., str],
    fault: Callable[..., str] = lambda answer, *given: "",
) -> Function:
    """A plugin's function, whose faults are told as the plugin's; ours is left as it is.

    Args:
        function: to call.
        noun: what it is: "mapping".
        told: what it was given -> the layer, as messages call it.
        fault: its answer and what it was given -> what is wrong with the answer, or "".
    """
    if is_ours(function):
        return function
    who = f"the plugin {plugin_name(owner_of(function))}"

    @functools.wraps(function)
    def call(*given: Any) -> Any:
        try:
            answer = function(*given)
        except Caffe2KerasError:
            raise
        except Exception as error:
            raise PluginError(
                what=f"{who} fails at {told(*given)}: {said(error)}",
                where=failing_place(error, source_file(function)),
                why=f"its {noun} {function.__qualname__} raises this",
                hint="--debug shows the whole traceback",
            ) from error
        problem = _problem(fault, answer, *given)
        if problem:
            raise PluginError(
                what=f"{who} answers wrongly for {told(*given)}: {problem}",
                where=_place(function),
                why=f"its {noun} {function.__qualname__} returns this",
            )
        return answer

    return call  # type: ignore[return-value]  # it takes and answers what the function does


def _problem(fault: Callable[..., str], answer: object, *given: Any) -> str:
    try:
        return fault(answer, *given)
    except (AttributeError, TypeError, ValueError) as error:
        return said(error)  # of another shape than anyone looks for


def said(error: BaseException) -> str:
    """An error of a plugin's in one line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def failing_place(error: BaseException, file: str) -> str:
    """The last line of a plugin's file on the way to an error, as ``file:line``."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename == file] or list(frames[-1:])
    return f"{own[-1].filename}:{own[-1].lineno}" if own else file


def source_file(function: Callable[..., Any]) -> str:
    """The file that a function is written in, whatever decorators are around it."""
    return _code(function).co_filename


def _place(function: Callable[..., Any]) -> str:
    code = _code(function)
    return f"{code.co_filename}:{code.co_firstlineno}"


def _code(function: Callable[..., Any]) -> CodeType:
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return function.__code__

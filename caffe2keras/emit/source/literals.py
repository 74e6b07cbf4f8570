"""Values as Python source, and source as lines that a formatter leaves alone.

The layout is that of Black and Ruff at their usual width. What does not fit into a line is
written one element a line with a comma behind the last, which both of them keep at any width.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["INDENT", "call", "literal", "wrapped"]

INDENT = "    "
_WIDTH = 88


def literal(value: Any) -> str:
    """A value of a Keras config as a Python expression; lists become tuples.

    Text of any kind is safe in it: it comes out as one string literal of one line.

    Raises:
        TypeError: a config cannot hold this value.
    """
    if value is None or isinstance(value, bool | int):
        return repr(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{literal(k)}: {literal(v)}" for k, v in value.items()) + "}"
    if isinstance(value, Sequence):
        items = [literal(item) for item in value]
        return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"
    raise TypeError(f"{type(value).__name__} has no literal")


def _number(value: float) -> str:
    if not math.isfinite(value):
        return f'float("{value}")'
    # Caffe's floats have 32 bits: 0.999 is said of 0.9990000128746033.
    with np.errstate(over="ignore"):
        narrow = np.float32(value)
    return repr(float(str(narrow))) if float(narrow) == value else repr(value)


def _string(value: str) -> str:
    text = repr(value)
    return f'"{text[1:-1]}"' if text[0] == "'" and '"' not in text else text


def call(depth: int, head: str, arguments: Sequence[str], tail: str = "") -> list[str]:
    """``head(arguments)tail``, broken into lines where it is too long for one."""
    indent = INDENT * depth
    line = f"{indent}{head}({', '.join(arguments)}){tail}"
    if len(line) <= _WIDTH or not arguments:
        return [line]
    inner = [line for argument in arguments for line in wrapped(depth + 1, argument, ",")]
    return [f"{indent}{head}(", *inner, f"{indent}){tail}"]


def wrapped(depth: int, text: str, tail: str) -> list[str]:
    """An argument, a tuple or a list, its elements on lines of their own if need be."""
    indent = INDENT * depth
    line = f"{indent}{text}{tail}"
    if len(line) <= _WIDTH:
        return [line]
    key, value = _target(text)
    tree = ast.parse(value, mode="eval").body
    if not isinstance(tree, ast.Tuple | ast.List) or not tree.elts:
        return [line]
    elements = [ast.get_source_segment(value, item) or "" for item in tree.elts]
    inner = [line for element in elements for line in wrapped(depth + 1, element, ",")]
    return [f"{indent}{key}{value[0]}", *inner, f"{indent}{value[-1]}{tail}"]


def _target(text: str) -> tuple[str, str]:
    """What stands before a value, ``name=`` or ``name = `` or nothing, and the value."""
    name, sign, value = text.partition("=")
    if not (sign and name.rstrip().isidentifier()):
        return "", text
    return (f"{name}= ", value.lstrip()) if name.endswith(" ") else (f"{name}=", value)

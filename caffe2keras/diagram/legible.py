"""Text as it may be drawn: nothing in it that hides, turns it around or breaks the file."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

__all__ = ["cells", "shape_text", "shortened", "visible"]

_ELLIPSIS = "…"


def visible(text: str) -> str:
    r"""The text with what cannot be seen written out, as ``\u202e``.

    That is every character of Unicode's category C: control characters, which XML forbids, marks
    that turn the direction of writing, lone surrogates, which UTF-8 forbids, and code points that
    stand for nothing; and line and paragraph separators.
    """
    return "".join(_escaped(character) for character in text)


def _escaped(character: str) -> str:
    category = unicodedata.category(character)
    if category[0] == "C" or category in ("Zl", "Zp"):
        return character.encode("unicode_escape").decode("ascii")
    return character


def cells(text: str) -> int:
    """How many characters' widths the text takes where all characters are equally wide."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


def shortened(text: str, most: int) -> str:
    """The text, visible, in at most so many cells; what is too long loses its middle.

    The ends of Caffe's names tell layers apart: "inception_4a/5x5_reduce".
    """
    text = visible(text)
    if cells(text) <= most:
        return text
    tail = _within(reversed(text), (most - 1) // 2)[::-1]
    return _within(text, most - 1 - cells(tail)) + _ELLIPSIS + tail


def _within(text: Iterable[str], most: int) -> str:
    taken = ""
    for character in text:
        if cells(taken + character) > most:
            break
        taken += character
    return taken


def shape_text(shape: tuple[int, ...] | None) -> str:
    """``2x3x11x8``; a question mark for a shape that is not known."""
    if shape is None:
        return "?"
    return "x".join(map(str, shape)) or "scalar"

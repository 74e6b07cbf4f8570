"""Text as it may be drawn: nothing in it that hides, turns it around or breaks the file."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from caffe2keras.legible import visible

__all__ = ["cells", "shape_text", "shortened", "visible"]

_ELLIPSIS = "…"


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

"""Text of strangers as it may be shown: nothing in it hides, turns it around or gives orders."""

from __future__ import annotations

import unicodedata

__all__ = ["printable", "visible"]


def visible(text: str) -> str:
    r"""The text with what cannot be seen written out, as ``\u202e``.

    That is every character of Unicode's category C: control characters, which XML forbids and
    terminals obey, marks that turn the direction of writing, lone surrogates, which UTF-8 forbids,
    and code points that stand for nothing; and line and paragraph separators.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(character) for character in text)


def printable(text: str) -> str:
    """The same, with its line feeds and tabs left as they are: for text of several lines."""
    return "\n".join("\t".join(map(visible, line.split("\t"))) for line in text.split("\n"))


def _escaped(character: str) -> str:
    category = unicodedata.category(character)
    if category[0] == "C" or category in ("Zl", "Zp"):
        return character.encode("unicode_escape").decode("ascii")
    return character

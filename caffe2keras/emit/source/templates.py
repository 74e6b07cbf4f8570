"""What names have in common: ``res2a_branch1`` and ``res3a_branch1`` are ``res{}a_branch1``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Template", "templates_of"]


@dataclass(frozen=True)
class Template:
    """A name with one part left open."""

    before: str
    after: str

    def source(self, variable: str) -> str:
        """The name as an expression, the open part being a variable."""
        if not self.before and not self.after:
            return variable
        return f'f"{self.before}{{{variable}}}{self.after}"'


def templates_of(
    rows: Sequence[Sequence[str]],
) -> tuple[tuple[Template, ...], tuple[str, ...]] | None:
    """Templates for several rows of names, with one word for each row that fills them all.

    Args:
        rows: names of the same things, block by block; all rows are equally long.

    Returns:
        A template for each column and a word for each row, or None where one word will not do.
    """
    templates: list[Template] = []
    words: tuple[str, ...] = ()
    for column in zip(*rows, strict=True):
        template, filling = _stripped(column)
        # Most rows that are tried have little in common, which shows at once.
        if (templates and filling != words) or len(set(filling)) < len(filling):
            return None
        templates.append(template)
        words = filling
    # "2a" and "3a" rather than "2" and "3", where that letter is always there, and "2a" and "2b"
    # rather than "a" and "b".
    digits = _ending_digits(_common_end([t.before for t in templates]))
    letters = _leading_letters([t.after for t in templates])
    templates = [
        Template(t.before.removesuffix(digits), t.after.removeprefix(letters)) for t in templates
    ]
    words = tuple(digits + word + letters for word in words)
    if not all(words) or not all(map(_can_be_said, (name for row in rows for name in row))):
        return None
    return tuple(templates), words


def _ending_digits(text: str) -> str:
    return text[len(text.rstrip("0123456789")) :]


def _leading_letters(texts: Sequence[str]) -> str:
    """The letters that all begin with, if they end there: "a" of "a_branch1" and "a"."""
    starts = {re.match("[A-Za-z]*", text, re.ASCII).group() for text in texts}  # type: ignore[union-attr]
    ended = all(re.match("[A-Za-z]*(?![A-Za-z0-9])", text) for text in texts)
    return starts.pop() if len(starts) == 1 and ended else ""


def _can_be_said(name: str) -> bool:
    """Whether it may stand in an f-string as it is."""
    return re.fullmatch(r"[\w.-]+", name, re.ASCII) is not None


def _common_start(texts: Sequence[str]) -> str:
    first, last = min(texts), max(texts)
    return first[: next((i for i, c in enumerate(first) if c != last[i]), len(first))]


def _common_end(texts: Sequence[str]) -> str:
    return _common_start([text[::-1] for text in texts])[::-1]


def _stripped(names: Sequence[str]) -> tuple[Template, tuple[str, ...]]:
    before = _common_start(names)
    rest = [name[len(before) :] for name in names]
    after = _common_end(rest)
    return Template(before, after), tuple(name[: len(name) - len(after)] for name in rest)

"""Unknown words are answered with the nearest known one, as Click does for options."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

import click

__all__ = ["NearestChoice", "suggestion"]


def suggestion(word: str, known: Iterable[str]) -> str:
    """The end of a message: which known word is near, or nothing."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f" Did you mean '{near[0]}'?" if near else ""


class NearestChoice(click.Choice):  # type: ignore[type-arg]  # generic only in newer Click
    """One of several words, in any case."""

    def __init__(self, choices: Iterable[str]) -> None:
        super().__init__(tuple(choices))

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The word as it is listed, or an error with the nearest one."""
        for choice in self.choices:
            if str(value).casefold() == str(choice).casefold():
                return str(choice)
        words = ", ".join(f"'{choice}'" for choice in self.choices)
        hint = suggestion(str(value), map(str, self.choices))
        self.fail(f"'{value}' is not one of {words}.{hint}", param, ctx)

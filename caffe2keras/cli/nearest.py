"""Unknown commands and choices are answered with the nearest known one.

Click does so for options; for commands it began in a version newer than the oldest we take.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

import click

__all__ = ["NearestChoice", "NearestGroup"]


def _suggest(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f" Did you mean '{near[0]}'?" if near else ""


class NearestGroup(click.Group):
    """A group that knows what command was meant, and lists its commands in order of use."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one is near."""
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            hint = _suggest(name, self.commands)
            raise click.UsageError(f"No such command '{name}'.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which they were added."""
        return list(self.commands)


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
        hint = _suggest(str(value), map(str, self.choices))
        self.fail(f"'{value}' is not one of {words}.{hint}", param, ctx)

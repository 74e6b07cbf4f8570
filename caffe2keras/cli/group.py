"""A group of commands, each in a module that is imported when the command is run.

Click itself takes about 15 ms to import, and the options of all our commands as much again:
``--version`` and ``--help`` need none of them.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click

from caffe2keras.garbage import collector_paused

__all__ = ["CommandGroup"]


class CommandGroup(click.Group):
    """Commands in order of use; an unknown one is answered with the nearest.

    Click gives that answer too, but began in a version newer than the oldest we take.

    Args:
        summaries: what each command does, by its name. The command is the attribute of that name
            in the module of that name in ``caffe2keras.cli``.
        attributes: what Click's own groups take.
    """

    def __init__(self, *, summaries: Mapping[str, str], **attributes: Any) -> None:
        super().__init__(**attributes)
        self.summaries = summaries

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In order of use."""
        return list(self.summaries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command; None if there is none of that name."""
        if cmd_name not in self.summaries:
            return None
        with collector_paused():
            module = importlib.import_module(f"caffe2keras.cli.{cmd_name}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List them; Click's own list would import each."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self.summaries.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one is near."""
        name = args[0]
        if name not in self.summaries and not name.startswith("-"):
            from caffe2keras.cli.nearest import suggestion

            raise click.UsageError(
                f"No such command '{name}'.{suggestion(name, self.summaries)}", ctx
            )
        return super().resolve_command(ctx, args)

"""What the commands print: talk to stderr, results to stdout."""

from __future__ import annotations

import sys

import click

from caffe2keras.legible import printable

__all__ = ["say", "show", "terminal_width"]


def say(message: str) -> None:
    """Talk, as opposed to results: to stderr."""
    click.echo(printable(message), err=True)


def show(result: str) -> None:
    """Print a result; no name in it, of a file or in one, gives the terminal orders."""
    click.echo(printable(result))


def terminal_width() -> int | None:
    """How wide a table may be; None where stdout is no terminal."""
    import shutil

    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None

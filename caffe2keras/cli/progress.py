"""Progress bars on stderr: only where it is a terminal, and only for work of over a second."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from caffe2keras.legible import printable

__all__ = ["byte_bar", "net_bar", "step_bar"]

_PATIENCE = 1.0  # seconds


@contextmanager
def byte_bar(text: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar for (bytes done, bytes in all)."""
    if quiet or not sys.stderr.isatty():
        yield _silent  # nobody sees a bar, and tqdm takes 15 ms to import and to make one
        return
    from tqdm import tqdm

    with tqdm(
        desc=text,
        unit="B",
        unit_scale=True,
        delay=_PATIENCE,
        leave=False,
    ) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield show


def _silent(done: int, total: int) -> None:
    """Progress that nobody watches."""


@contextmanager
def step_bar(steps: int, *, quiet: bool) -> Iterator[Callable[[str], None]]:
    """A bar for work in a few long steps, told of each as it begins."""
    from tqdm import tqdm

    bar_format = "{desc} [step {n_fmt} of {total_fmt}, {elapsed}]"
    with tqdm(
        total=steps,
        bar_format=bar_format,
        leave=False,
        disable=True if quiet else None,  # None: where stderr is no terminal
    ) as bar:

        def show(step: str) -> None:
            bar.set_description_str(step, refresh=False)
            bar.update(1)
            bar.refresh()

        yield show


@contextmanager
def net_bar(*, quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """A bar for (nets done, nets in all) below a line on stdout for each net."""
    from tqdm import tqdm

    with tqdm(
        desc="batch", unit="net", leave=False, delay=_PATIENCE, disable=True if quiet else None
    ) as bar:

        def show(line: str, done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)
            if not quiet:
                with bar.external_write_mode(sys.stdout):
                    print(printable(line), flush=True)

        yield show

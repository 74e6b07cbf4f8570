"""Python's collector of garbage, out of the way of work that makes none."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["collector_paused"]


@contextmanager
def collector_paused() -> Iterator[None]:
    """Leave cycles of dead objects alone for a while.

    A net is held to the end of its conversion, and the collector would go over all of it again
    each time it has grown by a quarter: of 10,000 layers that is a quarter of the time. So it is
    with modules while they are imported.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()

"""What newer Pythons have built in, for the old ones that old Keras needs."""

from __future__ import annotations

import builtins
import functools
import itertools
import operator
import sys
from collections.abc import Iterable, Iterator
from typing import Any

__all__ = ["prod", "zip"]

_MISSING = object()


def _strict_zip(*iterables: Iterable[Any], strict: bool = False) -> Iterator[tuple[Any, ...]]:
    """``zip`` of Python 3.10."""
    if not strict:
        yield from builtins.zip(*iterables)
        return
    for each in itertools.zip_longest(*iterables, fillvalue=_MISSING):
        if _MISSING in [one if one is _MISSING else None for one in each]:
            raise ValueError("zip() arguments have different lengths")
        yield each


def prod(values: Iterable[Any]) -> Any:
    """``math.prod`` of Python 3.8."""
    return functools.reduce(operator.mul, values, 1)


# The one built in, where it knows the word strict.
zip = builtins.zip if sys.version_info >= (3, 10) else _strict_zip

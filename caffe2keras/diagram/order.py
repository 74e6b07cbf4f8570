"""The order of the boxes within each rank, such that few lines cross."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise

__all__ = ["crossings", "order_ranks"]

_SWEEPS = 6

Rows = list[list[int]]
Near = Mapping[int, Sequence[tuple[int, float]]]


def order_ranks(rows: Rows, links: Sequence[tuple[int, float, int]]) -> Rows:
    """Sort each row by the mean place of what it is linked to, above and below in turn.

    Args:
        rows: the boxes of each rank.
        links: (source, port, target), from a row to the next one; the port is where on the source
            the line begins, from -0.5, its left end, to 0.5.

    Returns:
        The rows in the best order that was met.
    """
    above: defaultdict[int, list[tuple[int, float]]] = defaultdict(list)
    below: defaultdict[int, list[tuple[int, float]]] = defaultdict(list)
    for source, port, target in links:
        above[target].append((source, port))
        below[source].append((target, 0.0))
    best, fewest = rows, crossings(rows, above)
    for sweep in range(_SWEEPS):
        if fewest == 0:
            break
        downwards = sweep % 2 == 0
        rows = _swept(rows, above) if downwards else _swept(rows[::-1], below)[::-1]
        count = crossings(rows, above)
        if count < fewest:
            best, fewest = rows, count
    return best


def _swept(rows: Rows, near: Near) -> Rows:
    swept = rows[:1]
    for row in rows[1:]:
        places = {box: place for place, box in enumerate(swept[-1])}
        wanted = {box: _mean(near[box], places, own) for own, box in enumerate(row)}
        swept.append(sorted(row, key=wanted.__getitem__))
    return swept


def _mean(near: Sequence[tuple[int, float]], places: Mapping[int, int], own: int) -> float:
    if not near:
        return own
    return sum(places[box] + port for box, port in near) / len(near)


def crossings(rows: Rows, above: Near) -> int:
    """How many pairs of lines cross."""
    total = 0
    for upper, lower in pairwise(rows):
        places = {box: place for place, box in enumerate(upper)}
        seen: list[float] = []
        for box in lower:
            starts = sorted(places[source] + port for source, port in above[box])
            # a line crosses those of the boxes before it that begin further to the right
            total += sum(len(seen) - bisect_left(seen, start + 1e-9) for start in starts)
            for start in starts:
                insort(seen, start)
    return total

"""Where a long net goes on in the next column, as text does, to fill a page rather than a tape."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["break_into_columns"]

_ASPECT = 1.7  # width by height, a screen's
_TALLEST = 1400.0  # up to here one column is read at a glance
_MOST_LINES = 3  # that may cross from one column into the next
_PATIENCE = 0.6  # how far above or beyond the wanted height a break may be, as a share of it


def break_into_columns(
    heights: Sequence[float], crossing: Sequence[int], width: float
) -> list[range]:
    """The ranks of each column.

    Args:
        heights: of the ranks, with the gap below each.
        crossing: how many lines lead from each rank or those above it to one further below.
        width: of the widest rank.
    """
    whole = sum(heights)
    if whole <= _TALLEST:
        return [range(len(heights))] if heights else []
    columns = max(1, round(math.sqrt(_ASPECT * whole / max(width, 1.0))))
    wanted = max(whole / columns, _TALLEST / 2)
    breaks = [0]
    while (cut := _next_break(heights, crossing, breaks[-1], wanted)) < len(heights):
        breaks.append(cut)
    return [
        range(one, other) for one, other in zip(breaks, [*breaks[1:], len(heights)], strict=True)
    ]


def _next_break(
    heights: Sequence[float], crossing: Sequence[int], begin: int, wanted: float
) -> int:
    """The rank that begins the next column: where few lines cross, near the wanted height."""
    height, best, cost = 0.0, len(heights), math.inf
    left = sum(heights[begin:])
    for rank in range(begin, len(heights) - 1):
        height += heights[rank]
        if left - height < wanted * (1 - _PATIENCE):
            break  # so little would stand in the last column that it may as well stay here
        away = abs(height - wanted) / wanted
        if height > wanted and (away > _PATIENCE and cost < math.inf):
            break
        if crossing[rank] > _MOST_LINES or height < wanted * (1 - _PATIENCE):
            continue
        if away + 0.15 * crossing[rank] < cost:
            best, cost = rank + 1, away + 0.15 * crossing[rank]
    return best

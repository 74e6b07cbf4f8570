"""Where in its rank each box stands, such that lines run straight and no boxes overlap."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

__all__ = ["place_ranks"]

_SWEEPS = 12
_GAP = 24.0

Pull = tuple[int, float, float]  # the box it is linked to, how far from that one's centre, weight


def place_ranks(
    rows: Sequence[Sequence[int]],
    links: Sequence[tuple[int, float, int]],
    width_of: Callable[[int], float],
) -> dict[int, float]:
    """The centre of each box.

    Each sweep brings every row as near as it can to what it is linked to in the row before, then
    to the row behind; long lines pull harder, since their bends are seen from afar.

    Args:
        rows: the boxes of each rank, in order.
        links: (source, port, target); the port is where the line begins, from the source's centre.
        width_of: how wide a box is; 0 for the place of a line that only passes.
    """
    above: defaultdict[int, list[Pull]] = defaultdict(list)
    below: defaultdict[int, list[Pull]] = defaultdict(list)
    for source, port, target in links:
        passing = (width_of(source) == 0) + (width_of(target) == 0)
        weight = (1.0, 2.0, 8.0)[passing]
        above[target].append((source, port, weight))
        below[source].append((target, -port, weight))
    centres = {box: float(place) for row in rows for place, box in enumerate(row)}
    for row in rows:
        _spread(row, centres, {}, width_of)
    for _ in range(_SWEEPS):
        for row in rows:
            _spread(row, centres, above, width_of)
        for row in reversed(rows):
            _spread(row, centres, below, width_of)
    both = {box: [*above[box], *below[box]] for row in rows for box in row}
    for row in rows:
        _spread(row, centres, both, width_of)
    return centres


def _spread(
    row: Sequence[int],
    centres: dict[int, float],
    pulls: Mapping[int, Sequence[Pull]],
    width_of: Callable[[int], float],
) -> None:
    """Move a row's boxes to where the least squares of the distances to their wishes are least.

    With each box's least distance from the first one taken off, keeping the order is keeping the
    numbers from falling, and the best such numbers come by pooling neighbours that would fall.
    """
    offset, offsets, pools = 0.0, [], list[tuple[float, float, int]]()
    for place, box in enumerate(row):
        if place:
            offset += (width_of(row[place - 1]) + width_of(box)) / 2 + _GAP
        offsets.append(offset)
        wish, weight = _wish(box, centres, pulls.get(box, ()))
        pools.append((wish - offset, weight, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (one, first, n), (other, second, m) = pools[-2:]
            both = first + second
            pools[-2:] = [((one * first + other * second) / both, both, n + m)]
    settled = [value for value, _, count in pools for _ in range(count)]
    for box, value, distance in zip(row, settled, offsets, strict=True):
        centres[box] = value + distance


def _wish(box: int, centres: Mapping[int, float], pulls: Sequence[Pull]) -> tuple[float, float]:
    if not pulls:
        return centres[box], 0.1
    total = sum(weight for _, _, weight in pulls)
    return sum((centres[near] + off) * weight for near, off, weight in pulls) / total, total

"""Boxes and the lines between them, laid out in ranks from top to bottom, in columns if long.

The method is Sugiyama's, in its four steps: each box gets a rank (``ranks``), long lines a place
in every rank that they pass, each rank an order with few crossings (``order``), each box a place in
it (``place``). Nothing is random, so the same net always gives the same picture.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from caffe2keras.diagram.columns import break_into_columns
from caffe2keras.diagram.grid import Box, Grid, Wire, grid_of
from caffe2keras.diagram.order import order_ranks
from caffe2keras.diagram.place import place_ranks

__all__ = ["LABEL_ROOM", "Box", "Layout", "Line", "Point", "Stroke", "Stub", "Wire", "lay_out"]

LABEL_ROOM = 15.0  # below each box, for what its lines carry
_CURVE_ROOM = 26.0  # below that, for lines to change sides
_MARGIN = 28.0
_GUTTER = 56.0
_HOP_PITCH = 8.0

Point = tuple[float, float]


@dataclass(frozen=True)
class Stroke:
    """A drawn line: its points, joined by straight lines or, if ``curved``, as one cubic curve."""

    points: tuple[Point, ...]
    curved: bool = False


@dataclass(frozen=True)
class Line:
    """All that leaves one port: trunk and branches, and where arrows end."""

    source: int
    port: int
    start: Point
    strokes: tuple[Stroke, ...]
    arrows: tuple[Point, ...]


@dataclass(frozen=True)
class Stub:
    """Where a line arrives that is too long to be drawn; the text beside it says from where."""

    source: int
    port: int
    target: int
    end: Point


@dataclass(frozen=True)
class Layout:
    """The picture's measures; ``corners`` are the boxes' upper left ones."""

    width: float
    height: float
    corners: tuple[Point, ...]
    lines: tuple[Line, ...]
    stubs: tuple[Stub, ...]


def lay_out(boxes: Sequence[Box], wires: Sequence[Wire]) -> Layout:
    """Place boxes and lines; the time grows with their number, little faster than linearly."""
    grid = grid_of(boxes, wires)
    columns = _columns(grid)
    placed = _placed(grid, columns)
    return _drawn(grid, placed)


@dataclass
class _Column:
    rows: list[list[int]]
    inner: list[tuple[int, int, int]]


def _columns(grid: Grid) -> list[_Column]:
    rows = grid.rows
    heights = [max(map(grid.height_of, row)) + LABEL_ROOM + _CURVE_ROOM for row in rows]
    crossing = [0] * len(rows)
    for source, _, _ in grid.links:
        crossing[grid.rank[source]] += 1
    widths = sorted(sum(grid.width_of(item) + 24 for item in row) for row in rows)
    usual = widths[len(widths) * 9 // 10] if widths else 0.0
    ranges = break_into_columns(heights, crossing, usual + _GUTTER)
    column_of = {rank: place for place, ranks in enumerate(ranges) for rank in ranks}
    inner: defaultdict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for link in grid.links:
        column = column_of[grid.rank[link[0]]]
        if column_of[grid.rank[link[2]]] == column:
            inner[column].append(link)
    return [
        _Column([rows[rank] for rank in ranks], inner[place]) for place, ranks in enumerate(ranges)
    ]


@dataclass
class _Placed:
    """Centres of all items, upper and lower edges of all ranks, and of each column's frame."""

    x: dict[int, float]
    top: dict[int, float]
    bottom: dict[int, float]
    column: dict[int, int]
    right: list[float]
    floor: list[float]


def _placed(grid: Grid, columns: Sequence[_Column]) -> _Placed:
    placed = _Placed({}, {}, {}, {}, [], [])
    left, rank = _MARGIN, 0
    for number, column in enumerate(columns):
        shares = [(s, grid.share(s, port), t) for s, port, t in column.inner]
        rows = order_ranks(column.rows, shares)
        ports = [(s, share * grid.width_of(s), t) for s, share, t in shares]
        centres = place_ranks(rows, ports, grid.width_of)
        shift = left - min(x - grid.width_of(item) / 2 for item, x in centres.items())
        placed.x.update((item, x + shift) for item, x in centres.items())
        right = max(placed.x[item] + grid.width_of(item) / 2 for item in centres)
        runs = _widest_runs(grid, column, centres)
        y = _MARGIN
        for row in rows:
            height = max(map(grid.height_of, row))
            placed.top[rank], placed.bottom[rank] = y, y + height
            placed.column[rank] = number
            y += height + LABEL_ROOM + _CURVE_ROOM + min(40.0, runs[rank] / 14)
            rank += 1
        placed.right.append(right)
        placed.floor.append(placed.bottom[rank - 1] + LABEL_ROOM)
        left = right + _GUTTER
    return placed


def _widest_runs(grid: Grid, column: _Column, x: dict[int, float]) -> defaultdict[int, float]:
    """For each rank, how far to the side lines go below it: wide ones need more height."""
    runs: defaultdict[int, float] = defaultdict(float)
    for source, _, target in column.inner:
        rank = grid.rank[source]
        runs[rank] = max(runs[rank], abs(x[source] - x[target]))
    return runs


def _drawn(grid: Grid, placed: _Placed) -> Layout:
    count = len(grid.boxes)
    arrivals = _arrivals(grid, placed)
    strokes: defaultdict[tuple[int, int], list[Stroke]] = defaultdict(list)
    arrows: defaultdict[tuple[int, int], list[Point]] = defaultdict(list)
    hops: defaultdict[int, int] = defaultdict(int)
    for link, owner in grid.links.items():
        start, end = _port(grid, placed, *link[:2]), arrivals[link]
        column = placed.column[grid.rank[link[0]]]
        if placed.column[grid.rank[link[2]]] == column:
            strokes[owner] += _curve(start, end, placed.bottom[grid.rank[link[0]]])
        else:
            strokes[owner].append(_hop(start, end, placed, column, hops[column]))
            hops[column] += 1
        if link[2] < count:
            arrows[owner].append(end)
        else:
            strokes[owner].append(Stroke((end, (end[0], placed.bottom[grid.rank[link[2]]]))))
    lines = [
        Line(box, port, start, tuple(strokes[box, port]), tuple(arrows[box, port]))
        for box in range(count)
        for port in range(grid.boxes[box].ports)
        for start in [_port(grid, placed, box, port)]
    ]
    stubs = [Stub(w.source, w.port, w.target, _stub_end(grid, placed, w.target)) for w in grid.far]
    corners = [
        (placed.x[box] - grid.width_of(box) / 2, placed.top[grid.rank[box]]) for box in range(count)
    ]
    width = max(placed.right, default=0.0) + _MARGIN
    height = max(placed.floor, default=0.0) + _MARGIN
    return Layout(width, height, tuple(corners), tuple(lines), tuple(stubs))


def _port(grid: Grid, placed: _Placed, item: int, port: int) -> Point:
    rank = grid.rank[item]
    if item >= len(grid.boxes):
        return placed.x[item], placed.bottom[rank]
    x = placed.x[item] + grid.share(item, port) * grid.width_of(item)
    return x, placed.top[rank] + grid.height_of(item)


def _arrivals(grid: Grid, placed: _Placed) -> dict[tuple[int, int, int], Point]:
    """Where each link ends: side by side on a box's upper edge, in the order they come from."""
    into: defaultdict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for link in grid.links:
        into[link[2]].append(link)
    ends = {}
    for item, links in into.items():
        links.sort(key=lambda link: _port(grid, placed, *link[:2])[0])
        pitch = min(16.0, 0.8 * grid.width_of(item) / len(links))
        for place, link in enumerate(links):
            x = placed.x[item] + (place - (len(links) - 1) / 2) * pitch
            ends[link] = x, placed.top[grid.rank[item]]
    return ends


def _curve(start: Point, end: Point, floor: float) -> Iterable[Stroke]:
    """Straight down past the labels, then over to where it goes on."""
    bend = floor + LABEL_ROOM
    if abs(start[0] - end[0]) < 0.5:
        return [Stroke((start, end))]
    middle = (bend + end[1]) / 2
    curve = ((start[0], bend), (start[0], middle), (end[0], middle), end)
    return [Stroke((start, (start[0], bend))), Stroke(curve, curved=True)]


def _hop(start: Point, end: Point, placed: _Placed, column: int, number: int) -> Stroke:
    """Below the column, up beside it, and down into the next one."""
    away = _HOP_PITCH * number
    floor = placed.floor[column] + away
    beside = placed.right[column] + _GUTTER / 3 + away
    ceiling = _MARGIN - 14.0 - away / 2
    corners = ((start[0], floor), (beside, floor), (beside, ceiling), (end[0], ceiling))
    return Stroke((start, *corners, end))


def _stub_end(grid: Grid, placed: _Placed, target: int) -> Point:
    return placed.x[target] - grid.width_of(target) / 2 + 8, placed.top[grid.rank[target]]

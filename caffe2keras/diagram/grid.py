"""Boxes and wires in ranks: long wires have a place in every rank that they pass."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from caffe2keras.diagram.ranks import rank_boxes, reach

__all__ = ["Box", "Grid", "Wire", "grid_of"]


@dataclass(frozen=True)
class Box:
    """A box; ``ports`` is how many kinds of lines begin at its lower edge."""

    width: float
    height: float
    ports: int = 1


@dataclass(frozen=True)
class Wire:
    """A line from a port of a box to another box, which stands behind it in the list."""

    source: int
    port: int
    target: int


@dataclass
class Grid:
    """Boxes and, numbered behind them, the places where long lines pass a rank.

    Attributes:
        boxes: the boxes.
        rank: of each box and passing place.
        links: (from, port, to) from one rank to the next -> box and port where its line begins.
        far: the wires too long to be drawn.
    """

    boxes: Sequence[Box]
    rank: list[int]
    links: dict[tuple[int, int, int], tuple[int, int]] = field(default_factory=dict)
    far: list[Wire] = field(default_factory=list)

    def width_of(self, item: int) -> float:
        """0 for the place of a line that only passes."""
        return self.boxes[item].width if item < len(self.boxes) else 0.0

    def height_of(self, item: int) -> float:
        """Likewise."""
        return self.boxes[item].height if item < len(self.boxes) else 0.0

    def share(self, item: int, port: int) -> float:
        """Where on its lower edge a port lies, from -0.5 to 0.5."""
        ports = self.boxes[item].ports if item < len(self.boxes) else 1
        return (port + 0.5) / ports - 0.5

    @property
    def rows(self) -> list[list[int]]:
        """The items of each rank."""
        rows: list[list[int]] = [[] for _ in range(max(self.rank, default=-1) + 1)]
        for item, rank in enumerate(self.rank):
            rows[rank].append(item)
        return rows


def grid_of(boxes: Sequence[Box], wires: Sequence[Wire]) -> Grid:
    """Rank the boxes, and give each wire a place in every rank that it passes."""
    grid = Grid(boxes, rank_boxes(len(boxes), [(wire.source, wire.target) for wire in wires]))
    starts: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for wire in wires:
        starts[wire.source, wire.port].append(wire.target)
    rank = grid.rank
    spans = [max(rank[t] for t in targets) - rank[s] for (s, _), targets in starts.items()]
    farthest = reach(spans, 1000 + 20 * len(boxes))
    for (source, port), targets in starts.items():
        near = [target for target in targets if rank[target] - rank[source] <= farthest]
        grid.far += [Wire(source, port, target) for target in targets if target not in near]
        _chain(grid, source, port, near)
    return grid


def _chain(grid: Grid, source: int, port: int, targets: Sequence[int]) -> None:
    """One trunk down to the farthest target; the others branch off it."""
    trunk = {grid.rank[source]: (source, port)}
    deepest = max((grid.rank[target] for target in targets), default=0)
    for rank in range(grid.rank[source] + 1, deepest):
        grid.rank.append(rank)
        trunk[rank] = len(grid.rank) - 1, 0
        grid.links[(*trunk[rank - 1], trunk[rank][0])] = source, port
    for target in targets:
        grid.links[(*trunk[grid.rank[target] - 1], target)] = source, port

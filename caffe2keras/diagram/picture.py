"""A chart with everything in its place and every text fitted, ready for any kind of file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from caffe2keras.diagram.chart import Chart, Edge, Node
from caffe2keras.diagram.layout import Box, Layout, Wire, lay_out
from caffe2keras.diagram.legible import cells, shape_text, shortened

__all__ = ["DETAIL_SIZE", "LABEL_SIZE", "NAME_SIZE", "Label", "Picture", "Pictured", "picture_of"]

NAME_SIZE, DETAIL_SIZE, LABEL_SIZE = 12.0, 10.0, 10.0

# Of fonts of equally wide characters, the common ones' width by height.
_CELL = 0.602
_PADDING = 12.0
_MOST_CELLS = (30, 40, 40)  # of the name, the types, the sizes
_LINE_HEIGHTS = (22.0, 36.0, 50.0)  # of a box with one, two or three lines of text


@dataclass(frozen=True)
class Pictured:
    """A box with its texts: the name, the types, the sizes.

    Attributes:
        node: what it shows.
        x: of its left edge.
        y: of its upper edge.
        width: of the box.
        height: of the box.
        lines: the texts, from top to bottom, shortened to fit.
    """

    node: Node
    x: float
    y: float
    width: float
    height: float
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Label:
    """What a line carries, written beside its start; ``blob`` is its full name."""

    x: float
    y: float
    text: str
    blob: str


@dataclass(frozen=True)
class Picture:
    """Everything that is drawn."""

    title: str
    layout: Layout
    boxes: tuple[Pictured, ...]
    labels: tuple[Label, ...]
    blobs: tuple[tuple[str, ...], ...]


def picture_of(chart: Chart) -> Picture:
    """Lay a chart out."""
    ports = _ports(chart)
    texts = [_texts(node) for node in chart.nodes]
    boxes = [
        Box(_width(lines, ports[place]), _LINE_HEIGHTS[len(lines) - 1], max(len(ports[place]), 1))
        for place, lines in enumerate(texts)
    ]
    wires = [
        Wire(edge.source, list(ports[edge.source]).index(edge.blob), edge.target)
        for edge in chart.edges
        if edge.target is not None
    ]
    layout = lay_out(boxes, wires)
    pictured = tuple(
        Pictured(node, *corner, box.width, box.height, lines)
        for node, corner, box, lines in zip(chart.nodes, layout.corners, boxes, texts, strict=True)
    )
    blobs = tuple(tuple(port) for port in ports)
    return Picture(chart.title, layout, pictured, _labels(layout, ports), blobs)


def _ports(chart: Chart) -> list[dict[str, Edge]]:
    """For each node, what leaves it: blob -> the first edge that carries it."""
    ports: list[dict[str, Edge]] = [{} for _ in chart.nodes]
    for edge in chart.edges:
        ports[edge.source].setdefault(edge.blob, edge)
    return ports


def _texts(node: Node) -> tuple[str, ...]:
    types = " + ".join(step.type for step in node.steps)
    lines = (node.steps[0].name, types, node.steps[0].detail)
    return tuple(
        shortened(line, most) for line, most in zip(lines, _MOST_CELLS, strict=True) if line
    )


def _width(lines: Sequence[str], ports: dict[str, Edge]) -> float:
    sizes = (NAME_SIZE, *(DETAIL_SIZE for _ in lines[1:]))
    texts = max(cells(line) * size * _CELL for line, size in zip(lines, sizes, strict=True))
    labels = [
        cells(shape_text(edge.shape)) * LABEL_SIZE * _CELL + _PADDING for edge in ports.values()
    ]
    # a line begins in the middle of its share of the edge, and its label stands right of it
    shares = max(labels, default=0.0) * (2 if len(labels) == 1 else len(labels) + 0.5)
    return float(round(max(texts + 2 * _PADDING, shares, 90.0)))


def _labels(layout: Layout, ports: list[dict[str, Edge]]) -> tuple[Label, ...]:
    starts: defaultdict[int, dict[int, tuple[float, float]]] = defaultdict(dict)
    for line in layout.lines:
        starts[line.source][line.port] = line.start
    return tuple(
        Label(starts[box][port][0] + 5, starts[box][port][1] + 11, shape_text(edge.shape), blob)
        for box, edges in enumerate(ports)
        for port, (blob, edge) in enumerate(edges.items())
    )

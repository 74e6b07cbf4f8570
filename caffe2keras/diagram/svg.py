"""A picture as SVG, written here; every text in it escaped."""

from __future__ import annotations

from collections.abc import Callable
from xml.sax.saxutils import escape

from caffe2keras.diagram.kinds import KINDS
from caffe2keras.diagram.layout import Line, Stroke, Stub
from caffe2keras.diagram.legible import shortened, visible
from caffe2keras.diagram.picture import DETAIL_SIZE, LABEL_SIZE, NAME_SIZE, Picture, Pictured

__all__ = ["COLOURS", "graph_elements", "svg_file", "text_content"]

# Kind -> its colour in light and in dark surroundings; the box is filled with it, much thinned.
COLOURS = {
    "loss": ("#b4233a", "#ff7a8a"),
    "data": ("#5f6773", "#a9b2bf"),
    "detection": ("#a3480b", "#f2a36b"),
    "recurrent": ("#8a2c8f", "#e08be4"),
    "pooling": ("#0f766e", "#4fd1c5"),
    "convolution": ("#1d5fbf", "#7ab0ff"),
    "dense": ("#4b3fb5", "#a79bff"),
    "normalization": ("#8a6d00", "#e3c341"),
    "joining": ("#2f7d32", "#7fd483"),
    "shape": ("#6b7a2a", "#c3d46b"),
    "activation": ("#b8520a", "#ffb066"),
    "other": ("#3d4550", "#c3cad3"),
}

_FONT = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace"

_STYLE = """
text { font-family: %s; fill: #1b2330; }
.name { font-size: %gpx; font-weight: 600; }
.types, .detail { font-size: %gpx; }
.detail { fill: #55606e; }
.carries { font-size: %gpx; fill: #3d4a5c; paint-order: stroke; stroke: #fff; stroke-width: 3px; }
.line { fill: none; stroke: #8491a3; stroke-width: 1.3px; }
.arrow { fill: #8491a3; }
.box { stroke-width: 1.3px; fill-opacity: .13; }
"""


def svg_file(picture: Picture) -> str:
    """The whole file, on a white ground, with the kinds that occur explained at its foot."""
    kinds = [kind for kind in KINDS if any(b.node.kind == kind for b in picture.boxes)]
    legend, width, foot = _legend(kinds, picture.layout.height, picture.layout.width)
    style = _STYLE % (_FONT, NAME_SIZE, DETAIL_SIZE, LABEL_SIZE)
    colours = "".join(
        f".{kind} .box {{ fill: {COLOURS[kind][0]}; stroke: {COLOURS[kind][0]}; }}\n"
        for kind in kinds
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_n(width)}" height="{_n(foot)}" '
        f'viewBox="0 0 {_n(width)} {_n(foot)}" role="img">\n'
        f"<title>{text_content(picture.title or 'a net without a name')}</title>\n"
        f"<style>{style}{colours}</style>\n"
        f'<rect width="{_n(width)}" height="{_n(foot)}" fill="#fff"/>\n'
        f"{graph_elements(picture)}{legend}</svg>\n"
    )


def graph_elements(picture: Picture, attributes: Callable[[int], str] = lambda place: "") -> str:
    """Lines, labels and boxes, without the frame around them.

    Args:
        picture: what to draw.
        attributes: further attributes, escaped, of the group of each node.
    """
    parts = [_line(line, picture) for line in picture.layout.lines if line.strokes]
    parts += [_ending(line) for line in picture.layout.lines if not line.strokes]
    parts += [_stub(stub, picture) for stub in picture.layout.stubs]
    parts += [
        f'<text class="carries" x="{_n(label.x)}" y="{_n(label.y)}">{text_content(label.text)}'
        f"<title>{text_content(label.blob)}</title></text>\n"
        for label in picture.labels
    ]
    parts += [_box(box, attributes(place)) for place, box in enumerate(picture.boxes)]
    return "".join(parts)


def text_content(text: str) -> str:
    """Text between tags: what cannot be seen is written out, what is markup is escaped."""
    return escape(visible(text), {'"': "&quot;", "'": "&#39;"})


def _line(line: Line, picture: Picture) -> str:
    path = "".join(_path(stroke) for stroke in line.strokes)
    blob = picture.blobs[line.source][line.port]
    arrows = "".join(_arrow(x, y) for x, y in line.arrows)
    return (
        f'<path class="line" d="{path}"><title>{text_content(blob)}</title></path>'
        f'<path class="arrow" d="{arrows}"/>\n'
    )


def _ending(line: Line) -> str:
    """A blob that nobody reads: a short arrow out of the net."""
    x, y = line.start
    return (
        f'<path class="line" d="M{_n(x)} {_n(y)}V{_n(y + 14)}"/>'
        f'<path class="arrow" d="{_arrow(x, y + 18)}"/>\n'
    )


def _stub(stub: Stub, picture: Picture) -> str:
    x, y = stub.end
    origin = shortened(picture.boxes[stub.source].node.steps[0].name, 16)
    return (
        f'<path class="line" stroke-dasharray="2 2" d="M{_n(x)} {_n(y - 9)}V{_n(y)}"/>'
        f'<text class="carries" x="{_n(x + 3)}" y="{_n(y - 3)}">{text_content(origin)}</text>\n'
    )


def _path(stroke: Stroke) -> str:
    first, *rest = (f"{_n(x)} {_n(y)}" for x, y in stroke.points)
    return f"M{first}{'C' if stroke.curved else 'L'}{' '.join(rest)}"


def _arrow(x: float, y: float) -> str:
    return f"M{_n(x - 3.5)} {_n(y - 6)}L{_n(x)} {_n(y)} {_n(x + 3.5)} {_n(y - 6)}z"


def _box(box: Pictured, attributes: str) -> str:
    title = "\n".join(
        text_content(f"{step.name}: {step.type}" + (f", {step.detail}" if step.detail else ""))
        for step in box.node.steps
    )
    middle = _n(box.x + box.width / 2)
    texts = "".join(
        f'<text class="{kind}" text-anchor="middle" x="{middle}" y="{_n(box.y + y)}">'
        f"{text_content(line)}</text>"
        for kind, y, line in zip(("name", "types", "detail"), (15, 29, 43), box.lines, strict=False)
    )
    return (
        f'<g class="node {box.node.kind}"{attributes}><title>{title}</title>'
        f'<rect class="box" x="{_n(box.x)}" y="{_n(box.y)}" width="{_n(box.width)}" '
        f'height="{_n(box.height)}" rx="5"/>{texts}</g>\n'
    )


def _legend(kinds: list[str], top: float, wide: float) -> tuple[str, float, float]:
    """The kinds in rows; how wide and how high the file becomes with them."""
    parts, x, y = [], 28.0, top
    wide = max(wide, 300.0)
    for kind in kinds:
        room = 34.0 + 7.3 * len(kind)
        if x + room > wide and x > 28.0:
            x, y = 28.0, y + 20.0
        parts.append(
            f'<g class="{kind}"><rect class="box" x="{_n(x)}" y="{_n(y)}" width="12" '
            f'height="12" rx="3"/><text class="types" x="{_n(x + 17)}" y="{_n(y + 10)}">'
            f"{kind}</text></g>\n"
        )
        x += room
    return "".join(parts), wide, y + 30.0


def _n(number: float) -> str:
    """A number in few digits, the same on every machine."""
    return f"{number:.1f}".removesuffix(".0")

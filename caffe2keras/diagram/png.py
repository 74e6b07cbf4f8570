r"""A picture as PNG, drawn by Pillow with the font that comes with it.

That font has little beyond ASCII. A character that it lacks is written as its escape, as
``\u4e2d``: an empty frame in its place would be the same for all of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caffe2keras.diagram.kinds import KINDS
from caffe2keras.diagram.layout import Line, Point, Stroke
from caffe2keras.diagram.legible import visible
from caffe2keras.diagram.picture import DETAIL_SIZE, LABEL_SIZE, NAME_SIZE, Picture
from caffe2keras.diagram.svg import COLOURS
from caffe2keras.errors import EmitError

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

__all__ = ["write_png"]

_SCALE = 2.0  # pixels for each unit: screens of today are that fine
_MOST_PIXELS = 80_000_000
_SMOOTH = 2  # lines are drawn that much larger, then shrunk, since Pillow draws hard edges
_BAND = 256  # rows that are drawn at a time, so that the larger picture never exists as a whole
_CURVE_PIECES = 14
_TEXT, _FAINT, _LINE = "#1b2330", "#55606e", "#8491a3"
_LEGEND_ROW = 20.0
_LINE_TOPS = (15.0, 29.0, 43.0)  # of the texts' feet below a box's upper edge


def write_png(picture: Picture, target: Path) -> float:
    """Draw the picture.

    Returns:
        How many pixels a unit has: 2, or less where the picture is so large that it must be.

    Raises:
        EmitError: Pillow is not installed.
    """
    image_of, draw_on = _pillow()
    legend = _legend(picture)
    width = max(picture.layout.width, 300.0)
    height = legend[-1][2] + 30.0 if legend else picture.layout.height
    scale = min(_SCALE, math.sqrt(_MOST_PIXELS / (width * height)))
    size = math.ceil(width * scale), math.ceil(height * scale)
    image = image_of.new("RGB", size, "white")
    shapes = sorted(_shapes(picture, legend), key=lambda shape: shape.top)
    for top in range(0, size[1], _BAND):
        band = image_of.new("RGB", (size[0] * _SMOOTH, _BAND * _SMOOTH), "white")
        pen = draw_on.Draw(band)
        for shape in shapes:
            if shape.top * scale > top + _BAND:
                break
            if shape.bottom * scale >= top:
                shape.draw(pen, scale * _SMOOTH, top * _SMOOTH)
        image.paste(band.reduce(_SMOOTH), (0, top))
    _write(picture, legend, draw_on.Draw(image), scale)
    image.save(target, format="PNG", optimize=False)
    return scale


def _pillow() -> tuple[Any, Any]:
    try:
        from PIL import Image, ImageDraw
    except ImportError as error:
        raise EmitError(
            what="a PNG cannot be drawn",
            why="Pillow is not installed",
            hint='pip install "caffe2keras[images]", or write an SVG instead',
        ) from error
    return Image, ImageDraw


class _Shape:
    """Something with edges; ``top`` and ``bottom`` tell in which bands it is drawn."""

    def __init__(self, points: Iterable[Point], colour: str, filled: str = "") -> None:
        self.points = tuple(points)
        self.colour, self.filled = colour, filled
        self.top = min(y for _, y in self.points) - 2
        self.bottom = max(y for _, y in self.points) + 2

    def draw(self, pen: ImageDraw, scale: float, top: float) -> None:
        points = [(x * scale, y * scale - top) for x, y in self.points]
        pen.line(points, fill=self.colour, width=round(1.3 * scale), joint="curve")


class _Arrow(_Shape):
    def draw(self, pen: ImageDraw, scale: float, top: float) -> None:
        pen.polygon([(x * scale, y * scale - top) for x, y in self.points], fill=self.colour)


class _Frame(_Shape):
    def draw(self, pen: ImageDraw, scale: float, top: float) -> None:
        (x0, y0), (x1, y1) = ((x * scale, y * scale - top) for x, y in self.points)
        pen.rounded_rectangle(
            (x0, y0, x1, y1),
            radius=4 * scale,
            fill=self.filled,
            outline=self.colour,
            width=round(1.3 * scale),
        )


def _shapes(picture: Picture, legend: list[tuple[str, float, float]]) -> Iterator[_Shape]:
    for line in picture.layout.lines:
        yield from _line(line)
    for stub in picture.layout.stubs:
        x, y = stub.end
        yield _Shape([(x, y - 9), (x, y)], _LINE)
    for box in picture.boxes:
        corners = [(box.x, box.y), (box.x + box.width, box.y + box.height)]
        yield _Frame(corners, *_colours(box.node.kind))
    for kind, x, y in legend:
        yield _Frame([(x, y), (x + 12, y + 12)], *_colours(kind))


def _colours(kind: str) -> tuple[str, str]:
    """Of the edge, and what SVG's thinned fill makes of it on white."""
    edge = COLOURS[kind][0]
    parts = (int(edge[place : place + 2], 16) for place in (1, 3, 5))
    return edge, "#" + "".join(f"{round(255 - 0.13 * (255 - part)):02x}" for part in parts)


def _line(line: Line) -> Iterator[_Shape]:
    x, y = line.start
    strokes = line.strokes or (Stroke(((x, y), (x, y + 14))),)
    arrows = line.arrows if line.strokes else ((x, y + 18),)
    for stroke in strokes:
        points = list(_bent(*stroke.points)) if stroke.curved else stroke.points
        yield from (_Shape(pair, _LINE) for pair in pairwise(points))
    for x, y in arrows:
        yield _Arrow([(x - 3.5, y - 6), (x, y), (x + 3.5, y - 6)], _LINE)


def _bent(*corners: Point) -> Iterator[Point]:
    """A cubic curve as short straight pieces."""
    for step in range(_CURVE_PIECES + 1):
        t = step / _CURVE_PIECES
        shares = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
        yield tuple(  # type: ignore[misc]  # two of them
            sum(share * corner[axis] for share, corner in zip(shares, corners, strict=True))
            for axis in (0, 1)
        )


def _legend(picture: Picture) -> list[tuple[str, float, float]]:
    """The kinds that occur, and where their samples stand below the net."""
    kinds = [kind for kind in KINDS if any(b.node.kind == kind for b in picture.boxes)]
    places, x, y = [], 28.0, picture.layout.height
    for kind in kinds:
        room = 34.0 + 7.3 * len(kind)
        if x + room > max(picture.layout.width, 300.0) and x > 28.0:
            x, y = 28.0, y + _LEGEND_ROW
        places.append((kind, x, y))
        x += room
    return places


def _write(
    picture: Picture, legend: list[tuple[str, float, float]], pen: ImageDraw, scale: float
) -> None:
    """All the texts, at their final size: the font itself is drawn smoothly."""
    name, small, label = (_Font(size * scale) for size in (NAME_SIZE, DETAIL_SIZE, LABEL_SIZE))
    for box in picture.boxes:
        middle, room = box.x + box.width / 2, (box.width - 6) * scale
        for place, (text, foot) in enumerate(zip(box.lines, _LINE_TOPS, strict=False)):
            font = name if place == 0 else small
            at = middle * scale, (box.y + foot) * scale
            pen.text(at, font.fitted(text, room), _TEXT if place < 2 else _FAINT, font.face, "ms")
    for one in picture.labels:
        _haloed(pen, label, one.text, (one.x * scale, one.y * scale), scale)
    for stub in picture.layout.stubs:
        origin = picture.boxes[stub.source].node.steps[0].name
        text = label.fitted(visible(origin), 100 * scale)
        _haloed(pen, label, text, ((stub.end[0] + 3) * scale, (stub.end[1] - 3) * scale), scale)
    for kind, x, y in legend:
        pen.text(((x + 17) * scale, (y + 10) * scale), kind, _TEXT, small.face, "ls")


def _haloed(pen: ImageDraw, font: _Font, text: str, at: Point, scale: float) -> None:
    wide = max(1, round(1.5 * scale))
    text = font.known(text)
    pen.text(at, text, _FAINT, font.face, "ls", stroke_width=wide, stroke_fill="white")


class _Font:
    """Pillow's own font in one size, and what it lacks."""

    def __init__(self, size: float) -> None:
        from PIL import ImageFont

        face = ImageFont.load_default(max(round(size), 1))
        if not isinstance(face, ImageFont.FreeTypeFont):
            raise EmitError(
                what="a PNG cannot be drawn",
                why="this Pillow was built without FreeType, and has no font for it",
                hint="install Pillow from PyPI, or write an SVG instead",
            )
        self.face = face
        self._nothing = self._drawn("\uffff")  # a code point that no font has
        self._shown: dict[str, str] = {}

    def _drawn(self, character: str) -> bytes:
        return bytes(self.face.getmask(character))

    def known(self, text: str) -> str:
        """The text with the characters that the font lacks as their escapes."""
        return "".join(self._shown_as(one) for one in text)

    def _shown_as(self, character: str) -> str:
        if character not in self._shown:
            self._shown[character] = self._or_escape(character)
        return self._shown[character]

    def _or_escape(self, character: str) -> str:
        if character.isspace() or self._drawn(character) != self._nothing:
            return character
        return character.encode("unicode_escape").decode()

    def fitted(self, text: str, room: float) -> str:
        """The same, its end cut off where it is wider than there is room."""
        text = self.known(text)
        while text and self.face.getlength(text) > room:
            text = text[:-2] + "…" if len(text) > 2 else ""
        return text

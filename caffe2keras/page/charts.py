"""The page's diagrams of numbers: errors by layer on a log axis, and two histograms."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from caffe2keras.diagram.legible import shortened
from caffe2keras.diagram.svg import text_content
from caffe2keras.page.facts import Compared
from caffe2keras.verify.evidence import Histogram

__all__ = ["difference_histogram", "error_chart", "value_histogram"]

_WIDTH, _HEIGHT = 1000.0, 300.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 62.0, 16.0, 14.0, 30.0
_LOWEST, _HIGHEST = -12, 2  # powers of ten that the axis may reach
_NAMED = 24  # up to so many blobs have their names below the axis
_NAME_ROOM = 74.0


def error_chart(compared: Sequence[Compared], attributes: Callable[[int], str]) -> str:
    """The largest relative error of each blob, in order of execution.

    Zero lies on the axis's foot, what is infinite or of another shape on its top.

    Args:
        compared: the blobs.
        attributes: further attributes, escaped, of each blob's mark.
    """
    low, high = _decades(compared)
    foot = _NAME_ROOM if len(compared) <= _NAMED else _BOTTOM
    height = _HEIGHT + foot - _BOTTOM
    ground = height - foot

    def x(place: int) -> float:
        return _LEFT + (place + 0.5) * (_WIDTH - _LEFT - _RIGHT) / max(len(compared), 1)

    def y(error: float) -> float:
        power = math.log10(error) if error > 0 else -math.inf
        share = (min(max(power, low), high) - low) / (high - low)
        return ground - share * (ground - _TOP)

    parts = [_grid(low, high, y, ground)]
    parts += [_steps("bound", [one.bound for one in compared], x, y)]
    parts += [_steps("floor", [one.floor for one in compared], x, y)]
    parts += [_mark(one, x(n), y, attributes(n)) for n, one in enumerate(compared)]
    parts += [_names(compared, x, ground)] if len(compared) <= _NAMED else []
    label = f"largest relative error of each of {len(compared)} blobs, on a logarithmic axis"
    return _frame(height, label, "".join(parts), "errors")


def _decades(compared: Sequence[Compared]) -> tuple[int, int]:
    numbers = [one.floor for one in compared] + [one.bound for one in compared]
    numbers += [_error(one) for one in compared]
    powers = [math.log10(n) for n in numbers if n is not None and 0 < n < math.inf]
    low, high = min(powers, default=-7.0), max(powers, default=-4.0)
    bottom = max(_LOWEST, math.floor(low - 0.3))
    return bottom, max(bottom + 2, min(_HIGHEST, math.ceil(high + 0.3)))


def _error(one: Compared) -> float:
    return math.inf if one.result.difference is None else one.result.difference.max_rel


def _grid(low: int, high: int, y: Callable[[float], float], ground: float) -> str:
    lines = []
    step = 1 if high - low <= 9 else 2
    for power in range(low, high + 1, step):
        at = y(10.0**power)
        lines.append(
            f'<path class="grid" d="M{_LEFT:.0f} {at:.1f}H{_WIDTH - _RIGHT:.0f}"/>'
            f'<text class="tick" text-anchor="end" x="{_LEFT - 8:.0f}" y="{at + 4:.1f}">'
            f"1e{power}</text>"
        )
    lines.append(f'<path class="axis" d="M{_LEFT:.0f} {_TOP:.0f}V{ground:.1f}"/>')
    return "".join(lines)


def _steps(
    kind: str,
    values: Sequence[float | None],
    x: Callable[[int], float],
    y: Callable[[float], float],
) -> str:
    """A line in steps, one for each blob; broken where a value is not known."""
    half = (x(1) - x(0)) / 2
    path, pen_is_down = "", False
    for place, value in enumerate(values):
        if value is None:
            pen_is_down = False
            continue
        at = y(value)
        path += f"{'L' if pen_is_down else 'M'}{x(place) - half:.1f} {at:.1f}H{x(place) + half:.1f}"
        pen_is_down = True
    return f'<path class="{kind}" d="{path}"/>' if path else ""


def _mark(one: Compared, x: float, y: Callable[[float], float], attributes: str) -> str:
    result = one.result
    status = "ok" if result.ok else "different"
    floor = "" if one.floor is None else f"\nfloat32 alone: {one.floor:.2g}"
    title = f"{result.layer}, blob {result.blob}: {status}\n"
    title = "\n".join(text_content(line) for line in (title + result.explain() + floor).split("\n"))
    at = y(_error(one))
    # a cross besides the colour, for those who cannot tell the two apart
    shape = (
        f'<circle cx="{x:.1f}" cy="{at:.1f}" r="3.6"/>'
        if result.ok
        else f'<path d="M{x - 4:.1f} {at - 4:.1f}l8 8m0 -8l-8 8"/>'
    )
    return f'<g class="mark {status}"{attributes}><title>{title}</title>{shape}</g>'


def _names(compared: Sequence[Compared], x: Callable[[int], float], ground: float) -> str:
    return "".join(
        f'<text class="tick" text-anchor="end" transform="translate({x(n) + 4:.1f} '
        f'{ground + 14:.1f}) rotate(-40)">{text_content(shortened(one.result.blob, 18))}</text>'
        for n, one in enumerate(compared)
    )


def value_histogram(histogram: Histogram) -> str:
    """Expected and received in the same bins: bars, and an outline over them."""
    top = max(*histogram.expected, *histogram.received, 1)
    bars = _bars(histogram.expected, histogram.edges, "expected", top)
    label = "how the values spread: expected as bars, received as a line"
    return _frame(_HEIGHT, label, bars + _outline(histogram.received, top), "histogram")


def difference_histogram(histogram: Histogram) -> str:
    """Received minus expected."""
    top = max(*histogram.differences, 1)
    bars = _bars(histogram.differences, histogram.difference_edges, "difference", top)
    return _frame(_HEIGHT, "how received minus expected spreads", bars, "histogram")


def _bars(counts: Sequence[int], edges: Sequence[float], kind: str, top: int) -> str:
    ground, pitch = _HEIGHT - _BOTTOM, (_WIDTH - _LEFT - _RIGHT) / len(counts)
    parts = [
        f'<rect class="{kind}" x="{_LEFT + n * pitch:.1f}" y="{_height(count, top):.1f}" '
        f'width="{pitch - 1:.1f}" height="{ground - _height(count, top):.1f}">'
        f"<title>{edges[n]:.4g} to {edges[n + 1]:.4g}: {count:,}</title></rect>"
        for n, count in enumerate(counts)
        if count
    ]
    parts.append(f'<path class="axis" d="M{_LEFT:.0f} {ground:.1f}H{_WIDTH - _RIGHT:.0f}"/>')
    for place, anchor in ((0, "start"), (len(counts) // 2, "middle"), (len(counts), "end")):
        at = _LEFT + place * pitch
        parts.append(
            f'<text class="tick" text-anchor="{anchor}" x="{at:.1f}" y="{ground + 20:.1f}">'
            f"{_middle(edges, place):.4g}</text>"
        )
    for count in _ticks(top):
        at = _height(count, top)
        parts.append(
            f'<path class="grid" d="M{_LEFT:.0f} {at:.1f}H{_WIDTH - _RIGHT:.0f}"/>'
            f'<text class="tick" text-anchor="end" x="{_LEFT - 8:.0f}" y="{at + 4:.1f}">'
            f"{count if count < 10_000 else f'1e{len(str(count)) - 1}'}</text>"
        )
    return "".join(parts)


def _middle(edges: Sequence[float], place: int) -> float:
    """An edge at the ends; within, the middle of the bin, which of differences is 0."""
    if place in (0, len(edges) - 1):
        return edges[place]
    middle = (edges[place] + edges[place + 1]) / 2
    return 0.0 if abs(middle) < 1e-9 * max(abs(edges[0]), abs(edges[-1])) else middle


def _outline(counts: Sequence[int], top: int) -> str:
    pitch = (_WIDTH - _LEFT - _RIGHT) / len(counts)
    path = f"M{_LEFT:.1f} {_HEIGHT - _BOTTOM:.1f}"
    for n, count in enumerate(counts):
        path += f"V{_height(count, top):.1f}H{_LEFT + (n + 1) * pitch:.1f}"
    return f'<path class="received" d="{path}V{_HEIGHT - _BOTTOM:.1f}"/>'


def _height(count: int, top: int) -> float:
    """Logarithmic, so that one number that is off can be seen beside a million that are not."""
    share = math.log1p(count) / math.log1p(top)
    return _HEIGHT - _BOTTOM - share * (_HEIGHT - _BOTTOM - _TOP)


def _ticks(top: int) -> list[int]:
    return [10**power for power in range(len(str(top))) if 10**power <= top]


def _frame(height: float, label: str, content: str, kind: str) -> str:
    return (
        f'<svg class="{kind}" viewBox="0 0 {_WIDTH:.0f} {height:.0f}" role="img" '
        f'aria-label="{text_content(label)}">{content}</svg>'
    )

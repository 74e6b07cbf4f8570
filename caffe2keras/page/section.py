"""One net's part of the page: verdict, graph, errors, histograms, tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from caffe2keras.diagram.chart import Chart, Node
from caffe2keras.diagram.kinds import KINDS
from caffe2keras.diagram.legible import shape_text
from caffe2keras.diagram.picture import Picture, picture_of
from caffe2keras.diagram.svg import graph_elements, text_content
from caffe2keras.page.charts import difference_histogram, error_chart, value_histogram
from caffe2keras.page.facts import Compared, Section

__all__ = ["section_element"]

_HELP = (
    "drag or arrow keys: move · wheel or + -: zoom · 0: all of it · n p: next, previous layer · "
    "d: next difference · Esc: nothing chosen"
)


def section_element(section: Section, number: int, words: Mapping[str, str]) -> str:
    """The section of a net.

    Args:
        section: what to show.
        number: its place on the page, from 0 on; makes its ids.
        words: status -> how the page calls it.
    """
    where = _places(section.chart)
    badge = f'<span class="badge {section.status}">{words[section.status]}</span>'
    parts = [
        f'<section id="net{number}" aria-labelledby="title{number}">\n'
        f'<header><h2 id="title{number}">{text_content(section.title)}</h2>{badge}'
        f"<p>{text_content(section.verdict)}</p></header>\n",
        _facts(section),
        _graph(section, number) if section.chart else "",
        _errors(section, number, where),
        _histograms(section),
        _notes(section),
        _table(section, number, where),
    ]
    return "".join(parts) + "</section>\n"


def _places(chart: Chart | None) -> dict[str, int]:
    """Blob -> the node that produces it, the last one where it is changed in place."""
    nodes = chart.nodes if chart else ()
    return {blob: place for place, node in enumerate(nodes) for blob in node.blobs}


def _facts(section: Section) -> str:
    items = "".join(
        f"<div><dt>{text_content(label)}</dt><dd>{_lines(value)}</dd></div>"
        for label, value in section.facts
    )
    return f'<dl class="facts">{items}</dl>\n'


def _lines(text: str) -> str:
    return "<br>".join(text_content(line) for line in text.split("\n"))


def _graph(section: Section, number: int) -> str:
    if section.chart is None:
        return ""
    picture = picture_of(section.chart)
    compared = {one.result.blob: one for one in section.compared}
    states = [_state(node, compared) for node in section.chart.nodes]

    def attributes(place: int) -> str:
        return f' data-node="{place}" data-state="{states[place]}"'

    buttons = [("in", "+", "zoom in"), ("out", "-", "zoom out"), ("all", "all", "all of the net")]
    if "different" in states:
        buttons.append(("next", "next difference", "show the next layer that differs"))
    bar = "".join(
        f'<button type="button" data-do="{do}" aria-label="{label}">{text}</button>'
        for do, text, label in buttons
    )
    name = text_content(section.title)
    box = f"0 0 {picture.layout.width:.0f} {picture.layout.height:.0f}"
    return (
        f'<div class="graph" data-graph="{number}"><div class="bar">{bar}'
        f"{_legend(section.chart, states)}</div>\n"
        f'<div class="stage"><svg class="net" tabindex="0" viewBox="{box}" role="application" '
        f'aria-label="the net {name}; {text_content(_HELP)}"><g id="drawing{number}">\n'
        f"{graph_elements(picture, attributes)}</g></svg>"
        f'<svg class="overview" viewBox="{box}" aria-hidden="true"><use href="#drawing{number}"/>'
        '<rect class="window"/></svg>'
        f'<aside aria-live="polite" hidden>{_details(section.chart, picture, compared, states)}'
        f'</aside></div>\n<p class="help">{text_content(_HELP)}</p></div>\n'
    )


def _state(node: Node, compared: Mapping[str, Compared]) -> str:
    if not compared:
        return "plain"
    found = [compared[blob].result.ok for blob in node.blobs if blob in compared]
    return "unchecked" if not found else "ok" if all(found) else "different"


def _legend(chart: Chart, states: Sequence[str]) -> str:
    words = {"ok": "agrees", "different": "differs", "unchecked": "not compared"}
    shown = [(f"state {state}", words[state]) for state in words if state in states]
    kinds = {node.kind for node in chart.nodes}
    shown += [(f"kind {kind}", kind) for kind in KINDS if kind in kinds]
    items = "".join(f'<li><i class="{mark}"></i>{word}</li>' for mark, word in shown)
    return f'<ul class="legend">{items}</ul>'


def _details(
    chart: Chart, picture: Picture, compared: Mapping[str, Compared], states: Sequence[str]
) -> str:
    shapes = {(edge.source, edge.blob): edge.shape for edge in chart.edges}
    parts = []
    for place, node in enumerate(chart.nodes):
        steps = "".join(
            f"<li><b>{text_content(step.name)}</b> {text_content(step.type)} "
            f"<small>{text_content(step.detail)}</small></li>"
            for step in node.steps
        )
        blobs = "".join(
            f"<li>{text_content(blob)} {shape_text(shapes[place, blob])}</li>"
            for blob in picture.blobs[place]
        )
        found = "".join(
            f"<p>{text_content(compared[blob].result.explain())}{_floor(compared[blob])}</p>"
            for blob in node.blobs
            if blob in compared
        )
        parts.append(
            f'<div data-detail="{place}" class="{states[place]}" hidden>'
            f"<h3>{text_content(node.steps[0].name)}</h3><ol>{steps}</ol>"
            f"<h4>produces</h4><ul>{blobs}</ul>{found}</div>\n"
        )
    return "".join(parts)


def _floor(one: Compared) -> str:
    return "" if one.floor is None else f"; float32 alone makes {one.floor:.2g}"


def _errors(section: Section, number: int, where: Mapping[str, int]) -> str:
    if not section.compared:
        return ""
    places = [where.get(one.result.blob) for one in section.compared]

    def attributes(mark: int) -> str:
        place = places[mark]
        return "" if place is None else f' data-graph="{number}" data-node="{place}"'

    key = '<li><i class="mark ok"></i>agrees</li><li><i class="mark different"></i>differs</li>'
    key += '<li><i class="bound"></i>tolerance</li>'
    floor = '<li><i class="floor"></i>what float32 alone makes</li>'
    if section.without_floor:
        floor = f"<li>no noise floor: {text_content(section.without_floor)}</li>"
    return (
        "<h3>Largest relative error of each blob, in order of execution</h3>\n"
        f'<ul class="legend">{key}{floor}</ul>\n{error_chart(section.compared, attributes)}\n'
    )


def _histograms(section: Section) -> str:
    histogram = section.histogram
    if histogram is None:
        return ""
    left_out = ""
    if histogram.left_out:
        left_out = f"<p>{histogram.left_out:,} numbers that are not finite are not counted.</p>"
    return (
        f"<h3>The worst blob, {text_content(histogram.blob)}</h3>\n"
        '<div class="pair"><figure><figcaption>values <i class="expected"></i> expected '
        '<i class="received"></i> received</figcaption>'
        f"{value_histogram(histogram)}</figure>\n<figure><figcaption>received - expected"
        f"</figcaption>{difference_histogram(histogram)}</figure></div>\n"
        f"<p><small>The axes of the counts are logarithmic.</small></p>{left_out}\n"
    )


def _notes(section: Section) -> str:
    rows = [(note.kind, note.subject, note.text) for note in section.notes]
    rows += [("not compared", blob, reason) for blob, reason in section.not_compared]
    if not rows:
        return ""
    return (
        f"<h3>Dropped, approximated, decided</h3>\n{_rows(('', 'what', 'why'), map(_cells, rows))}"
    )


def _table(section: Section, number: int, where: Mapping[str, int]) -> str:
    if not section.compared:
        return ""
    head = ("layer", "blob", "shape", "max abs", "max rel", "float32", "at", "expected", "received")
    rows = [_row(one, number, where) for one in section.compared]
    return (
        f"<details><summary>All {len(rows)} blobs in numbers</summary>\n"
        f"{_rows((*head, ''), rows)}</details>\n"
    )


def _row(one: Compared, number: int, where: Mapping[str, int]) -> str:
    result, found = one.result, one.result.difference
    place = where.get(result.blob)
    name = text_content(result.layer)
    if place is not None:
        name = f'<button type="button" data-graph="{number}" data-node="{place}">{name}</button>'
    state = "ok" if result.ok else "different"
    cells = [result.blob, shape_text(result.shape)]
    if found is None:
        cells += ["", "", _short(one.floor), f"ours is {shape_text(result.received_shape)}", "", ""]
    else:
        errors = [_short(found.max_abs), _short(found.max_rel), _short(one.floor)]
        at = ",".join(map(str, found.index))
        cells += [*errors, at, f"{found.expected:.9g}", f"{found.received:.9g}"]
    badge = f'<span class="badge {state}">{"agrees" if result.ok else "differs"}</span>'
    return f"<td>{name}</td>{_cells(cells)}<td>{badge}</td>"


def _short(error: float | None) -> str:
    return "" if error is None else f"{error:.2e}" if error else "0"


def _cells(texts: Iterable[str]) -> str:
    return "".join(f"<td>{text_content(text)}</td>" for text in texts)


def _rows(head: Sequence[str], rows: Iterable[str]) -> str:
    titles = "".join(f'<th scope="col">{text_content(title)}</th>' for title in head)
    body = "".join(f"<tr>{row}</tr>\n" for row in rows)
    return (
        f'<div class="wide"><table><thead><tr>{titles}</tr></thead>\n<tbody>\n{body}</tbody>'
        "</table></div>\n"
    )

"""Tables, as plain text and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from caffe2keras.legible import visible

__all__ = ["render_markdown", "render_table"]

_GAP = "  "
_NARROWEST = 8


def render_table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Sequence[int] = (),
    width: int | None = None,
) -> str:
    """A table with a header and a rule, columns two spaces apart.

    Args:
        header: one title for each column.
        rows: one text for each column.
        right: the columns that are set flush right, as numbers are.
        width: how many characters a line may have; the widest columns are cut to fit. None sets
            no limit.
    """
    lines = [tuple(header), *(tuple(map(visible, row)) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    if width is not None:
        _narrow(widths, width - len(_GAP) * (len(widths) - 1))
    lines.insert(1, tuple("-" * column for column in widths))
    return "\n".join(_line(line, widths, right) for line in lines)


def render_markdown(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()
) -> str:
    """The same as Markdown; a bar within a cell is escaped."""
    rule = ["---:" if column in right else "---" for column in range(len(header))]
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in (header, rule, *escaped))


def _narrow(widths: list[int], room: int) -> None:
    while sum(widths) > room and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[int]) -> str:
    padded = [
        _cut(cell, width).rjust(width) if column in right else _cut(cell, width).ljust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return _GAP.join(padded).rstrip()


def _cut(text: str, width: int) -> str:
    """The text, with an ellipsis in its middle where it is too long: both ends of a name tell."""
    if len(text) <= width:
        return text
    tail = (width - 1) // 2
    return f"{text[: width - 1 - tail]}…{text[len(text) - tail :]}"

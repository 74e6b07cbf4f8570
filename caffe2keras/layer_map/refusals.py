"""Refusals, gathered: everything that cannot be converted is told together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from caffe2keras.errors import UnsupportedError, UnsupportedLayersError
from caffe2keras.graph.net import Layer

__all__ = ["Refusal", "refuse_all"]


@dataclass(frozen=True)
class Refusal:
    """One layer that cannot be converted.

    Attributes:
        layer: the layer.
        error: what it says.
        by_type: whether every layer of its type is refused for the same reason.
    """

    layer: Layer
    error: UnsupportedError
    by_type: bool = False


def refuse_all(refusals: Sequence[Refusal]) -> None:
    """Raise what was gathered; a single refusal as itself, several as one error.

    Raises:
        UnsupportedError: if there is anything to refuse.
    """
    if not refusals:
        return
    if len(refusals) == 1 and not refusals[0].by_type:
        only = refusals[0]
        error = only.error.located(only.layer.where)
        error.what = f"{only.layer}: {error.what}"
        raise error
    groups = _grouped(refusals)
    layers = len(refusals)
    raise UnsupportedLayersError(
        what=f"{layers} layer{'s' if layers > 1 else ''} cannot be converted",
        where=refusals[0].layer.where,
        hint=_hint(refusals),
        refusals=tuple(_line(group) for group in groups),
    )


def _grouped(refusals: Iterable[Refusal]) -> list[list[Refusal]]:
    groups: dict[tuple[str, str, str], list[Refusal]] = {}
    for refusal in refusals:
        key = (refusal.layer.type, "" if refusal.by_type else refusal.error.what, refusal.error.why)
        groups.setdefault(key, []).append(refusal)
    return list(groups.values())


def _line(group: Sequence[Refusal]) -> str:
    first = group[0]
    times = f" x {len(group)}" if len(group) > 1 else ""
    at = f" ({first.layer.where})" if first.layer.where else ""
    which = f'{"first " if len(group) > 1 else ""}"{first.layer.name}"{at}'
    what = "" if first.by_type else f"{first.error.what}: "
    return f"{first.layer.type}{times}, {which}: {what}{first.error.why}"


def _hint(refusals: Iterable[Refusal]) -> str:
    hints: dict[str, None] = {}
    for refusal in refusals:
        if refusal.error.hint:
            hints[refusal.error.hint] = None
    return "; ".join(hints)

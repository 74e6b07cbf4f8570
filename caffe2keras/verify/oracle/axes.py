"""Axes as Caffe counts them (blob.hpp)."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from caffe2keras.errors import ShapeError
from caffe2keras.graph.net import Shape

__all__ = ["canonical", "legacy_4d", "three_parts"]


def canonical(axis: int, rank: int) -> int:
    """An axis counted from the front; negative ones count from the end.

    Raises:
        ShapeError: a blob of this rank has no such axis.
    """
    if not -rank <= axis < rank:
        raise ShapeError(what=f"axis {axis} is outside a blob of {rank} axes")
    return axis % rank


def three_parts(shape: Sequence[int], axis: int) -> tuple[int, int, int]:
    """How many elements lie before, along and after an axis: (outer, extent, inner)."""
    return prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :])


def legacy_4d(shape: Sequence[int]) -> Shape:
    """A shape of up to four axes as (num, channels, height, width), missing ones being 1."""
    return (*shape, *(1,) * (4 - len(shape)))

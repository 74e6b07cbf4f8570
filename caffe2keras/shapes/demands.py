"""What nearly every rule demands of its inputs, as Caffe's CHECKs do, and how axes are counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from math import prod

from caffe2keras.errors import ShapeError
from caffe2keras.graph.net import Shape
from caffe2keras.params import Params
from caffe2keras.shapes.registry import Inferred, Rule

__all__ = [
    "blobs",
    "canonical_axis",
    "count",
    "demand",
    "legacy_shape",
    "refuse_in_place",
    "same_shapes",
    "unbounded",
]

# The open end of a range of blob counts.
unbounded = 1 << 30

# One number, or the lowest and the highest.
Count = int | tuple[int, int]


def demand(met: bool, what: str, *, why: str = "", hint: str = "") -> None:
    """Refuse what Caffe's CHECK refuses.

    Raises:
        ShapeError: the demand is not met.
    """
    if not met:
        raise ShapeError(what=what, why=why, hint=hint)


def blobs(*, bottoms: Count, tops: Count = 1, unnamed: bool = False) -> Callable[[Rule], Rule]:
    """Declare how many bottoms and tops a type has (layer.hpp: CheckBlobCounts).

    Args:
        bottoms: how many it takes.
        tops: how many it produces.
        unnamed: whether it has its tops also where the net does not name them, as losses do; the
            rule is then asked for as many as it has at least (net.cpp: AutoTopBlobs).
    """
    takes, gives = _limits(bottoms), _limits(tops)

    def declare(rule: Rule) -> Rule:
        @wraps(rule)
        def checked(params: Params, shapes: Sequence[Shape], named: int) -> Inferred:
            _within(len(shapes), takes, "takes", "input")
            number = max(named, gives[0]) if unnamed else named
            _within(number, gives, "produces", "output")
            return rule(params, shapes, number)

        return checked

    return declare


def _limits(allowed: Count) -> tuple[int, int]:
    return (allowed, allowed) if isinstance(allowed, int) else allowed


def _within(number: int, limits: tuple[int, int], verb: str, noun: str) -> None:
    low, high = limits
    if low <= number <= high:
        return
    bound = low if number < low else high
    qualifier = "" if low == high else "at least " if number < low else "at most "
    plural = "" if bound == 1 else "s"
    raise ShapeError(what=f"it {verb} {qualifier}{bound} {noun}{plural}, received {number}")


def canonical_axis(axis: int, shape: Shape) -> int:
    """An axis counted from the front; negative ones count from the end.

    Raises:
        ShapeError: there is no such axis (blob.hpp: CanonicalAxisIndex).
    """
    rank = len(shape)
    demand(-rank <= axis < rank, f"axis {axis} is out of range for an input of shape {shape}")
    return axis + rank if axis < 0 else axis


def count(shape: Shape, start: int = 0, end: int | None = None) -> int:
    """How many numbers the axes from ``start`` up to ``end`` span; 1 where there are none."""
    return prod(shape[start:end])


def legacy_shape(shape: Shape) -> Shape:
    """(N, C, H, W), the extents that are missing at the end 1 (blob.hpp: LegacyShape).

    Raises:
        ShapeError: it has more than 4 axes.
    """
    demand(len(shape) <= 4, f"it takes inputs of at most 4 axes, received {shape}")
    return (*shape, *(1,) * (4 - len(shape)))


def same_shapes(shapes: Sequence[Shape]) -> Shape:
    """The one shape that all inputs have.

    Raises:
        ShapeError: one differs.
    """
    first = shapes[0]
    for index, shape in enumerate(shapes[1:], start=1):
        demand(shape == first, f"input 0 is {first} but input {index} is {shape}")
    return first


def refuse_in_place(params: Params) -> None:
    """Refuse a layer whose first top is its first bottom.

    Raises:
        ShapeError: it is.
    """
    names = params.bottom[:1]
    demand(not names or names != params.top[:1], "it cannot work in place")

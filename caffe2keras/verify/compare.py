"""Two arrays, one of them the truth: do they differ, by how much, and where most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Difference", "Tolerance", "compare", "default_tolerance", "filled_up"]

Array = npt.NDArray[Any]

# Caffe's stand-in for minus infinity; a MAX window that lies wholly in the padding yields it.
_FLT_MAX = float(np.finfo(np.float32).max)
_HALVES = {"float16": 5e-3, "bfloat16": 4e-2}


@dataclass(frozen=True)
class Tolerance:
    """How far a may be from the truth b: ``|a - b| <= rtol * max|b| + atol``.

    ``max|b|`` is taken over the whole blob: what rounding leaves behind grows with the terms of a
    sum, not with the sum.
    """

    rtol: float
    atol: float

    def __str__(self) -> str:
        """The rule as it is printed."""
        return f"|a - b| <= {self.rtol:g} * max|b|" + (f" + {self.atol:g}" if self.atol else "")

    def bound(self, scale: float) -> float:
        """The largest difference allowed where the truth's largest value is ``scale``."""
        return self.rtol * scale + self.atol


def default_tolerance(layers: int, dtype: str = "float32") -> Tolerance:
    """Strict for a single layer, wider where rounding accumulates through a net.

    Numbers that are kept in half the bytes are off by one part in 2048 (float16) or in 256
    (bfloat16) at most, and ten times that is what a net may make of it.
    """
    if dtype in _HALVES:
        return Tolerance(_HALVES[dtype], 0.0)
    return Tolerance(1e-5, 1e-6) if layers <= 1 else Tolerance(1e-4, 0.0)


@dataclass(frozen=True)
class Difference:
    """What a comparison found.

    Attributes:
        ok: whether every number is within the tolerance.
        max_abs: the largest absolute difference; infinite where one side is not finite and the
            other is something else.
        max_rel: ``max_abs`` divided by the largest finite magnitude of the truth.
        index: where that is, in Caffe's axis order; () for an empty blob.
        received: our number there.
        expected: the truth there.
    """

    ok: bool
    max_abs: float
    max_rel: float
    index: tuple[int, ...]
    received: float
    expected: float


def compare(received: Array, expected: Array, tolerance: Tolerance) -> Difference:
    """Compare two arrays of the same shape.

    NaN, the infinities and Caffe's -FLT_MAX count as equal to themselves only, and say nothing
    about the blob's scale.

    Raises:
        ValueError: the shapes differ.
    """
    if received.shape != expected.shape:
        raise ValueError(f"expected shape {expected.shape}, received {received.shape}")
    if expected.size == 0:
        return Difference(True, 0.0, 0.0, (), 0.0, 0.0)
    ordinary = _is_ordinary(expected)
    distance = _distance(received, expected, ordinary)
    scale = float(np.max(np.abs(expected), where=ordinary, initial=0.0))
    worst = np.unravel_index(int(np.argmax(distance)), distance.shape)
    max_abs = float(distance[worst])
    return Difference(
        ok=max_abs <= tolerance.bound(scale),
        max_abs=max_abs,
        max_rel=_ratio(max_abs, scale),
        index=tuple(int(axis) for axis in worst),
        received=float(received[worst]),
        expected=float(expected[worst]),
    )


def filled_up(expected: Array, shape: tuple[int, ...], axis: int | None) -> Array:
    """The truth, with -1 behind it along an axis up to another array's length there.

    Where Caffe's length depends on the values, ours is fixed, and filled up in the same way: so
    one row too many is a difference like any other.

    Args:
        expected: the truth.
        shape: of the other array.
        axis: along which the lengths may differ; None if none may.
    """
    if axis is None or len(shape) != expected.ndim or shape[axis] <= expected.shape[axis]:
        return expected
    widths = [(0, 0)] * expected.ndim
    widths[axis] = (0, shape[axis] - expected.shape[axis])
    return np.pad(expected, widths, constant_values=-1)


def _is_ordinary(array: Array) -> npt.NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        ordinary: npt.NDArray[np.bool_] = np.abs(array) < _FLT_MAX  # False for NaN
    return ordinary


def _distance(received: Array, expected: Array, ordinary: Array) -> npt.NDArray[np.float64]:
    """|received - expected|; infinite where a number that is not ordinary has no equal."""
    with np.errstate(invalid="ignore"):
        distance = np.abs(np.subtract(received, expected, dtype=np.float64))
    same = (received == expected) | (np.isnan(received) & np.isnan(expected))
    special = ~ordinary | ~np.isfinite(distance)
    return np.where(same, 0.0, np.where(special, np.inf, distance))


def _ratio(max_abs: float, scale: float) -> float:
    if max_abs == 0.0:
        return 0.0
    return max_abs / scale if scale > 0.0 else float("inf")

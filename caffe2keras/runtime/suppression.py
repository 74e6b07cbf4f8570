"""Greedy non-maximum suppression in tensors of fixed shapes, with ties settled.

Of several boxes that overlap, the one with the best score stays. Nothing here sorts by a score,
since the backends order equal scores each in its own way: a box is found by its score and, among
equals, by its place, and what is sorted are whole numbers of which no two are equal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from caffe2keras.runtime.dialect import keras, ops

if TYPE_CHECKING:
    from typing import TypeAlias

__all__ = ["LOWEST", "first_places", "is_among_best", "rows_of_minus_one", "turns_of_kept"]

# A box with this score takes no part; Caffe's own -FLT_MAX.
LOWEST = float(np.finfo(np.float32).min)

Overlap: TypeAlias = "Callable[[keras.KerasTensor, keras.KerasTensor], keras.KerasTensor]"


def is_among_best(scores: keras.KerasTensor, count: int, size: int) -> keras.KerasTensor:
    """Which are the best ``count`` along the last axis; of equals the first.

    Args:
        scores: (..., size).
        count: how many, at most ``size``.
        size: of the last axis.
    """
    if count == size:
        return ops.ones_like(scores, dtype="bool")
    least = ops.top_k(scores, count)[0][..., -1:]
    better = scores > least
    # Counted in floats: OpenVINO's sum of whole numbers, less something, loses its last ones.
    equal = ops.cast(scores == least, "float32")
    room = count - ops.sum(ops.cast(better, "float32"), axis=-1, keepdims=True)
    return ops.logical_or(better, ops.logical_and(equal > 0, ops.cumsum(equal, axis=-1) <= room))


def first_places(
    order: keras.KerasTensor, which: keras.KerasTensor, count: int, last: int
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Where those that are meant lie, ascending by a number of theirs, and whether it is one.

    Args:
        order: (..., size) whole numbers, no two of those that are meant equal.
        which: (..., size), those that are meant, of which there are ``count`` at most.
        count: how many places are wanted.
        last: at least as large as any number in ``order``, and below 2 ** 24, since OpenVINO
            sorts whole numbers as floats.

    Returns:
        Both (..., count); where fewer are meant, the places behind them mean nothing.
    """
    key = ops.where(which, last + 1 - order, 0)
    key, places = ops.top_k(key, count)
    return places, key > 0


def turns_of_kept(
    boxes: keras.KerasTensor,
    scores: keras.KerasTensor,
    overlap: Overlap,
    thresholds: Sequence[float],
    size: int,
    turns: int,
    inclusive: bool = False,
) -> keras.KerasTensor:
    """The turn in which each box is kept, counted from 0; ``turns`` for those that are not.

    In each turn the best box that is left is kept, and what overlaps it too much drops out. All
    groups of boxes go through their turns side by side.

    Args:
        boxes: (..., size, 4), or with 1 for an axis of groups that share them.
        scores: (..., size); LOWEST takes no part.
        overlap: of a box (..., 1, 4) with others (..., size, 4).
        thresholds: what is too much, after one box, two, ...; the last one stays.
        size: how many boxes a group has.
        turns: how many boxes of a group are kept at most.
        inclusive: whether the threshold itself is too much.
    """
    boxes, scores = ops.stop_gradient(boxes), ops.stop_gradient(scores)
    place = ops.arange(size, dtype="float32")
    limits = np.array(thresholds, "float32")

    # The boxes go round in the loop, since OpenVINO's sees nothing that stands outside of it.
    def goes_on(turn: Any, boxes: Any, left: Any, worst: Any, kept: Any) -> Any:
        return ops.logical_and(turn < turns, ops.max(left) > LOWEST)

    def keep_one(turn: Any, boxes: Any, left: Any, worst: Any, kept: Any) -> Any:
        best = ops.max(left, axis=-1, keepdims=True)
        first = ops.min(ops.where(left == best, place, float(size)), axis=-1, keepdims=True)
        chosen = ops.logical_and(place == first, best > LOWEST)
        box = ops.sum(ops.where(chosen[..., None], boxes, 0.0), axis=-2, keepdims=True)
        now = overlap(box, boxes)
        worst = ops.where(now > worst, now, worst)
        limit = ops.take(limits, ops.minimum(turn, len(limits) - 1))
        much = worst >= limit if inclusive else worst > limit
        left = ops.where(ops.logical_or(chosen, much), LOWEST, left)
        return turn + 1, boxes, left, worst, ops.where(chosen, turn, kept)

    start = (
        ops.convert_to_tensor(0, "int32"),
        boxes,
        scores,
        ops.full_like(scores, -1.0),
        ops.full_like(scores, turns, dtype="int32"),
    )
    return ops.while_loop(goes_on, keep_one, start)[-1]


def rows_of_minus_one(
    images: Any, image: keras.KerasTensor, found: keras.KerasTensor, columns: keras.KerasTensor
) -> keras.KerasTensor:
    """The rows that detection layers give: (1, 1, rows, 7), and -1 behind those that are found.

    Where nothing at all is found, every image has a row, -1 but for its number.

    Args:
        images: how many images there are.
        image: (rows,), whose row it is.
        found: (rows,), true first.
        columns: (rows, 6), label, score and corners.
    """
    place = ops.arange(ops.shape(found)[0], dtype="int32")
    nothing = ops.logical_not(ops.any(found))
    empty = ops.where(ops.logical_and(nothing, place < images), place, -1)
    number = ops.cast(ops.where(found, image, empty), "float32")
    columns = ops.where(found[:, None], columns, -1.0)
    rows = ops.concatenate([number[:, None], columns], axis=-1)
    return ops.reshape(rows, (1, 1, -1, 7))

"""Layers that keep less than all of an axis: sums, means, the largest."""

from __future__ import annotations

from collections.abc import Sequence

from caffe2keras.graph.net import Shape
from caffe2keras.params import Params
from caffe2keras.shapes.demands import blobs, canonical_axis, count, demand
from caffe2keras.shapes.registry import Inferred, infers

__all__ = ["argmax", "reduction"]


@infers("Reduction")
@blobs(bottoms=1)
def reduction(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """(*kept, *reduced) -> (*kept,), cut at ``axis``; axis 0 leaves a scalar, ()."""
    axis = canonical_axis(params.reduction_param.axis, bottoms[0])
    return Inferred((bottoms[0][:axis],))


@infers("ArgMax")
@blobs(bottoms=1)
def argmax(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """The ``top_k`` largest along an axis: (*, k, *); without one, of all behind the batch.

    Without an axis the top is (N, 1, k), or (N, 2, k) where the values come with the indices,
    and has as many axes as the input where that has more, each of extent 1.
    """
    p, bottom = params.argmax_param, bottoms[0]
    k = p.top_k
    demand(k >= 1, f"top_k is {k}, it must be positive")
    if p.has("axis"):
        axis = canonical_axis(p.axis, bottom)
        demand(k <= bottom[axis], f"top_k {k} exceeds the extent of axis {axis} of {bottom}")
        return Inferred(((*bottom[:axis], k, *bottom[axis + 1 :]),))
    demand(len(bottom) >= 1, "it takes an input of 1 axis or more, received a scalar")
    demand(k <= count(bottom, 1), f"top_k {k} exceeds the {count(bottom, 1)} numbers of an item")
    rest = (1,) * (len(bottom) - 3)
    return Inferred(((bottom[0], 2 if p.out_max_val else 1, k, *rest),))

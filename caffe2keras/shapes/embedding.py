"""Layers that pick rows by number."""

from __future__ import annotations

from collections.abc import Sequence

from caffe2keras.graph.net import Shape
from caffe2keras.params import Params
from caffe2keras.shapes.demands import blobs, demand, unbounded
from caffe2keras.shapes.registry import Inferred, infers

__all__ = ["batch_reindex", "embed", "filter_"]


@infers("Embed")
@blobs(bottoms=1)
def embed(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """(*indices,) -> (*indices, N); weights (K, N), one row for each of the K words, and (N,)."""
    p = params.embed_param
    demand(p.num_output > 0, "num_output is missing or zero")
    demand(p.input_dim > 0, "input_dim is missing or zero")
    bias = ((p.num_output,),) if p.bias_term else ()
    return Inferred(((*bottoms[0], p.num_output),), ((p.input_dim, p.num_output), *bias))


@infers("BatchReindex")
@blobs(bottoms=2)
def batch_reindex(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """Items (N, *), indices (M,) -> (M, *)."""
    items, indices = bottoms
    demand(len(indices) == 1, f"the indices take 1 axis, received {indices}")
    return Inferred(((*indices, *items[1:]),))


@infers("Filter")
@blobs(bottoms=(2, unbounded), tops=(1, unbounded))
def filter_(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """Items (N, *), ..., selector (N, 1...) -> as many items as the selector lets pass.

    How many those are, only the numbers tell; filter_layer.cpp sets up room for all, and so
    does this.
    """
    *items, selector = bottoms
    demand(tops == len(items), f"it produces {len(items)} outputs, one for each input but the last")
    demand(len(selector) >= 1, "the selector takes 1 axis or more, received a scalar")
    demand(
        all(extent == 1 for extent in selector[1:]),
        f"the selector is {selector}, its axes behind the first must have extent 1",
    )
    for index, item in enumerate(items):
        demand(
            item[:1] == selector[:1],
            f"input {index} is {item}, the selector {selector} has another first extent",
        )
    return Inferred(tuple(items))

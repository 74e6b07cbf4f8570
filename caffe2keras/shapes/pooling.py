"""Layers that reduce windows without learning anything."""

from __future__ import annotations

from collections.abc import Sequence

from caffe2keras.graph.net import Shape
from caffe2keras.params import Params
from caffe2keras.shapes.demands import blobs, demand
from caffe2keras.shapes.geometry import pool_geometry, spp_geometry
from caffe2keras.shapes.registry import Inferred, infers

__all__ = ["pooling", "spp"]


@infers("Pooling")
@blobs(bottoms=1, tops=(1, 2))
def pooling(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """(N, C, H, W) -> (N, C, H', W'); the mask, a second top of MAX, is like the first."""
    p = params.pooling_param
    demand(tops == 1 or p.pool == "MAX", f"only MAX has a second output, the mask; it is {p.pool}")
    top = (*bottoms[0][:2], *pool_geometry(p, bottoms[0]).out)
    return Inferred((top,) * tops)


@infers("SPP")
@blobs(bottoms=1)
def spp(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """(N, C, H, W) -> (N, C·(1 + 4 + 16 + ...)), one term for each level of the pyramid.

    A pyramid of one level stays (N, C, 1, 1) (spp_layer.cpp: nothing is flattened then).
    """
    bottom = bottoms[0]
    levels = [level.out for level in spp_geometry(params.spp_param, bottom)]
    if len(levels) == 1:
        return Inferred(((*bottom[:2], *levels[0]),))
    return Inferred(((bottom[0], bottom[1] * sum(h * w for h, w in levels)),))

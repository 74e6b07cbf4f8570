"""Layers that multiply by a matrix."""

from __future__ import annotations

from collections.abc import Sequence

from caffe2keras.graph.net import Shape
from caffe2keras.params import Params
from caffe2keras.shapes.demands import blobs, canonical_axis, count, demand
from caffe2keras.shapes.registry import Inferred, infers

__all__ = ["inner_product"]


@infers("InnerProduct")
@blobs(bottoms=1)
def inner_product(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """(*outer, *inner) -> (*outer, N); weights (N, K), or (K, N) with transpose, and (N,).

    K is the product of the axes from ``axis`` on.
    """
    p, bottom = params.inner_product_param, bottoms[0]
    axis = canonical_axis(p.axis, bottom)
    units, inner = p.num_output, count(bottom, axis)
    demand(units > 0, "num_output is missing or zero")
    weight = (inner, units) if p.transpose else (units, inner)
    bias = ((units,),) if p.bias_term else ()
    return Inferred(((*bottom[:axis], units),), (weight, *bias))

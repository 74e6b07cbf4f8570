"""Layers that multiply by a matrix."""

from __future__ import annotations

from collections.abc import Sequence

from caffe2keras.graph.net import Shape
from caffe2keras.params import Params
from caffe2keras.shapes.demands import blobs, canonical_axis, count, demand
from caffe2keras.shapes.registry import Inferred, infers

__all__ = ["bilinear", "compact_bilinear", "inner_distance", "inner_product"]


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


@infers("InnerDistance")
@blobs(bottoms=(1, 2))
def inner_distance(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """(*outer, *inner) -> (*outer, N), the distances to N centres (happynear: NormFace).

    The centres are learned, (N, K), or the second input. What is only to help training learn
    centres from labels (update_center_only) brings a further input, the labels.
    """
    p, bottom = params.inner_distance_param, bottoms[0]
    axis = canonical_axis(p.axis, bottom)
    inner = count(bottom, axis)
    demand(not p.transpose, "transpose is declared, and not done")
    demand(not p.update_center_only, "update_center_only reads labels, it is for training")
    if len(bottoms) == 2:
        centres = bottoms[1]
        demand(count(centres, 1) == inner, f"the centres take {inner} numbers, got {centres}")
        return Inferred(((*bottom[:axis], centres[0]),))
    demand(p.num_output > 0, "num_output is missing or zero")
    return Inferred(((*bottom[:axis], p.num_output),), ((p.num_output, inner),))


@infers("CompactBilinear")
@blobs(bottoms=2)
def compact_bilinear(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """Two (N, C, H, W), their C may differ -> (N, D, 1, 1), or (N, D, H, W) without sum_pool.

    Its random projections are drawn anew from a fixed seed and not learned (gy20073:
    compact_bilinear_layer.cpp).
    """
    p, (left, right) = params.compact_bilinear_param, bottoms
    _demand_alike_but_for_channels(left, right)
    demand(p.num_output > 0, "num_output is missing or zero")
    spatial = (1, 1) if p.sum_pool else left[2:]
    return Inferred(((left[0], p.num_output, *spatial),))


@infers("Bilinear")
@blobs(bottoms=2)
def bilinear(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """Two (N, C, H, W), their C may differ -> (N, C·C', 1, 1) (gy20073: bilinear_layer.cpp)."""
    left, right = bottoms
    _demand_alike_but_for_channels(left, right)
    return Inferred(((left[0], left[1] * right[1], 1, 1),))


def _demand_alike_but_for_channels(left: Shape, right: Shape) -> None:
    demand(
        len(left) == len(right) == 4 and (left[0], *left[2:]) == (right[0], *right[2:]),
        f"it takes two (N, C, H, W) alike but for C, received {left} and {right}",
    )

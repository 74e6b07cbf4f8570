"""Blobs put together, taken apart and looked at in another shape."""

from __future__ import annotations

from math import prod

import numpy as np

from caffe2keras.graph.net import Layer, Shape
from caffe2keras.verify.oracle.axes import canonical
from caffe2keras.verify.oracle.registry import Arrays, Tops, computes

__all__ = ["concat", "flatten", "permute", "reshape", "split", "tile"]


@computes("Concat")
def concat(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """The bottoms one behind the other along an axis; concat_dim is its old name."""
    p = layer.params.concat_param
    axis = p.concat_dim if p.has("concat_dim") else p.axis
    return (np.concatenate(bottoms, axis=canonical(axis, bottoms[0].ndim)),)


@computes("Split")
def split(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """The bottom once for each top."""
    return (bottoms[0],) * len(layer.tops)


@computes("Flatten")
def flatten(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """The axes from axis to end_axis, both included, become one (flatten_layer.cpp)."""
    p = layer.params.flatten_param
    (x,) = bottoms
    first = canonical(p.axis, x.ndim)
    behind = canonical(p.end_axis, x.ndim) + 1
    middle = prod(x.shape[first:behind])
    return (x.reshape(*x.shape[:first], middle, *x.shape[behind:]),)


@computes("Reshape")
def reshape(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """num_axes axes from axis on are replaced by shape, where 0 copies and -1 is inferred."""
    (x,) = bottoms
    return (x.reshape(_new_shape(layer, x.shape)),)


def _new_shape(layer: Layer, old: Shape) -> Shape:
    p = layer.params.reshape_param
    # -1 stands behind the last axis, unlike everywhere else (reshape_layer.cpp).
    first = p.axis if p.axis >= 0 else len(old) + p.axis + 1
    behind = len(old) if p.num_axes == -1 else first + p.num_axes
    dims = (old[first + i] if dim == 0 else dim for i, dim in enumerate(p.shape.dim))
    return (*old[:first], *dims, *old[behind:])


@computes("Permute")
def permute(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """Axes in a new order; those not named follow in the old one.

    From SSD's permute_layer.cpp (weiliu89's fork).
    """
    (x,) = bottoms
    named = layer.params.permute_param.order
    rest = (axis for axis in range(x.ndim) if axis not in named)
    return (np.ascontiguousarray(x.transpose(*named, *rest)),)


@computes("Tile")
def tile(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """The blob several times along an axis, as a whole each time (tile_layer.cpp)."""
    p = layer.params.tile_param
    (x,) = bottoms
    return (np.concatenate((x,) * p.tiles, axis=canonical(p.axis, x.ndim)),)

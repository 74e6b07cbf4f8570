"""Parts of blobs: Slice, Crop, BatchReindex, Filter."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from caffe2keras.errors import InputError, ShapeError
from caffe2keras.graph.net import Layer
from caffe2keras.verify.oracle.axes import canonical
from caffe2keras.verify.oracle.registry import Arrays, Tops, computes

__all__ = ["batch_reindex", "crop", "filter_batch", "slice_blob"]


@computes("Slice")
def slice_blob(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """Cut along an axis at the slice points, or into equal parts where none are given.

    slice_dim is the axis's old name (slice_layer.cpp).
    """
    p = layer.params.slice_param
    (x,) = bottoms
    axis = canonical(p.slice_dim if p.has("slice_dim") else p.axis, x.ndim)
    count, extent = len(layer.tops), x.shape[axis]
    if not p.slice_point and extent % count:
        raise ShapeError(what=f"{extent} along axis {axis} cannot be cut into {count} equal parts")
    points = p.slice_point or tuple(range(extent // count, extent, extent // count))
    bounds = pairwise((0, *points, extent))
    return tuple(x[(slice(None),) * axis + (slice(*bound),)] for bound in bounds)


@computes("Crop")
def crop(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """From an axis on, cut to the second bottom's extents, beginning at the offsets.

    One offset serves every axis; axes that the second bottom alone has do not count
    (crop_layer.cpp).

    Raises:
        ShapeError: the part reaches over the edge.
    """
    p = layer.params.crop_param
    x, reference = bottoms
    first = canonical(p.axis, x.ndim)
    sizes = reference.shape[first : x.ndim]
    offsets = p.offset if len(p.offset) > 1 else (p.offset or (0,)) * len(sizes)
    parts = [slice(o, o + size) for o, size in zip(offsets, sizes, strict=True)]
    if any(part.stop > extent for part, extent in zip(parts, x.shape[first:], strict=True)):
        raise ShapeError(what=f"{sizes} from {offsets} on reaches over the edge of {x.shape}")
    return (x[(slice(None),) * first + tuple(parts)],)


@computes("CropCenter")
def crop_center(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """Along each axis crop_size less on both sides (crop_center_layer.cpp in lltcggie's fork)."""
    (x,) = bottoms
    margins = layer.params.crop_center_param.crop_size
    sides = zip(margins, x.shape, strict=True)
    return (x[tuple(slice(margin, extent - margin) for margin, extent in sides)],)


@computes("BatchReindex")
def batch_reindex(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """The samples that the second bottom names, in its order (batch_reindex_layer.cpp).

    Raises:
        InputError: it names one that is not there.
    """
    x, index = bottoms
    if index.size and not 0 <= index.min() <= index.max() < len(x):
        raise InputError(
            what=f'blob "{layer.bottoms[1].name}" names samples {index.min():g} to '
            f"{index.max():g}; expected 0 to {len(x) - 1}",
            where=str(layer),
        )
    return (x[index.astype(np.int64)],)


@computes("Filter")
def filter_batch(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """Of every bottom the samples whose selector, the last bottom, is not 0 (filter_layer.cpp)."""
    *blobs, selector = bottoms
    chosen = selector.reshape(len(selector), -1)[:, 0] != 0
    return tuple(x[chosen] for x in blobs)

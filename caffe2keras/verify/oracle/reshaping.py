"""Blobs put together, taken apart and looked at in another shape."""

from __future__ import annotations

from math import prod

import numpy as np

from caffe2keras.graph.net import Layer, Shape
from caffe2keras.verify.oracle.axes import canonical, legacy_4d
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


@computes("Transpose")
def transpose(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """All axes in a new order (transpose_layer.cpp in senlinuc's and tianzhi0549's forks)."""
    return (np.ascontiguousarray(bottoms[0].transpose(layer.params.transpose_param.dim)),)


@computes("Reverse")
def reverse(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """Back to front along an axis (reverse_layer.cpp in the same forks)."""
    return (np.flip(bottoms[0], layer.params.reverse_param.axis),)


@computes("Flip")
def flip(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """An image mirrored along its width, its height or both (flip_layer.cpp in caffe-windows)."""
    p = layer.params.flip_param
    rows, cells = (
        slice(None, None, -1 if mirrored else 1) for mirrored in (p.flip_height, p.flip_width)
    )
    return (bottoms[0][:, :, rows, cells],)


@computes("ReverseTime")
def reverse_time(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """Each sequence back to front as far as it goes: x (T, N, ...), lengths (N,).

    What lies behind is kept where copy_remaining says so; else Caffe leaves there what was there
    before, which in a fresh blob is 0 (reverse_time_layer.cpp in senlinuc's fork).
    """
    x, lengths = bottoms
    y = x.copy() if layer.params.reverse_time_param.copy_remaining else np.zeros_like(x)
    for sequence, length in enumerate(lengths.reshape(-1).astype(int)):
        y[:length, sequence] = x[:length, sequence][::-1]
    return (y,)


@computes("ShuffleChannel")
def shuffle_channel(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """The first channel of every group, then the second ..., with four axes at least.

    From shuffle_channel_layer.cpp in farmingyard's ShuffleNet.
    """
    (x,) = bottoms
    grouped = x.reshape(len(x), layer.params.shuffle_channel_param.group, -1, *x.shape[2:])
    return (grouped.swapaxes(1, 2).reshape(legacy_4d(x.shape)),)


@computes("Reorg")
def reorg(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """Space to depth as YOLO has it: (N, C, H, W) -> (N, s·s·C, H/s, W/s), or back.

    The way to depth does not take the image's own s·s blocks: it takes the same memory for an
    image of C/(s·s) channels and s times the height and width, and that one's blocks
    (reorg_layer.hpp in eric612's MobileNet-YOLO).
    """
    p = layer.params.reorg_param
    (x,) = bottoms
    (n, c, h, w), s = x.shape, p.stride
    if p.reverse:
        blocks = x.reshape(n, s, s, c // (s * s), h, w).transpose(0, 3, 4, 1, 5, 2)
        return (blocks.reshape(n, c // (s * s), h * s, w * s),)
    blocks = x.reshape(n, c // (s * s), h, s, w, s).transpose(0, 3, 5, 1, 2, 4)
    return (blocks.reshape(n, c * s * s, h // s, w // s),)


@computes("Tile")
def tile(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """The blob several times along an axis, as a whole each time (tile_layer.cpp)."""
    p = layer.params.tile_param
    (x,) = bottoms
    return (np.concatenate((x,) * p.tiles, axis=canonical(p.axis, x.ndim)),)

"""Layers that move numbers without changing them: by axes, by pieces, by copies."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from caffe2keras.graph.net import Shape
from caffe2keras.params import Params
from caffe2keras.shapes.demands import (
    blobs,
    canonical_axis,
    count,
    demand,
    legacy_shape,
    refuse_in_place,
    unbounded,
)
from caffe2keras.shapes.registry import Inferred, infers

__all__ = [
    "concat",
    "crop",
    "crop_center",
    "flatten",
    "flip",
    "permute",
    "reshape",
    "reverse",
    "reverse_time",
    "shuffle_channel",
    "slice_",
    "split",
    "tile",
    "transpose",
]


@infers("Concat")
@blobs(bottoms=(1, unbounded))
def concat(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """Inputs alike but for one axis, along which the top has them all."""
    axis = _either_axis(params.concat_param, "concat_dim", bottoms[0])
    first = bottoms[0]
    for index, bottom in enumerate(bottoms):
        demand(
            _without(bottom, axis) == _without(first, axis) and len(bottom) == len(first),
            f"input 0 is {first} but input {index} is {bottom}, "
            f"they may differ along axis {axis} only",
        )
    joined = sum(bottom[axis] for bottom in bottoms)
    return Inferred((_with(first, axis, joined),))


@infers("Slice")
@blobs(bottoms=1, tops=(1, unbounded))
def slice_(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """The input cut along one axis, at the points given or into equal pieces."""
    p, bottom = params.slice_param, bottoms[0]
    axis = _either_axis(p, "slice_dim", bottom)
    whole = bottom[axis]
    if not p.slice_point:
        demand(
            whole % tops == 0,
            f"{tops} outputs do not divide the extent {whole} of axis {axis} evenly",
        )
        return Inferred((_with(bottom, axis, whole // tops),) * tops)
    points = (0, *p.slice_point, whole)
    demand(
        len(p.slice_point) == tops - 1,
        f"slice_point is given {len(p.slice_point)} times, {tops} outputs take {tops - 1}",
    )
    pieces = [end - start for start, end in pairwise(points)]
    demand(
        min(pieces) > 0,
        f"the slice points {p.slice_point} do not rise between 0 and the extent {whole} of "
        f"axis {axis}",
    )
    return Inferred(tuple(_with(bottom, axis, piece) for piece in pieces))


@infers("Split")
@blobs(bottoms=1, tops=(1, unbounded))
def split(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """Every top is the bottom."""
    return Inferred((bottoms[0],) * tops)


@infers("Flatten")
@blobs(bottoms=1)
def flatten(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """The axes from ``axis`` to ``end_axis``, both included, become one.

    An ``end_axis`` just before ``axis`` spans no axis and so adds one of extent 1.
    """
    p, bottom = params.flatten_param, bottoms[0]
    refuse_in_place(params)
    start, end = canonical_axis(p.axis, bottom), canonical_axis(p.end_axis, bottom) + 1
    demand(start <= end, f"end_axis {p.end_axis} lies before axis {p.axis} of {bottom}")
    return Inferred(((*bottom[:start], count(bottom, start, end), *bottom[end:]),))


@infers("Reshape")
@blobs(bottoms=1)
def reshape(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """``num_axes`` axes from ``axis`` on are replaced: 0 copies an extent, -1 is what is left."""
    p, bottom = params.reshape_param, bottoms[0]
    refuse_in_place(params)
    start, end = _replaced(p, bottom)
    wanted: Shape = p.shape.dim
    demand(wanted.count(-1) <= 1, f"the new shape {wanted} holds more than one -1")
    demand(min(wanted, default=0) >= -1, f"the new shape {wanted} holds an extent below -1")
    new = [_copied(bottom, start + i, wanted) if dim == 0 else dim for i, dim in enumerate(wanted)]
    top = (*bottom[:start], *new, *bottom[end:])
    if -1 in new:
        known = -count(top)
        demand(
            known > 0 and count(bottom) % known == 0,
            f"the {count(bottom)} numbers of {bottom} are no multiple of the new shape {top}",
        )
        top = _with(top, start + new.index(-1), count(bottom) // known)
    demand(
        count(top) == count(bottom),
        f"the new shape {top} has {count(top)} numbers, the input {bottom} {count(bottom)}",
    )
    return Inferred((top,))


def _replaced(p: Params, bottom: Shape) -> tuple[int, int]:
    """The first axis to be replaced, and the one behind the last."""
    rank, axis, axes = len(bottom), p.axis, p.num_axes
    start = axis if axis >= 0 else rank + axis + 1  # reshape_layer.cpp: -1 is behind the last
    demand(0 <= start <= rank, f"axis {axis} is out of range for an input of shape {bottom}")
    demand(axes >= -1, f"num_axes is {axes}, it is 0 or more, or -1 for all")
    end = rank if axes == -1 else start + axes
    demand(end <= rank, f"{axes} axes from axis {axis} on reach past the input's shape {bottom}")
    return start, end


def _copied(bottom: Shape, axis: int, wanted: Shape) -> int:
    demand(axis < len(bottom), f"the new shape {wanted} copies axis {axis} of {bottom} with a 0")
    return bottom[axis]


@infers("Crop")
@blobs(bottoms=2)
def crop(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """The first input cut to the second's extents, from ``axis`` on."""
    p, (bottom, like) = params.crop_param, bottoms
    axis = canonical_axis(p.axis, bottom)
    cropped, offsets = len(bottom) - axis, p.offset
    demand(
        len(offsets) in (0, 1, cropped),
        f"offset is given {len(offsets)} times, it takes one value or one for each of the "
        f"{cropped} axes to crop",
    )
    demand(len(like) >= len(bottom), f"the input to crop to, {like}, has fewer axes than {bottom}")
    offsets = (offsets or (0,)) * (cropped if len(offsets) < 2 else 1)
    fits = (o + like[axis + i] <= bottom[axis + i] for i, o in enumerate(offsets))
    demand(all(fits), f"{like} at the offsets {offsets} from axis {axis} on leaves {bottom}")
    return Inferred(((*bottom[:axis], *like[axis : len(bottom)]),))


@infers("Permute")
@blobs(bottoms=1)
def permute(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """Axes in a new order; those not named follow in their old one (SSD: permute_layer.cpp)."""
    bottom, order = bottoms[0], params.permute_param.order
    demand(
        all(axis < len(bottom) for axis in order),
        f"order {order} names an axis that the input {bottom} does not have",
    )
    demand(len(set(order)) == len(order), f"order {order} names an axis twice")
    rest = (axis for axis in range(len(bottom)) if axis not in order)
    return Inferred((tuple(bottom[axis] for axis in (*order, *rest)),))


@infers("Transpose")
@blobs(bottoms=1)
def transpose(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """All axes in a new order (senlinuc, CTPN: transpose_layer.cpp)."""
    bottom, order = bottoms[0], params.transpose_param.dim
    refuse_in_place(params)
    demand(
        len(bottom) > 0 and sorted(order) == [*range(len(bottom))],
        f"dim {order} is no order of the {len(bottom)} axes of {bottom}",
    )
    return Inferred((tuple(bottom[axis] for axis in order),))


@infers("Reverse")
@blobs(bottoms=1)
def reverse(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """One axis backwards (senlinuc, CTPN: reverse_layer.cpp)."""
    axis = params.reverse_param.axis
    refuse_in_place(params)
    demand(
        0 <= axis < len(bottoms[0]),
        f"axis {axis} is out of range for an input of shape {bottoms[0]}",
    )
    return Inferred((bottoms[0],))


@infers("ReverseTime")
@blobs(bottoms=2)
def reverse_time(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """Sequences (T, N, *) backwards, each by its own length (N,) (senlinuc)."""
    sequences, lengths = bottoms
    refuse_in_place(params)
    demand(
        len(sequences) >= 2 and lengths == sequences[1:2],
        f"the lengths take one for each of the sequences {sequences}, received {lengths}",
    )
    return Inferred((sequences,))


@infers("Flip")
@blobs(bottoms=1)
def flip(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """Rows or columns backwards (happynear: flip_layer.cpp)."""
    return Inferred((bottoms[0],))


@infers("ShuffleChannel")
@blobs(bottoms=1)
def shuffle_channel(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """Channels dealt out to groups; always 4 axes (farmingyard: shuffle_channel_layer.cpp)."""
    group, bottom = params.shuffle_channel_param.group, legacy_shape(bottoms[0])
    demand(group > 0, "group is zero")
    demand(bottom[1] % group == 0, f"group {group} does not divide the {bottom[1]} channels")
    return Inferred((bottom,))


@infers("CropCenter")
@blobs(bottoms=1)
def crop_center(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """Each axis cut by its crop_size at both ends (lltcggie: crop_center_layer.cpp)."""
    bottom, sizes = bottoms[0], params.crop_center_param.crop_size
    demand(
        len(sizes) == len(bottom),
        f"crop_size is given {len(sizes)} times, it takes one for each axis of {bottom}",
    )
    top = tuple(extent - 2 * size for extent, size in zip(bottom, sizes, strict=True))
    demand(min(top, default=1) > 0, f"crop_size {sizes} on either side leaves nothing of {bottom}")
    return Inferred((top,))


@infers("Tile")
@blobs(bottoms=1)
def tile(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """One axis repeated ``tiles`` times."""
    p, bottom = params.tile_param, bottoms[0]
    axis = canonical_axis(p.axis, bottom)
    demand(p.has("tiles") and p.tiles > 0, f"tiles is {p.tiles}, it must be given and positive")
    return Inferred((_with(bottom, axis, bottom[axis] * p.tiles),))


def _either_axis(p: Params, legacy: str, bottom: Shape) -> int:
    """``axis``, or its predecessor, which was never negative."""
    if not p.has(legacy):
        return canonical_axis(p.axis, bottom)
    demand(not p.has("axis"), f"both axis and {legacy} are given, it takes one or the other")
    axis: int = getattr(p, legacy)
    demand(axis < len(bottom), f"{legacy} {axis} is out of range for an input of shape {bottom}")
    return axis


def _with(shape: Shape, axis: int, extent: int) -> Shape:
    return (*shape[:axis], extent, *shape[axis + 1 :])


def _without(shape: Shape, axis: int) -> Shape:
    return (*shape[:axis], *shape[axis + 1 :])

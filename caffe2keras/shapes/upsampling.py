"""Layers that make an image larger, or smaller, without learning."""

from __future__ import annotations

from collections.abc import Sequence

from caffe2keras.graph.net import Shape
from caffe2keras.params import Params
from caffe2keras.shapes.demands import blobs, demand, legacy_shape, refuse_in_place
from caffe2keras.shapes.registry import Inferred, infers

__all__ = ["interp", "reorg", "unpool_window", "unpooling", "upsample"]


@infers("Interp")
@blobs(bottoms=(1, 2))
def interp(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """(N, C, H, W) -> (N, C, H', W'), bilinear (DeepLab, PSPNet: interp_layer.cpp).

    Padding, zero or negative, crops first. One factor alone decides on the size; else height and
    width; else both factors, shrinking first. With use_blob_size the second input does.
    """
    p, bottom = params.interp_param, legacy_shape(bottoms[0])
    pads = (p.pad_beg, p.pad_end)
    demand(max(pads) <= 0, f"pad_beg and pad_end are {pads}, they may only crop, by 0 or less")
    cropped = tuple(extent + sum(pads) for extent in bottom[2:])
    demand(min(cropped) > 0, f"pad_beg and pad_end {pads} leave nothing of {bottom[2:]}")
    if p.use_blob_size:
        demand(len(bottoms) == 2, "use_blob_size needs a second input")
        return Inferred(((*bottom[:2], *legacy_shape(bottoms[1])[2:]),))
    return Inferred(((*bottom[:2], *_interpolated(p, cropped)),))


def _interpolated(p: Params, spatial: Shape) -> Shape:
    shrink, zoom = p.has("shrink_factor"), p.has("zoom_factor")
    if shrink == zoom and p.has("height") and p.has("width"):
        demand(min(p.height, p.width) > 0, f"height and width are {p.height} and {p.width}")
        return (p.height, p.width)
    demand(shrink or zoom, "it takes shrink_factor, zoom_factor, or height and width")
    factors = (p.shrink_factor, p.zoom_factor)
    demand(min(factors) >= 1, f"shrink_factor and zoom_factor are {factors}, 1 is the least")
    shrunk = ((extent - 1) // p.shrink_factor + 1 for extent in spatial)
    return tuple(extent + (extent - 1) * (p.zoom_factor - 1) for extent in shrunk)


@infers("Upsample")
@blobs(bottoms=(1, 2))
def upsample(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """(N, C, H, W), and the mask of a max pooling like it -> (N, C, H', W').

    With the mask it is SegNet's (upsample_layer.cpp), which undoes the pooling; without it
    eric612's, which repeats each value and whose scale is 1 unless given.
    """
    p, bottom = params.upsample_param, bottoms[0]
    if len(bottoms) == 1:
        scale = p.scale if p.has("scale") else 1
        demand(len(bottom) >= 2, f"it takes an input of 2 axes or more, received {bottom}")
        demand(scale > 0, "scale is zero")
        return Inferred(((*bottom[:-2], bottom[-2] * scale, bottom[-1] * scale),))
    demand(len(bottom) == 4, f"it takes an input of 4 axes (N, C, H, W), received {bottom}")
    demand(bottoms[1] == bottom, f"the mask takes {bottom}, received {bottoms[1]}")
    return Inferred(((*bottom[:2], *_unpooled(p, bottom[2:])),))


def _unpooled(p: Params, spatial: Shape) -> Shape:
    if p.has("upsample_h") and p.has("upsample_w"):
        size = (p.upsample_h, p.upsample_w)
        demand(min(size) > 1, f"upsample_h and upsample_w are {size}, 2 is the least")
        return size
    h, w = p.has("scale_h"), p.has("scale_w")
    demand(
        not (h or w) or (h and w and not p.has("scale")),
        "the scale is scale, or scale_h and scale_w together",
    )
    scales = (p.scale_h, p.scale_w) if h else (p.scale, p.scale)
    trims = (p.pad_out_h, p.pad_out_w)
    demand(min(scales) > 1, f"the scale is {scales}, 2 is the least")
    demand(
        all(scale == 2 or not trim for scale, trim in zip(scales, trims, strict=True)),
        f"pad_out_h and pad_out_w are for a scale of 2, it is {scales}",
    )
    out = (e * s - int(t) for e, s, t in zip(spatial, scales, trims, strict=True))
    return tuple(out)


@infers("Unpooling")
@blobs(bottoms=(1, 2))
def unpooling(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """(N, C, H, W), and the mask of a max pooling like it -> (N, C, H', W').

    DeconvNet's (HyeonwooNoh: unpooling_layer.cpp), whose size is always given. A second input is
    looked at for MAX only.
    """
    p, bottom = params.unpooling_param, legacy_shape(bottoms[0])
    if len(bottoms) == 2 and p.unpool == "MAX":
        demand(bottoms[1] == bottoms[0], f"the mask takes {bottoms[0]}, received {bottoms[1]}")
    _, _, size = unpool_window(p)
    return Inferred(((*bottom[:2], *size),))


def unpool_window(p: Params) -> tuple[Shape, Shape, Shape]:
    """Kernel, stride and the output's size of an UnpoolingParameter, (height, width) each.

    Raises:
        ShapeError: the fields contradict each other, or the size is missing.
    """
    kernel, size = _square_or(p, "kernel_size", "kernel"), _square_or(p, "unpool_size", "unpool")
    demand(min(kernel) > 0 and min(size) > 0, f"kernel {kernel} and size {size} cannot be zero")
    h, w = p.has("stride_h"), p.has("stride_w")
    demand(h == w and not (h and p.has("stride")), "the stride is stride, or stride_h and stride_w")
    pads = (p.pad, p.pad_h, p.pad_w)
    demand(not any(pads), f"the padding is {pads}, there may be none")
    return kernel, (p.stride_h, p.stride_w) if h else (p.stride, p.stride), size


def _square_or(p: Params, name: str, stem: str) -> Shape:
    """One number for height and width, or both of them."""
    both = p.has(f"{stem}_h") and p.has(f"{stem}_w")
    either = p.has(f"{stem}_h") or p.has(f"{stem}_w")
    demand(p.has(name) != either and both == either, f"it takes {name}, or {stem}_h and {stem}_w")
    if both:
        return getattr(p, f"{stem}_h"), getattr(p, f"{stem}_w")
    return (getattr(p, name),) * 2


@infers("Reorg")
@blobs(bottoms=1)
def reorg(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """(N, C, H, W) -> (N, C·s², H/s, W/s), or back in reverse (YOLO: reorg_layer.cpp)."""
    p, (n, c, h, w) = params.reorg_param, legacy_shape(bottoms[0])
    s = p.stride
    refuse_in_place(params)
    demand(s > 0, "stride is missing or zero")
    if p.reverse:
        demand(c % (s * s) == 0, f"the stride's square, {s * s}, does not divide {c} channels")
        return Inferred(((n, c // (s * s), h * s, w * s),))
    demand(h >= s and w >= s, f"the stride {s} is larger than the image {(h, w)}")
    return Inferred(((n, c * s * s, h // s, w // s),))

"""Images made larger or smaller: Upsample, Unpooling and Interp."""

from __future__ import annotations

import numpy as np

from caffe2keras.errors import ShapeError, UnsupportedFieldError
from caffe2keras.graph.net import Layer, Shape
from caffe2keras.params import Params
from caffe2keras.verify.oracle.registry import Array, Arrays, Tops, computes

__all__ = ["interp", "unpooling", "upsample"]


@computes("Upsample")
def upsample(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """With a mask, each value where pooling found it, else 0; without, each pixel scale times.

    The first is SegNet's (upsample_layer.cpp in alexgkendall's caffe-segnet), the second YOLO's
    (the same file in eric612's MobileNet-YOLO).
    """
    p = layer.params.upsample_param
    if len(bottoms) == 2:
        x, mask = bottoms
        return (_unpooled(x, mask, _unpooled_size(p, x.shape[2:])),)
    scale = p.scale if p.has("scale") else 1  # YOLO's default; SegNet's is 2
    return (bottoms[0].repeat(scale, axis=-2).repeat(scale, axis=-1),)


def _unpooled_size(p: Params, spatial: Shape) -> Shape:
    if p.has("upsample_h") and p.has("upsample_w"):
        return p.upsample_h, p.upsample_w
    scales = (p.scale_h, p.scale_w) if p.has("scale_h") else (p.scale, p.scale)
    less = (p.pad_out_h, p.pad_out_w)
    return tuple(
        size * scale - int(one) for size, scale, one in zip(spatial, scales, less, strict=True)
    )


def _unpooled(x: Array, mask: Array, size: Shape) -> Array:
    height, width = size
    places = mask.astype(np.int64).reshape(*x.shape[:2], -1)
    if places.size and not 0 <= places.min() <= places.max() < height * width:
        raise ShapeError(what=f"the mask points outside an image of {height} by {width}")
    y = np.zeros((*x.shape[:2], height * width), x.dtype)
    np.put_along_axis(y, places, x.reshape(places.shape), axis=-1)
    return y.reshape(*x.shape[:2], height, width)


@computes("Unpooling")
def unpooling(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """MAX puts each value where the mask says, or to where its window begins.

    AVE shares it out over its window, as far as that lies inside, TILE repeats it there; windows
    that overlap add up. From unpooling_layer.cu in HyeonwooNoh's fork: the code for the CPU does
    the same, but adds to what it finds.
    """
    p = layer.params.unpooling_param
    x = bottoms[0]
    height, width = (p.unpool_size,) * 2 if p.has("unpool_size") else (p.unpool_h, p.unpool_w)
    if p.unpool == "MAX" and len(bottoms) == 2:
        return (_unpooled(x, bottoms[1], (height, width)),)
    kernel = (p.kernel_size,) * 2 if p.has("kernel_size") else (p.kernel_h, p.kernel_w)
    stride = (p.stride_h, p.stride_w) if p.has("stride_h") else (p.stride, p.stride)
    y = np.zeros((*x.shape[:2], height, width), x.dtype)
    for i, j in np.ndindex(*x.shape[2:]):
        top, left = i * stride[0], j * stride[1]
        value = x[:, :, i, j, None, None]
        if p.unpool == "MAX":
            y[:, :, min(top, height - 1), min(left, width - 1)] = value[:, :, 0, 0]
            continue
        window = y[:, :, top : top + kernel[0], left : left + kernel[1]]
        if window.size:
            window += value if p.unpool == "TILE" else value / (window.shape[2] * window.shape[3])
    return (y,)


@computes("Interp")
def interp(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """Bilinear, corners on corners; negative pads cut the image first: (N, C, H, W).

    From interp_layer.cpp and util/interp.cpp in PSPNet's and DeepLab's forks.

    Raises:
        UnsupportedFieldError: the size is another bottom's, which no source known here explains.
    """
    p = layer.params.interp_param
    if p.use_blob_size or len(bottoms) > 1:
        raise UnsupportedFieldError(
            what=f"{layer}: the size of a second bottom",
            where=layer.where,
            why="no source is known that says how it counts",
        )
    height, width = bottoms[0].shape[2:]
    x = bottoms[0][:, :, -p.pad_beg : height + p.pad_end, -p.pad_beg : width + p.pad_end]
    rows, cells = _interpolated_size(p, x.shape[2:])
    return (_interpolated(_interpolated(x, cells, axis=3), rows, axis=2),)


def _interpolated_size(p: Params, spatial: Shape) -> Shape:
    """Zoom and shrink go before an explicit size, if only one of the two is given."""
    shrinks, zooms = p.has("shrink_factor"), p.has("zoom_factor")
    if shrinks == zooms and p.has("height") and p.has("width"):
        return p.height, p.width
    shrink = p.shrink_factor if shrinks else 1
    zoom = p.zoom_factor if zooms else 1
    return tuple((size - 1) // shrink * zoom + 1 for size in spatial)


def _interpolated(x: Array, size: int, axis: int) -> Array:
    # Caffe computes the places in single precision, whatever the blobs are in.
    last = x.shape[axis] - 1
    step = np.float32(last) / np.float32(size - 1) if size > 1 else np.float32(0)
    places = step * np.arange(size, dtype=np.float32)
    before = places.astype(np.int64)
    share = (places - before.astype(np.float32)).astype(x.dtype)
    share = share.reshape(-1, *(1,) * (x.ndim - 1 - axis))
    low: Array = x.take(before, axis)
    high: Array = x.take(np.minimum(before + 1, last), axis)
    return (1 - share) * low + share * high

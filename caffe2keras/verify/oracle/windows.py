"""Sliding windows: where each tap of a kernel meets the image, for any number of axes.

Convolution, its transpose, im2col and every pooling are loops over the kernel's taps; for each
tap a strided slice of the framed image holds what all windows see there. No loop runs over
pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import prod
from types import EllipsisType

import numpy as np

from caffe2keras.errors import ShapeError
from caffe2keras.graph.net import Shape
from caffe2keras.params import Params
from caffe2keras.verify.oracle.registry import Array

__all__ = ["Place", "Window", "columns", "convolution_window", "framed", "scattered"]

# An index whose slices belong to the trailing, spatial axes.
Place = tuple[EllipsisType | slice, ...]


@dataclass(frozen=True)
class Window:
    """A kernel's geometry, one number for each spatial axis.

    Attributes:
        kernel: its taps.
        stride: the step from one window to the next.
        pad: what is added on both sides of the image.
        dilation: the distance between neighbouring taps.
    """

    kernel: Shape
    stride: Shape
    pad: Shape
    dilation: Shape

    @property
    def reach(self) -> Shape:
        """How far the kernel extends over the image, holes included."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    def convolved(self, spatial: Shape) -> Shape:
        """The output's extents (conv_layer.cpp).

        C++ divides towards zero: a kernel that reaches over the image by less than a stride
        still has one place, and sees zeros behind the image.
        """
        terms = zip(spatial, self.pad, self.reach, self.stride, strict=True)
        return tuple(int((size + 2 * p - reach) / s) + 1 for size, p, reach, s in terms)

    def deconvolved(self, spatial: Shape) -> Shape:
        """The transpose's output extents (deconv_layer.cpp)."""
        terms = zip(spatial, self.pad, self.reach, self.stride, strict=True)
        return tuple(s * (size - 1) + reach - 2 * p for size, p, reach, s in terms)

    def span(self, out: Shape) -> Shape:
        """How much of the padded image so many windows cover."""
        terms = zip(out, self.stride, self.reach, strict=True)
        return tuple((extent - 1) * s + reach for extent, s, reach in terms)

    def taps(self, out: Shape) -> Iterator[Place]:
        """For each tap, last axis fastest, where so many windows see it in the framed image."""
        for tap in product(*(range(k) for k in self.kernel)):
            terms = zip(tap, self.dilation, self.stride, out, strict=True)
            yield (..., *(slice(t * d, t * d + (o - 1) * s + 1, s) for t, d, s, o in terms))


def convolution_window(p: Params, rank: int) -> Window:
    """The window of a ConvolutionParameter over so many spatial axes (base_conv_layer.cpp)."""
    return Window(
        kernel=_per_axis(p, "kernel_size", "kernel", rank, default=0),
        stride=_per_axis(p, "stride", "stride", rank, default=1),
        pad=_per_axis(p, "pad", "pad", rank, default=0),
        dilation=_dilation(p, rank),
    )


def _dilation(p: Params, rank: int) -> Shape:
    """The distance between taps; DeepLab's first fork called it hole (conv_layer.cpp there)."""
    if p.has("hole_h") or p.has("hole_w"):
        return p.hole_h, p.hole_w
    return (p.hole,) * rank if p.has("hole") else _spread(p.dilation, rank, default=1)


def _per_axis(p: Params, field: str, stem: str, rank: int, default: int) -> Shape:
    high, wide = f"{stem}_h", f"{stem}_w"
    if p.has(high) or p.has(wide):
        return getattr(p, high), getattr(p, wide)
    return _spread(getattr(p, field), rank, default)


def _spread(values: Shape, rank: int, default: int) -> Shape:
    """One value for every axis, or one for each; none means the default."""
    return values if len(values) == rank else (values or (default,)) * rank


def framed(x: Array, window: Window, out: Shape, fill: float) -> Array:
    """Pad an image to exactly what the windows cover.

    Args:
        x: (..., *spatial); as many trailing axes as the window has.
        window: its pad is put before the image, and after it whatever is missing.
        out: how many windows there are along each axis.
        fill: what stands in the padding.

    Returns:
        (..., *span): the image behind its padding, what no window sees cut off.
    """
    span = window.span(out)
    lead = x.ndim - len(span)
    spatial = x.shape[lead:]
    if not any(window.pad) and all(s <= size for s, size in zip(span, spatial, strict=True)):
        return x[_at((0,) * len(span), span)]
    frame = np.full((*x.shape[:lead], *span), fill, x.dtype)
    target = frame[_at(window.pad, spatial)]
    target[...] = x[_at((0,) * len(span), target.shape[lead:])]
    return frame


def _at(first: Shape, extents: Shape) -> Place:
    """Where a box of these extents lies that begins there."""
    return (..., *(slice(f, f + extent) for f, extent in zip(first, extents, strict=True)))


def columns(image: Array, window: Window, out: Shape) -> Array:
    """Every tap of every window as a matrix (im2col.cpp).

    Args:
        image: (C, *spatial).
        window: the kernel's geometry.
        out: the output's extents.

    Returns:
        (C·taps, windows), the channel slowest among the rows.
    """
    if any(extent < 1 for extent in out):
        raise ShapeError(what=f"the output's extents would be {out}")
    if prod(window.kernel) == 1 and image.shape[1:] == out and not any(window.pad):
        return image.reshape(image.shape[0], -1)
    frame = framed(image, window, out, 0.0)
    matrix = np.empty((image.shape[0], prod(window.kernel), *out), image.dtype)
    for tap, place in enumerate(window.taps(out)):
        matrix[:, tap] = frame[place]
    return matrix.reshape(-1, prod(out))


def scattered(matrix: Array, window: Window, spatial: Shape, image: Shape) -> Array:
    """The transpose of :func:`columns`: add every tap back where it came from (col2im.cpp).

    Args:
        matrix: (C·taps, windows).
        window: the kernel's geometry.
        spatial: how many windows there are along each axis.
        image: the extents of the image without its padding.

    Returns:
        (C, *image).
    """
    taps = matrix.reshape(-1, prod(window.kernel), *spatial)
    padded = tuple(size + 2 * p for size, p in zip(image, window.pad, strict=True))
    frame: Array = np.zeros((taps.shape[0], *padded), matrix.dtype)
    for tap, place in enumerate(window.taps(spatial)):
        frame[place] += taps[:, tap]
    return frame[_at(window.pad, image)]

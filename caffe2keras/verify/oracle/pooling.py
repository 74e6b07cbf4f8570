"""Pooling with Caffe's rounding, clipping and divisors (pooling_layer.cpp), and SPP."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

import numpy as np

from caffe2keras.errors import ShapeError
from caffe2keras.graph.net import Layer, Shape
from caffe2keras.params import Params
from caffe2keras.verify.oracle.registry import Array, Arrays, Tops, computes
from caffe2keras.verify.oracle.windows import Window, framed

__all__ = ["METHODS", "average", "pooled_extents", "pooling", "spp"]

# FLT_MAX: what a window that sees no pixel yields under MAX, in double precision too
LARGEST_FLOAT = float(np.finfo(np.float32).max)


@computes("Pooling")
def pooling(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """MAX (with its mask as a second top), AVE or STOCHASTIC: (N, C, H, W) -> (N, C, H', W')."""
    p = layer.params.pooling_param
    (x,) = bottoms
    if x.ndim != 4:
        raise ShapeError(what=f"pooling wants 4 axes, received shape {x.shape}")
    window = _window(p, x.shape[2:])
    out = pooled_extents(x.shape[2:], window, round_up=_rounds_up(p))
    if p.pool == "MAX" and len(layer.tops) > 1:
        return _max_and_mask(x, window, out)
    return (METHODS[p.pool](x, window, out),)


def _rounds_up(p: Params) -> bool:
    # ceil_mode is the forks' older name for BVLC's round_mode.
    return bool(p.round_mode == "CEIL" and p.ceil_mode)


def _window(p: Params, spatial: Shape) -> Window:
    # A stride or pad given as _h and _w wins as a pair; the kernel likewise.
    kernel = (p.kernel_size,) * 2 if p.has("kernel_size") else (p.kernel_h, p.kernel_w)
    stride = (p.stride_h, p.stride_w) if p.has("stride_h") else (p.stride,) * 2
    pad = (p.pad_h, p.pad_w) if p.has("pad_h") else (p.pad,) * 2
    return Window(spatial if p.global_pooling else kernel, stride, pad, dilation=(1, 1))


def pooled_extents(spatial: Shape, window: Window, round_up: bool, clips: bool = True) -> Shape:
    """How many windows there are along each axis.

    With any padding at all, a last window that would begin behind the image and its first
    padding is taken away (unless nothing clips); without padding it stays and sees nothing.
    """
    return tuple(
        _pooled_extent(*terms, round_up, clips and any(window.pad))
        for terms in zip(spatial, window.kernel, window.stride, window.pad, strict=True)
    )


def _pooled_extent(
    size: int, kernel: int, stride: int, pad: int, round_up: bool, clips: bool
) -> int:
    steps = size + 2 * pad - kernel
    out = (-(-steps // stride) if round_up else steps // stride) + 1
    return out - 1 if clips and (out - 1) * stride >= size + pad else out


def _maximum(x: Array, window: Window, out: Shape) -> Array:
    best = np.full((*x.shape[: -len(out)], *out), -LARGEST_FLOAT, x.dtype)
    frame = framed(x, window, out, -LARGEST_FLOAT)
    for place in window.taps(out):
        # Caffe asks "greater than", so a NaN never wins; fmax is that question.
        np.fmax(best, frame[place], out=best)
    return best


def _max_and_mask(x: Array, window: Window, out: Shape) -> tuple[Array, Array]:
    """The maxima and where they were: indices into the H·W pixels, the first of equals wins."""
    best = np.full((*x.shape[:-2], *out), -LARGEST_FLOAT, x.dtype)
    mask = np.full_like(best, -1)
    frame = framed(x, window, out, -LARGEST_FLOAT)
    pixels = np.arange(x.shape[-2] * x.shape[-1], dtype=x.dtype).reshape(x.shape[-2:])
    numbers = framed(pixels, window, out, -1.0)
    for place in window.taps(out):
        seen = frame[place]
        better = seen > best
        np.copyto(best, seen, where=better)
        np.copyto(mask, numbers[place], where=better)
    return best, mask


def _total(x: Array, window: Window, out: Shape) -> Array:
    total: Array = np.zeros((*x.shape[: -len(out)], *out), x.dtype)
    frame = framed(x, window, out, 0.0)
    for place in window.taps(out):
        total += frame[place]
    return total


def average(x: Array, window: Window, out: Shape) -> Array:
    """The mean of each window; (..., *spatial) -> (..., *out).

    The divisor counts the padding too, but not what lies behind the padding on the far side.
    """
    sides = [
        np.minimum(np.arange(o) * s - p + k, size + p) - (np.arange(o) * s - p)
        for o, s, p, k, size in zip(
            out, window.stride, window.pad, window.kernel, x.shape[-len(out) :], strict=True
        )
    ]
    divisor: Array = reduce(np.multiply.outer, sides).astype(x.dtype)
    return _total(x, window, out) / divisor


def _stochastic(x: Array, window: Window, out: Shape) -> Array:
    """Each value weighted by itself, as pooling_layer.cu does in the TEST phase; no CPU code."""
    total = _total(x, window, out)
    weighted = _total(x * x, window, out)
    share: Array = np.where(total > 0, weighted / total, 0.0)
    return share


METHODS = {"MAX": _maximum, "AVE": average, "STOCHASTIC": _stochastic}


@computes("SPP")
def spp(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """A pyramid of poolings: (N, C, H, W) -> (N, C·bins), levels one behind the other.

    A pyramid of a single level is plain pooling, (N, C, 1, 1) (spp_layer.cpp).
    """
    p = layer.params.spp_param
    (x,) = bottoms
    levels = [_level(p.pool, x, 2**level) for level in range(p.pyramid_height)]
    if len(levels) == 1:
        return (levels[0],)
    return (np.concatenate([level.reshape(len(x), -1) for level in levels], axis=1),)


def _level(method: str, x: Array, bins: int) -> Array:
    # The window grows until bins of them cover the axis; what is too much is shared as padding.
    kernel = tuple(-(-size // bins) for size in x.shape[2:])
    excess = (k * bins - size for k, size in zip(kernel, x.shape[2:], strict=True))
    window = Window(kernel, kernel, (0, 0), (1, 1))
    window = replace(window, pad=tuple((e + 1) // 2 for e in excess))
    return METHODS[method](x, window, pooled_extents(x.shape[2:], window, round_up=True))

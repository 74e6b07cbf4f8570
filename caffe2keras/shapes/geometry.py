"""Kernel, stride, padding and dilation: the one reader of all of Caffe's ways to say them.

Shape rules and mappings read windows here and nowhere else, so that both understand a net alike.
"""

from __future__ import annotations

from dataclasses import dataclass

from caffe2keras.graph.net import Shape
from caffe2keras.params import Params
from caffe2keras.shapes.demands import canonical_axis, demand

__all__ = [
    "ConvGeometry",
    "PoolGeometry",
    "conv_geometry",
    "pool_geometry",
    "spp_geometry",
    "windows",
]


@dataclass(frozen=True)
class ConvGeometry:
    """The window of a Convolution, Deconvolution or Im2col, one entry for each spatial axis.

    Attributes:
        axis: the channel axis; the axes behind it are the spatial ones.
        kernel: the window's extent in taps; empty where there is no spatial axis.
        stride: the step between windows.
        pad: the zeros on either side.
        dilation: the step between taps, 1 for an ordinary window.
    """

    axis: int
    kernel: Shape
    stride: Shape
    pad: Shape
    dilation: Shape

    @property
    def extent(self) -> Shape:
        """The pixels that a window spans, the holes included."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    def convolved(self, spatial: Shape) -> Shape:
        """The spatial output of a Convolution or Im2col over a spatial input.

        A window that overhangs the padded input by less than its stride still counts once:
        conv_layer.cpp divides in C++, towards zero.

        Raises:
            ShapeError: no window fits.
        """
        out = tuple(
            _towards_zero(size + 2 * p - e, s) + 1
            for size, p, e, s in zip(spatial, self.pad, self.extent, self.stride, strict=True)
        )
        demand(
            all(extent > 0 for extent in out),
            f"a window of {self.extent} does not fit into {spatial} padded by {self.pad}",
        )
        return out

    def deconvolved(self, spatial: Shape) -> Shape:
        """The spatial output of a Deconvolution over a spatial input.

        Raises:
            ShapeError: the padding crops everything away.
        """
        out = tuple(
            s * (size - 1) + e - 2 * p
            for size, p, e, s in zip(spatial, self.pad, self.extent, self.stride, strict=True)
        )
        demand(
            all(extent > 0 for extent in out),
            f"the padding {self.pad} leaves nothing of an output made of {spatial}",
        )
        return out

    def padding(self, spatial: Shape) -> tuple[tuple[int, int], ...]:
        """The zeros before and behind each spatial axis that make every window whole.

        They are ``pad`` on either side, and more behind where a window overhangs (see
        :meth:`convolved`); Caffe reads zeros there.
        """
        return tuple(
            (p, p + max(0, e - size - 2 * p))
            for size, p, e in zip(spatial, self.pad, self.extent, strict=True)
        )


def _towards_zero(dividend: int, divisor: int) -> int:
    return dividend // divisor if dividend >= 0 else -(-dividend // divisor)


@dataclass(frozen=True)
class PoolGeometry:
    """The window of a Pooling layer, (height, width).

    Attributes:
        kernel: the window's extent; the whole input for a global pooling.
        stride: the step between windows.
        pad: the padding on either side.
        ceil_mode: whether a last, partial window counts.
        out: how many windows there are, Caffe's clipping done.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    pad: tuple[int, int]
    ceil_mode: bool
    out: tuple[int, int]


def conv_geometry(p: Params, bottom: Shape) -> ConvGeometry:
    """Read the window of a convolution (base_conv_layer.cpp: LayerSetUp).

    Each of kernel_size, stride, pad and dilation is given once, or once for each spatial axis;
    for two spatial axes as kernel_h and kernel_w and so on instead. ``hole`` is what DeepLab's
    first Caffe called dilation.

    Args:
        p: the ConvolutionParameter.
        bottom: the input's shape.

    Raises:
        ShapeError: the fields contradict each other or the input's rank.
    """
    axis = canonical_axis(p.axis, bottom)
    rank = len(bottom) - axis - 1
    geometry = ConvGeometry(
        axis=axis,
        kernel=_spatial(p, "kernel_size", "kernel", rank, default=None),
        stride=_spatial(p, "stride", "stride", rank, default=1),
        pad=_spatial(p, "pad", "pad", rank, default=0),
        dilation=_dilation(p, rank),
    )
    for name in ("kernel", "stride", "dilation"):
        value: Shape = getattr(geometry, name)
        demand(all(extent > 0 for extent in value), f"the {name} is {value}, it cannot be zero")
    return geometry


def _spatial(p: Params, name: str, stem: str, rank: int, *, default: int | None) -> Shape:
    values: Shape = getattr(p, name)
    h, w = f"{stem}_h", f"{stem}_w"
    if p.has(h) or p.has(w):
        demand(rank == 2, f"{h} and {w} are for 2 spatial axes, the input has {rank}")
        demand(not values, f"both {name} and {h} or {w} are given, it takes one or the other")
        return (getattr(p, h), getattr(p, w))
    if not values and default is not None:
        return (default,) * rank
    return _repeated(values, name, rank)


def _dilation(p: Params, rank: int) -> Shape:
    if p.has("hole") or p.has("hole_h") or p.has("hole_w"):
        demand(rank == 2, f"hole is for 2 spatial axes, the input has {rank}")
        demand(not p.dilation, "both dilation and hole are given, it takes one or the other")
        return _pair(p, "hole")
    return _repeated(p.dilation or (1,), "dilation", rank)


def _repeated(values: Shape, name: str, rank: int) -> Shape:
    demand(
        len(values) in (1, rank),
        f"{name} is given {len(values)} times, it takes one value or one for each of the "
        f"{rank} spatial axes",
    )
    return values * rank if len(values) == 1 else values


def pool_geometry(p: Params, bottom: Shape) -> PoolGeometry:
    """Read the window of a pooling and count its places (pooling_layer.cpp).

    Args:
        p: the PoolingParameter.
        bottom: the input's shape, (N, C, H, W).

    Raises:
        ShapeError: the fields contradict each other or the input.
    """
    demand(len(bottom) == 4, f"it takes an input of 4 axes (N, C, H, W), received {bottom}")
    kernel = _pool_kernel(p, (bottom[2], bottom[3]))
    pad, stride = _pair(p, "pad"), _pair(p, "stride")
    if p.global_pooling:
        demand(
            pad == (0, 0) and stride == (1, 1),
            f"global_pooling stands beside pad {pad} and stride {stride}, "
            "it takes pad 0 and stride 1 only",
        )
    ceil_mode = p.round_mode == "CEIL" and p.ceil_mode
    return _placed(bottom, p.pool, kernel=kernel, stride=stride, pad=pad, ceil_mode=ceil_mode)


def spp_geometry(p: Params, bottom: Shape) -> tuple[PoolGeometry, ...]:
    """The poolings that a spatial pyramid consists of, coarsest first (spp_layer.cpp).

    Args:
        p: the SPPParameter.
        bottom: the input's shape, (N, C, H, W).

    Raises:
        ShapeError: a level is too fine for the input.
    """
    demand(len(bottom) == 4, f"it takes an input of 4 axes (N, C, H, W), received {bottom}")
    demand(min(bottom[2:]) > 0, f"it takes no empty input, received {bottom}")
    demand(0 < p.pyramid_height < 31, f"pyramid_height is {p.pyramid_height}, it is 1 to 30")
    return tuple(_level(p.pool, bottom, 1 << level) for level in range(p.pyramid_height))


def _level(method: str, bottom: Shape, bins: int) -> PoolGeometry:
    kernel = (-(-bottom[2] // bins), -(-bottom[3] // bins))
    pad = tuple((k * bins - size + 1) // 2 for k, size in zip(kernel, bottom[2:], strict=True))
    return _placed(
        bottom, method, kernel=kernel, stride=kernel, pad=(pad[0], pad[1]), ceil_mode=True
    )


def _placed(
    bottom: Shape,
    method: str,
    *,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    pad: tuple[int, int],
    ceil_mode: bool,
) -> PoolGeometry:
    """The window, checked and counted as PoolingLayer::LayerSetUp and Reshape do."""
    demand(min(kernel) > 0, f"the kernel is {kernel}, it cannot be zero")
    demand(min(stride) > 0, f"the stride is {stride}, it cannot be zero")
    # With any padding, a last window that would start behind the image is clipped away; without,
    # one may start there (stride > kernel).
    clip = pad != (0, 0)
    if clip:
        demand(method in ("MAX", "AVE"), f"pad {pad} is for MAX and AVE, the method is {method}")
        demand(
            pad[0] < kernel[0] and pad[1] < kernel[1],
            f"the pad {pad} must be smaller than the kernel {kernel}",
        )
    h, w = (
        windows(size, k, s, q, ceil_mode=ceil_mode, clip=clip)
        for size, k, s, q in zip(bottom[2:], kernel, stride, pad, strict=True)
    )
    demand(min(h, w) > 0, f"a window of {kernel} does not fit into {bottom[2:]} padded by {pad}")
    return PoolGeometry(kernel, stride, pad, ceil_mode, (h, w))


def _pool_kernel(p: Params, whole: tuple[int, int]) -> tuple[int, int]:
    size, h, w = p.has("kernel_size"), p.has("kernel_h"), p.has("kernel_w")
    if p.global_pooling:
        demand(not (size or h or w), "global_pooling stands beside a kernel, it takes none")
        return whole
    # One of kernel_h and kernel_w beside kernel_size is let pass, and ignored, as Caffe does.
    demand(size != (h and w), "the kernel is kernel_size, or kernel_h and kernel_w")
    return (p.kernel_size, p.kernel_size) if size else (p.kernel_h, p.kernel_w)


def _pair(p: Params, name: str) -> tuple[int, int]:
    h, w = p.has(f"{name}_h"), p.has(f"{name}_w")
    if not (h or w):
        value: int = getattr(p, name)
        return value, value
    demand(h and w and not p.has(name), f"the {name} is {name}, or {name}_h and {name}_w together")
    return getattr(p, f"{name}_h"), getattr(p, f"{name}_w")


def windows(size: int, kernel: int, stride: int, pad: int, *, ceil_mode: bool, clip: bool) -> int:
    """How many places a pooling's window has along one axis.

    Args:
        size: the image's extent.
        kernel: the window's.
        stride: the step.
        pad: the padding on either side.
        ceil_mode: whether a last, partial window counts.
        clip: whether a last window that would start behind the image is taken back.
    """
    steps = size + 2 * pad - kernel
    places = (-(-steps // stride) if ceil_mode else steps // stride) + 1
    return places - 1 if clip and (places - 1) * stride >= size + pad else places

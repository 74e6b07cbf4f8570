"""Where a blob's pixels lie in another blob, and the Crop that brings the two together.

``crop`` is that of pycaffe's ``coord_map``, which nets written with NetSpec use to align what they
have upsampled with what they have kept, as FCN does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from caffe2keras.errors import NetSpecError
from caffe2keras.netspec.program import Function, Top, layers

__all__ = ["crop"]

# fmt: off
_POINTWISE = frozenset({
    "AbsVal", "BatchNorm", "Bias", "BNLL", "Dropout", "Eltwise", "ELU", "Exp", "Log", "LRN", "MVN",
    "Power", "PReLU", "ReLU", "Scale", "Sigmoid", "Split", "TanH", "Threshold",
})
# fmt: on
_SIDES = frozenset({"kernel_h", "kernel_w", "stride_h", "stride_w", "pad_h", "pad_w"})

Numbers = tuple[Fraction, ...]


def crop(top_from: Top, top_to: Top) -> Top:
    """A Crop of one top to the size and place of another.

    Args:
        top_from: what is cut.
        top_to: what it is cut to; both must come from one blob, through layers that work on places
            (convolution, pooling, Crop) or on each value by itself.

    Returns:
        the Crop's top.

    Raises:
        NetSpecError: the two have no blob in common, are of different scale, or the second
            reaches beyond the first or lies between its pixels.
    """
    there, here = _common(_places(top_from), _places(top_to))
    scales = [b / a for a, b in _paired(there.scale, here.scale)]
    shifts = [b - a for a, b in _paired(there.shift, here.shift)]
    offsets = [shift / a for shift, a in _paired(tuple(shifts), there.scale)]
    if any(scale != 1 for scale in scales):
        raise _cannot(f"one pixel of the second is {_text(scales)} pixels of the first")
    if any(offset < 0 for offset in offsets):
        raise _cannot(f"the second begins before the first, at {_text(offsets)}")
    if any(offset.denominator != 1 for offset in offsets):
        raise _cannot(f"the second lies between pixels of the first, at {_text(offsets)}")
    axis = there.axis or here.axis or 2
    whole = [int(offset) for offset in offsets]
    made: Top = layers.Crop(top_from, top_to, crop_param=dict(axis=axis, offset=whole))
    return made


@dataclass(frozen=True)
class _Place:
    """Pixel x of a top lies at ``scale * x + shift`` of an ancestor, in each axis from ``axis``.

    A single number holds for all axes; the axis is None where no layer between has told it.
    """

    axis: int | None = None
    scale: Numbers = (Fraction(1),)
    shift: Numbers = (Fraction(0),)

    def behind(self, layer: _Place) -> _Place:
        """The place in a layer's bottom, given that in its top."""
        if None not in (self.axis, layer.axis) and self.axis != layer.axis:
            raise _cannot(f"layers between work from axis {self.axis} and from axis {layer.axis}")
        moved = tuple(a * b for a, b in _paired(layer.scale, self.shift))
        return _Place(
            layer.axis if self.axis is None else self.axis,
            tuple(a * b for a, b in _paired(layer.scale, self.scale)),
            tuple(a + b for a, b in _paired(moved, layer.shift)),
        )


def _places(top: Top) -> dict[Top, _Place]:
    """A top's place in each blob that it comes from, the nearest first."""
    found = {top: _Place()}
    waiting = [top]
    for current in waiting:
        layer = _layer(current.fn)
        if layer is None:
            continue
        # A Crop's second bottom only lends its size.
        inputs = current.fn.inputs[:1] if current.fn.type_name == "Crop" else current.fn.inputs
        for bottom in inputs:
            if bottom not in found:
                found[bottom] = found[current].behind(layer)
                waiting.append(bottom)
    return found


def _common(first: Mapping[Top, _Place], second: Mapping[Top, _Place]) -> tuple[_Place, _Place]:
    for top, place in second.items():
        if top in first:
            return first[top], place
    raise _cannot("no blob is before both of them, with layers between that keep places")


def _layer(fn: Function) -> _Place | None:
    """How a layer moves pixels, from its top to its bottom; None where it keeps no places."""
    if fn.type_name in _POINTWISE:
        return _Place()
    if fn.type_name == "Crop":
        told = _told(fn, "crop_param")
        return _Place(told.get("axis", 2), shift=_numbers(told.get("offset", 0)))
    if fn.type_name not in ("Convolution", "Deconvolution", "Im2col", "Pooling"):
        return None
    axis, stride, middle = _window(fn)
    if fn.type_name != "Deconvolution":
        return _Place(axis, stride, middle)
    back = tuple(-m / s for m, s in _paired(middle, stride))
    return _Place(axis, tuple(1 / s for s in stride), back)


def _window(fn: Function) -> tuple[int, Numbers, Numbers]:
    """The first axis of the windows, their stride, and the middle of the first one."""
    told = _told(fn, "convolution_param") | _told(fn, "pooling_param")
    if "kernel_size" not in told or _SIDES & told.keys():
        raise _cannot(f"a {fn.type_name} between has no kernel_size, or names a side of it apart")
    kernel, dilation = _numbers(told["kernel_size"]), _numbers(told.get("dilation", 1))
    reach = tuple((k - 1) * d / 2 for k, d in _paired(kernel, dilation))
    middle = tuple(r - p for r, p in _paired(reach, _numbers(told.get("pad", 0))))
    return told.get("axis", 1) + 1, _numbers(told.get("stride", 1)), middle


def _told(fn: Function, message: str) -> dict[str, Any]:
    """A layer's parameters, those in this message of it included."""
    return {**fn.params, **fn.params.get(message, {})}


def _numbers(value: Any) -> Numbers:
    return tuple(map(Fraction, value)) if isinstance(value, list) else (Fraction(value),)


def _paired(left: Numbers, right: Numbers) -> Iterator[tuple[Fraction, Fraction]]:
    """Number by number; a single one goes with each of the others."""
    length = max(len(left), len(right))
    left = left * length if len(left) == 1 else left
    return zip(left, right * length if len(right) == 1 else right, strict=True)


def _text(numbers: list[Fraction]) -> str:
    return ", ".join(f"{float(number):g}" for number in numbers)


def _cannot(why: str) -> NetSpecError:
    return NetSpecError(what="one top cannot be cropped to the other", why=why)

"""Layers that combine blobs number by number, with learned arrays or with one another."""

from __future__ import annotations

from collections.abc import Sequence

from caffe2keras.graph.net import Shape
from caffe2keras.params import Params
from caffe2keras.shapes.demands import (
    blobs,
    canonical_axis,
    count,
    demand,
    same_shapes,
    unbounded,
)
from caffe2keras.shapes.registry import Inferred, infers

__all__ = ["axpy", "bias", "channel_scale", "eltwise", "scale"]


@infers("Eltwise")
@blobs(bottoms=(2, unbounded))
def eltwise(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """All inputs have one shape, and so has the top."""
    p = params.eltwise_param
    given = len(p.coeff)
    demand(
        given in (0, len(bottoms)),
        f"coeff is given {given} times, it takes one for each of the {len(bottoms)} inputs",
    )
    demand(not given or p.operation != "PROD", "coeff is for SUM, the operation is PROD")
    return Inferred((same_shapes(bottoms),))


@infers("Axpy")
@blobs(bottoms=3)
def axpy(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """Factors a (N, C) or (N, C, 1, 1), x and y (N, C, *) -> a·x + y (SENet: axpy_layer.cpp)."""
    factors, x, y = bottoms
    demand(len(x) >= 2, f"it takes inputs of 2 axes or more, received {x}")
    demand(x == y, f"input 1 is {x} but input 2 is {y}")
    demand(
        factors[:2] == x[:2] and (len(factors) != 4 or factors[2:] == (1, 1)),
        f"the factors take {x[:2]} or {(*x[:2], 1, 1)}, received {factors}",
    )
    return Inferred((x,))


@infers("ChannelScale")
@blobs(bottoms=2, tops=(1, 2))
def channel_scale(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """Like x (N, C, H, W); beside it a factor for each pixel, (N, 1, H, W) or as many (happynear).

    With global_scale there is one learned factor, (1,), which is a second top.
    """
    x, factors = bottoms
    demand(len(x) >= 2, f"it takes an input of 2 axes or more, received {x}")
    fits = factors[:1] == x[:1] and count(factors) * x[1] == count(x)
    demand(fits, f"the factors take one for each pixel of {x}, received {factors}")
    learned = ((1,),) if params.channel_scale_param.global_scale else ()
    demand(tops == 1 or bool(learned), "only global_scale has a second output")
    return Inferred((x, (1,))[:tops], learned)


@infers("Scale")
@blobs(bottoms=(1, 2))
def scale(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """The top is like the first input; weights are gamma, unless it is an input, and beta."""
    p = params.scale_param
    gamma = _operand(p, bottoms)
    learned = (gamma,) if len(bottoms) == 1 else ()
    if not p.bias_term:
        return Inferred((bottoms[0],), learned)
    # The Bias within is learned along the axis, so that there has to be one, scalar or not.
    canonical_axis(p.axis, bottoms[0])
    return Inferred((bottoms[0],), (*learned, gamma))


@infers("Bias")
@blobs(bottoms=(1, 2))
def bias(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """The top is like the first input; the weight is beta, unless it is an input."""
    beta = _operand(params.bias_param, bottoms)
    return Inferred((bottoms[0],), (beta,) if len(bottoms) == 1 else ())


def _operand(p: Params, bottoms: Sequence[Shape]) -> Shape:
    """The shape of what is multiplied or added along ``axis``: learned, or the second input."""
    bottom = bottoms[0]
    if len(bottoms) == 1:
        return _learned(p, bottom)
    operand = bottoms[1]
    # scale_layer.cpp: the axis does not matter to a scalar, and is not looked at.
    axis = canonical_axis(p.axis, bottom) if operand else 0
    demand(
        bottom[axis : axis + len(operand)] == operand,
        f"the second input {operand} is not the part of the first, {bottom}, from axis {axis} on",
    )
    return operand


def _learned(p: Params, bottom: Shape) -> Shape:
    axis = canonical_axis(p.axis, bottom)
    axes: int = p.num_axes
    demand(axes >= -1, f"num_axes is {axes}, it is 0 or more, or -1 for all from the axis on")
    if axes == -1:
        return bottom[axis:]
    demand(
        axis + axes <= len(bottom),
        f"{axes} axes from axis {axis} on reach past the input's shape {bottom}",
    )
    return bottom[axis : axis + axes]

"""Layers that look at one number at a time, or normalise along one axis."""

from __future__ import annotations

from collections.abc import Sequence

from caffe2keras.graph.net import Shape
from caffe2keras.params import Params
from caffe2keras.shapes.demands import blobs, canonical_axis, demand
from caffe2keras.shapes.registry import Inferred, infers

__all__ = ["exp", "log", "neuron", "prelu", "softmax", "symmetric_rectify"]


# Caffe's own, then the forks'. Insanity and Noise are random in training only (happynear).
@infers(
    "AbsVal", "BNLL", "Clip", "Dropout", "ELU", "Power", "ReLU", "Sigmoid", "Swish", "TanH",
    "Threshold",
    "HSwish", "HardSigmoid", "HardSwish", "Insanity", "Mish", "Noise", "ReLU6", "SignedSqrt",
    "Sparsify",
)  # fmt: skip
@blobs(bottoms=1)
def neuron(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """The top is like the bottom (neuron_layer.cpp)."""
    return Inferred((bottoms[0],))


@infers("Exp")
@blobs(bottoms=1)
def exp(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """The top is like the bottom; the base is e (-1) or positive."""
    base = params.exp_param.base
    demand(base == -1 or base > 0, f"base is {base:g}, it must be positive, or -1 for e")
    return Inferred((bottoms[0],))


@infers("Log")
@blobs(bottoms=1)
def log(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """The top is like the bottom; the base is e (-1), or positive and not 1."""
    base = params.log_param.base
    demand(
        base == -1 or (base > 0 and base != 1),
        f"base is {base:g}, it must be positive and not 1, or -1 for e",
    )
    return Inferred((bottoms[0],))


@infers("PReLU")
@blobs(bottoms=1)
def prelu(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """The top is like the bottom; slopes are (C,), or a single one of shape ().

    BVLC's Caffe stops at 4 axes because it asks for the channels by an old accessor; the forks
    for volumes do not, and neither do we.
    """
    demand(len(bottoms[0]) >= 2, f"it takes an input of 2 axes or more, received {bottoms[0]}")
    slopes = () if params.prelu_param.channel_shared else (bottoms[0][1],)
    return Inferred((bottoms[0],), (slopes,))


@infers("SymmetricRectify")
@blobs(bottoms=1)
def symmetric_rectify(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """The top is like the bottom; thresholds are (C,), or a single one of shape () (wenwei202)."""
    bottom = bottoms[0]
    demand(2 <= len(bottom) <= 4, f"it takes an input of 2 to 4 axes, received {bottom}")
    shared = params.symmetric_rectify_param.channel_shared
    return Inferred((bottom,), (() if shared else (bottom[1],),))


@infers("Softmax", "VoxelSoftmax")
@blobs(bottoms=1)
def softmax(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """The top is like the bottom, which has the axis; C3D's voxels always take axis 1."""
    canonical_axis(params.softmax_param.axis, bottoms[0])
    return Inferred((bottoms[0],))

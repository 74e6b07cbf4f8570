"""Layers that normalise by statistics."""

from __future__ import annotations

from collections.abc import Sequence

from caffe2keras.graph.net import Shape
from caffe2keras.params import Params
from caffe2keras.shapes.demands import blobs, demand, legacy_shape
from caffe2keras.shapes.registry import Inferred, infers

__all__ = ["batch_norm", "lrn", "mvn"]


@infers("LRN")
@blobs(bottoms=1)
def lrn(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """(N, C, H, W) -> the same."""
    size = params.lrn_param.local_size
    demand(len(bottoms[0]) == 4, f"it takes an input (N, C, H, W), received {bottoms[0]}")
    demand(size % 2 == 1, f"local_size is {size}, it must be odd")
    return Inferred((bottoms[0],))


@infers("BatchNorm")
@blobs(bottoms=1)
def batch_norm(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """The top is like the bottom; weights are mean (C,), variance (C,) and their factor (1,).

    One axis is too few: batch_norm_layer.cpp means to allow it, but asks for axis 1 in Reshape.
    """
    demand(len(bottoms[0]) >= 2, f"it takes an input of 2 axes or more, received {bottoms[0]}")
    channels = (bottoms[0][1],)
    return Inferred((bottoms[0],), (channels, channels, (1,)))


@infers("MVN")
@blobs(bottoms=1)
def mvn(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """Up to (N, C, H, W) -> always 4 axes, those that were missing of extent 1 (mvn_layer.cpp)."""
    return Inferred((legacy_shape(bottoms[0]),))

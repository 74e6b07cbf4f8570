"""Layers that normalise by statistics."""

from __future__ import annotations

from collections.abc import Sequence

from caffe2keras.graph.net import Shape
from caffe2keras.params import Params
from caffe2keras.shapes.demands import blobs, demand, legacy_shape, refuse_in_place
from caffe2keras.shapes.registry import Inferred, infers

__all__ = ["batch_norm", "bn", "l2_normalize", "lrn", "mvn", "normalize"]


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

    NVIDIA's appends scale and bias, both (C,), if asked to by scale_bias or by a filler of either
    (batch_norm_layer.cpp there). One axis is too few: Caffe means to allow it, but asks for axis
    1 in Reshape.
    """
    p, bottom = params.batch_norm_param, bottoms[0]
    demand(len(bottom) >= 2, f"it takes an input of 2 axes or more, received {bottom}")
    channels = (bottom[1],)
    # Intel's has a bias_filler too, always with a filler.
    biased = p.has("bias_filler") and not p.has("filler")
    scaled = p.scale_bias or p.has("scale_filler") or biased
    return Inferred((bottom,), (channels, channels, (1,), *(channels,) * (2 if scaled else 0)))


@infers("BN")
@blobs(bottoms=1, tops=(1, 3))
def bn(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """The top is like the bottom; weights are (1, C, 1, 1) each, two or four of them.

    SegNet's and DeconvNet's (bn_layer.cpp of both) has scale and shift, and where it learns, the
    batch's mean and variance as further tops, (1, C, 1, 1) each. PSPNet's, yjxiong's and
    happynear's has slope, bias, mean and variance.
    """
    p, bottom = params.bn_param, legacy_shape(bottoms[0])
    statistic = (1, bottom[1], 1, 1)
    if _keeps_statistics(params):
        demand(tops == 1, f"it produces 1 output, received {tops}")
        return Inferred((bottoms[0],), (statistic,) * 4)
    demand(
        tops == 1 or p.bn_mode == "LEARN",
        f"it produces 1 output when bn_mode is INFERENCE, received {tops}",
    )
    return Inferred((bottom, statistic, statistic)[:tops], (statistic,) * 2)


def _keeps_statistics(params: Params) -> bool:
    """Whether a BN is of the family with four learned arrays."""
    p = params.bn_param
    four = any(p.has(f) for f in ("slope_filler", "bias_filler", "momentum", "frozen", "eps"))
    two = any(p.has(f) for f in ("scale_filler", "shift_filler", "bn_mode"))
    if four == two:
        four, two = len(params.param) == 4, len(params.param) == 2
    demand(
        four != two,
        "two forks have a type BN, and bn_param tells neither",
        hint="give it bn_mode (SegNet's) or momentum (PSPNet's)",
    )
    return four


@infers("Normalize")
@blobs(bottoms=1, tops=(1, 2))
def normalize(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """The top is like the bottom; the weight is a scale for each channel, (C,), or one, ().

    That is SSD's (norm_param). happynear's (normalize_param, or none) learns nothing, always
    gives 4 axes, and the norms (N, 1, H, W) as a second top.
    """
    bottom = legacy_shape(bottoms[0])
    if params.has("norm_param"):
        demand(tops == 1, f"it produces 1 output, received {tops}")
        demand(len(bottoms[0]) >= 2, f"it takes an input of 2 axes or more, got {bottoms[0]}")
        scale = () if params.norm_param.channel_shared else (bottom[1],)
        return Inferred((bottoms[0],), (scale,))
    return Inferred((bottom, (bottom[0], 1, *bottom[2:]))[:tops])


@infers("L2Normalize")
@blobs(bottoms=1)
def l2_normalize(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """Up to (N, C, H, W) -> always 4 axes (gy20073: l2_normalize_layer.cpp)."""
    refuse_in_place(params)
    return Inferred((legacy_shape(bottoms[0]),))


@infers("MVN")
@blobs(bottoms=1)
def mvn(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """Up to (N, C, H, W) -> always 4 axes, those that were missing of extent 1 (mvn_layer.cpp)."""
    return Inferred((legacy_shape(bottoms[0]),))

"""Upsample, Unpooling and Interp, converted and held against the oracle."""

from __future__ import annotations

import pytest

from caffe2keras.layer_map import map_net

pytestmark = pytest.mark.backend

POOLED = """
layer {
  name: "pool" type: "Pooling" bottom: "x" top: "pooled" top: "mask"
  pooling_param { pool: MAX kernel_size: 2 stride: 2 }
}
layer { name: "sum" type: "Power" bottom: "pooled" top: "sum" power_param { shift: 0.5 } }
"""
UPSAMPLE = """
layer {
  name: "up" type: "Upsample" bottom: "sum" bottom: "mask" top: "y" upsample_param { %s }
}
"""
REPEAT = 'layer { name: "up" type: "Upsample" bottom: "x" top: "y" upsample_param { %s } }'
UNPOOLING = """
layer { name: "up" type: "Unpooling" bottom: "sum" %s top: "y" unpooling_param { %s } }
"""


@pytest.mark.parametrize(
    ("fields", "shape"),
    [
        ("scale: 2", (2, 3, 6, 10)),
        ("scale: 2 pad_out_h: true", (2, 3, 5, 10)),
        ("scale: 2 pad_out_w: true", (2, 3, 6, 9)),
        ("scale_h: 2 scale_w: 3", (2, 3, 6, 10)),  # more columns than were pooled
        ("upsample_h: 6 upsample_w: 10 scale_h: 3 pad_out_h: true pad_out_w: true", (2, 3, 6, 10)),
        ("upsample_h: 5 upsample_w: 10 scale: 7", (2, 3, 5, 10)),  # scale is not asked then
    ],
)
def test_upsample_undoes_a_pooling(checked, fields, shape):
    made = checked(POOLED + UPSAMPLE % fields, x=shape)
    assert made.classes[-1] == "caffe2keras>MaxUnpooling2D"
    assert made.report.static_batch is None


def test_upsample_undoes_a_pooling_whose_windows_overlap(checked):
    # Two windows may have their maximum in common; what stands last then stays.
    pooled = POOLED.replace("kernel_size: 2", "kernel_size: 3")
    checked(pooled + UPSAMPLE % "upsample_h: 7 upsample_w: 9", x=(2, 3, 7, 9))


def test_a_scaled_upsample_keeps_the_freedom_of_size(checked):
    assert checked(POOLED + UPSAMPLE % "scale: 2", x=(2, 3, 6, 10)).resizable


@pytest.mark.parametrize("fields", ["scale: 3", "scale: 2", ""])
def test_upsample_without_a_mask_repeats_pixels(checked, fields):
    made = checked(REPEAT % fields, x=(2, 3, 5, 4))
    assert made.classes == ("UpSampling2D",)
    assert made.resizable


def test_upsample_refuses_what_yolo_does_not_read(refusal):
    assert "upsample_h = 9" in refusal(REPEAT % "scale: 2 upsample_h: 9", x=(2, 3, 5, 4))
    assert "images (N, C, H, W) only" in refusal(REPEAT % "scale: 2", x=(2, 3, 5))


@pytest.mark.parametrize("size", ["unpool_h: 6 unpool_w: 10", "unpool_size: 10"])
def test_unpooling_undoes_a_pooling(checked, size):
    shape = (2, 3, 6, 10) if "_h" in size else (2, 3, 10, 10)
    layers = POOLED + UNPOOLING % ('bottom: "mask"', f"kernel_size: 2 stride: 2 {size}")
    assert checked(layers, x=shape).classes[-1] == "caffe2keras>MaxUnpooling2D"


@pytest.mark.parametrize("method", ["MAX", "AVE", "TILE"])
@pytest.mark.parametrize(
    "geometry",
    [
        "kernel_size: 2 stride: 2 unpool_h: 7 unpool_w: 9",
        "kernel_h: 3 kernel_w: 2 stride_h: 2 stride_w: 3 unpool_h: 8 unpool_w: 14",
    ],
)
def test_unpooling_without_a_mask_spreads(checked, method, geometry):
    layers = POOLED + UNPOOLING % ("", f"unpool: {method} {geometry}")
    assert checked(layers, x=(2, 3, 6, 10)).classes[-1] == "caffe2keras>Unpooling2D"


def test_unpooling_in_the_old_syntax(checked):
    layers = POOLED + UNPOOLING % ('bottom: "mask"', "kernel_size: 2 stride: 2 unpool_size: 6")
    old = 'input: "x" input_dim: 2 input_dim: 3 input_dim: 6 input_dim: 6'
    for new, v1 in (
        ("layer {", "layers {"),
        ('"Pooling"', "POOLING"),
        ('"Power"', "POWER"),
        ('"Unpooling"', "UNPOOLING"),
    ):
        layers = layers.replace(new, v1)
    assert checked(old + layers).classes[-1] == "caffe2keras>MaxUnpooling2D"


def test_unpooling_refuses_windows_that_begin_outside(refusal):
    layers = POOLED + UNPOOLING % ("", "kernel_size: 2 stride: 3 unpool_size: 6")
    assert "begin outside" in refusal(layers, x=(2, 3, 6, 10))


@pytest.mark.parametrize(
    ("size", "inside"),
    [
        ("unpool_size: 8", False),
        ("unpool_h: 8 unpool_w: 9", False),
        ("unpool_h: 9 unpool_w: 8", False),
        ("unpool_size: 9", True),
    ],
)
def test_the_last_window_begins_inside(net_of, refusal, size, inside):
    layers = POOLED + UNPOOLING % ("", f"kernel_size: 2 stride: 2 {size}")
    if inside:
        assert map_net(net_of(layers, x=(2, 3, 10, 10))).layers
    else:
        assert "begin outside" in refusal(layers, x=(2, 3, 10, 10))


INTERP = 'layer { name: "i" type: "Interp" bottom: "x" top: "y" interp_param { %s } }'


@pytest.mark.parametrize(
    ("fields", "resizable"),
    [
        ("zoom_factor: 3", True),
        ("shrink_factor: 2", True),
        ("shrink_factor: 2 zoom_factor: 4", True),
        ("height: 11 width: 4", True),
        ("height: 11 width: 4 zoom_factor: 2 shrink_factor: 3", True),
        ("height: 11 width: 4 zoom_factor: 2", True),
        ("zoom_factor: 2 pad_beg: -1 pad_end: -2", True),
        ("height: 1 width: 1", True),
        ("height: 11 zoom_factor: 4 shrink_factor: 2", True),
    ],
)
def test_interp_keeps_the_corners(checked, fields, resizable):
    made = checked(INTERP % fields, x=(2, 3, 6, 8))
    assert made.classes == ("caffe2keras>Interpolation2D",)
    assert made.resizable is resizable
    assert made.report.static_batch is None


def test_interp_to_another_blob_s_size_is_refused(refusal):
    layers = INTERP.replace('bottom: "x"', 'bottom: "x" bottom: "z"') % "use_blob_size: true"
    assert "no source is known" in refusal(layers, x=(2, 3, 6, 8), z=(2, 3, 9, 7))


def test_interp_of_a_second_blob_is_refused_whatever_it_says(refusal):
    layers = INTERP.replace('bottom: "x"', 'bottom: "x" bottom: "z"') % "height: 3 width: 3"
    assert "no source is known" in refusal(layers, x=(2, 3, 6, 8), z=(2, 3, 9, 7))

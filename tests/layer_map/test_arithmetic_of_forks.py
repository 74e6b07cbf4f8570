"""Axpy, CropCenter, depthwise convolutions and holes, held against the oracle."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.backend

AXPY = 'layer { name: "l" type: "Axpy" bottom: "a" bottom: "x" bottom: "y" top: "z" }'
CROP = 'layer { name: "l" type: "CropCenter" bottom: "x" top: "y" crop_center_param { %s } }'


@pytest.mark.parametrize(
    ("factors", "name"), [((2, 3, 1, 1), "Multiply"), ((2, 3), "caffe2keras>BroadcastMultiply")]
)
def test_axpy_scales_channels_and_adds(checked, factors, name):
    made = checked(AXPY, a=factors, x=(2, 3, 5, 3), y=(2, 3, 5, 3))
    assert made.classes == (name, "Add")
    assert made.report.static_batch is None
    assert made.resizable or len(factors) == 4  # an input (N, C, 1, 1) is no image to enlarge


def test_axpy_of_volumes_takes_flat_factors(checked, refusal):
    checked(AXPY, a=(2, 3), x=(2, 3, 5, 4, 2), y=(2, 3, 5, 4, 2))
    text = refusal(AXPY, a=(2, 3, 1, 1), x=(2, 3, 5, 4, 2), y=(2, 3, 5, 4, 2))
    assert "factors (2, 3, 1, 1)" in text


@pytest.mark.parametrize(
    ("sizes", "classes", "resizable"),
    [
        ((0, 0, 2, 1), ("Cropping2D",), True),
        ((0, 1, 2, 0), ("caffe2keras>Slice",), False),
        ((1, 0, 0, 0), ("caffe2keras>Slice",), False),
        ((0, 0, 0, 0), ("Activation",), True),  # which only names the output
    ],
)
def test_crop_center_cuts_both_ends(checked, sizes, classes, resizable):
    fields = " ".join(f"crop_size: {size}" for size in sizes)
    made = checked(CROP % fields, x=(4, 5, 7, 6))
    assert made.classes == classes
    assert made.resizable is resizable
    assert (made.report.static_batch is None) is (sizes[0] == 0)


@pytest.mark.parametrize(
    ("words", "classes"),
    [
        (
            'type: "DepthwiseConvolution" '
            "convolution_param { num_output: 4 group: 4 kernel_size: 3 pad: 1 }",
            ("DepthwiseConv2D",),
        ),
        (
            'type: "ConvolutionDepthwise" convolution_param { kernel_size: 3 pad: 1 }',
            ("DepthwiseConv2D",),
        ),
        (
            'type: "ConvolutionDepthwise" '
            "convolution_param { num_output: 9 group: 3 kernel_h: 2 kernel_w: 3 bias_term: false }",
            ("DepthwiseConv2D",),
        ),
        (
            'type: "ConvolutionDepthwise" '
            "convolution_param { kernel_size: 3 stride_h: 2 stride_w: 1 pad: 1 }",
            ("ZeroPadding2D", "Conv2D"),
        ),
        (
            'type: "ConvolutionDepthwise" '
            "convolution_param { kernel_size: 2 stride: 2 dilation: 2 }",
            ("caffe2keras>Conv",),
        ),
    ],
)
def test_a_depthwise_convolution_by_either_name(checked, words, classes):
    layers = f'layer {{ name: "l" {words} bottom: "x" top: "y" }}'
    assert checked(layers, x=(2, 4, 7, 6)).classes == classes


@pytest.mark.parametrize("fields", ["hole: 2", "hole_h: 1 hole_w: 3", "hole: 2 stride: 2"])
def test_a_hole_is_a_dilation(checked, fields):
    layers = (
        'layer { name: "l" type: "Convolution" bottom: "x" top: "y" '
        f"convolution_param {{ num_output: 5 kernel_size: 3 pad: 2 {fields} }} }}"
    )
    checked(layers, x=(2, 4, 9, 8))


@pytest.mark.parametrize("words", ["ceil_mode: false", "round_mode: FLOOR"])
def test_pooling_rounds_down_where_asked(checked, words):
    layers = (
        'layer { name: "l" type: "Pooling" bottom: "x" top: "y" '
        f"pooling_param {{ kernel_size: 3 stride: 2 {words} }} }}"
    )
    assert checked(layers, x=(2, 4, 8, 6)).classes == ("MaxPooling2D",)


@pytest.mark.parametrize(
    "fields",
    ["kernel_size: 3", "kernel_size: 2 stride: 2 pad: 1", "kernel_size: 2 bias_term: false"],
)
def test_local_kernels_have_a_place_each(checked, fields):
    layers = (
        'layer { name: "l" type: "Local" bottom: "x" top: "y" '
        f"local_param {{ num_output: 5 {fields} }} }}"
    )
    made = checked(layers, x=(2, 3, 5, 6))
    assert made.classes == ("caffe2keras>LocallyConnected2D",)
    assert not made.resizable


@pytest.mark.parametrize(
    ("fields", "classes"),
    [
        ("", ("Multiply",)),
        ("global_scale: true", ("caffe2keras>Scale",)),
        ("do_forward: false", ("Activation",)),  # which only names the output
    ],
)
def test_channel_scale_takes_a_factor_for_each_pixel(checked, fields, classes):
    layers = (
        'layer { name: "l" type: "ChannelScale" bottom: "x" bottom: "f" top: "y" '
        f"channel_scale_param {{ {fields} }} }}"
    )
    assert checked(layers, x=(2, 3, 5, 4), f=(2, 1, 5, 4)).classes == classes


def test_channel_scale_with_factors_of_other_axes_is_refused(refusal):
    layers = 'layer { name: "l" type: "ChannelScale" bottom: "x" bottom: "f" top: "y" }'
    assert "with factors (2, 20)" in refusal(layers, x=(2, 3, 5, 4), f=(2, 20))
    layers = layers.replace('top: "y" }', 'top: "y" top: "s" %s }')
    words = "channel_scale_param { global_scale: true }"
    assert "as a top" in refusal(layers % words, x=(2, 3, 5, 4), f=(2, 1, 5, 4))


DISTANCE = (
    'layer { name: "l" type: "InnerDistance" bottom: "x" top: "y" '
    "inner_distance_param { num_output: 4 %s } }"
)


@pytest.mark.parametrize("fields", ["", 'distance_type: "L1"', "normalize: true"])
@pytest.mark.parametrize("shape", [(3, 6), (3, 2, 5, 4)])
def test_inner_distance_measures_to_each_centre(checked, fields, shape):
    assert checked(DISTANCE % fields, x=shape).classes[-1] == "caffe2keras>InnerDistance"


def test_inner_distance_that_is_not_mapped_is_refused(refusal):
    assert "distance_type = L3" in refusal(DISTANCE % 'distance_type: "L3"', x=(3, 6))
    assert "from axis 2 on" in refusal(DISTANCE % "axis: 2", x=(3, 2, 6))


def test_the_softmax_of_voxels_is_along_the_channels(checked):
    layers = 'layer { name: "l" type: "VoxelSoftmax" bottom: "x" top: "y" }'
    assert checked(layers, x=(2, 3, 4, 5, 2)).classes == ("Softmax",)

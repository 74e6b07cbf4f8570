"""Convolution, Deconvolution, Im2col: by hand, from base_conv_layer.cpp and its children."""

from __future__ import annotations

import pytest


def conv(fields: str) -> str:
    return f"convolution_param {{ {fields} }}"


@pytest.mark.parametrize(
    ("fields", "bottom", "top", "weights"),
    [
        ("num_output: 6 kernel_size: 3", (2, 4, 7, 9), (2, 6, 5, 7), [(6, 4, 3, 3), (6,)]),
        (
            "num_output: 6 kernel_h: 2 kernel_w: 3 stride_h: 2 stride_w: 1 pad_h: 1 pad_w: 0",
            (2, 4, 7, 9),
            (2, 6, 4, 7),
            [(6, 4, 2, 3), (6,)],
        ),
        (
            "num_output: 6 group: 2 bias_term: false kernel_size: 1",
            (2, 4, 7, 9),
            (2, 6, 7, 9),
            [(6, 2, 1, 1)],
        ),
        ("num_output: 4 group: 4 kernel_size: 3", (1, 4, 5, 6), (1, 4, 3, 4), [(4, 1, 3, 3), (4,)]),
        (
            "num_output: 2 kernel_size: 3 kernel_size: 2 dilation: 2 dilation: 3 bias_term: false",
            (1, 3, 8, 9),
            (1, 2, 4, 6),
            [(2, 3, 3, 2)],
        ),
        (
            "num_output: 2 kernel_size: 3 hole: 2 bias_term: false",
            (1, 3, 8, 9),
            (1, 2, 4, 5),
            [(2, 3, 3, 3)],
        ),
        # one spatial axis, three, none
        ("num_output: 5 kernel_size: 4 stride: 3", (2, 3, 11), (2, 5, 3), [(5, 3, 4), (5,)]),
        (
            "num_output: 5 kernel_size: 1 kernel_size: 2 kernel_size: 3 pad: 1",
            (2, 3, 4, 5, 6),
            (2, 5, 6, 6, 6),
            [(5, 3, 1, 2, 3), (5,)],
        ),
        ("num_output: 5", (2, 3), (2, 5), [(5, 3), (5,)]),
        # the channels stand elsewhere
        (
            "num_output: 5 kernel_size: 3 axis: 2",
            (2, 3, 4, 6, 7),
            (2, 3, 5, 4, 5),
            [(5, 4, 3, 3), (5,)],
        ),
        ("num_output: 5 kernel_size: 3 axis: -2", (2, 4, 6), (2, 5, 4), [(5, 4, 3), (5,)]),
        ("num_output: 5 axis: 0", (3,), (5,), [(5, 3), (5,)]),
        # genuine Caffe: a window that overhangs by less than its stride counts once
        (
            "num_output: 2 kernel_size: 4 stride: 2",
            (1, 1, 3, 9),
            (1, 2, 1, 3),
            [(2, 1, 4, 4), (2,)],
        ),
        # genuine Caffe: pad_h alone leaves pad_w at 0
        ("num_output: 2 kernel_size: 3 pad_h: 3", (2, 3, 5, 6), (2, 2, 9, 4), [(2, 3, 3, 3), (2,)]),
    ],
)
def test_a_convolution_slides_its_window(inferred, fields, bottom, top, weights):
    answer = inferred("Convolution", conv(fields), bottom)
    assert answer.tops == (top,)
    assert answer.weights == tuple(weights)


@pytest.mark.parametrize(
    ("fields", "bottom", "top", "weights"),
    [
        (
            "num_output: 4 group: 2 kernel_size: 3 stride: 2 pad: 1 dilation: 2",
            (1, 6, 3, 5),
            (1, 4, 7, 11),
            [(6, 2, 3, 3), (4,)],
        ),
        (
            "num_output: 3 kernel_h: 4 kernel_w: 2 stride_h: 2 stride_w: 3 bias_term: false",
            (2, 5, 3, 4),
            (2, 3, 8, 11),
            [(5, 3, 4, 2)],
        ),
        ("num_output: 3 kernel_size: 4 stride: 2", (2, 5, 3), (2, 3, 8), [(5, 3, 4), (3,)]),
    ],
)
def test_a_deconvolution_undoes_a_convolutions_shape(inferred, fields, bottom, top, weights):
    answer = inferred("Deconvolution", conv(fields), bottom)
    assert answer.tops == (top,)
    assert answer.weights == tuple(weights)


def test_convolutions_of_several_bottoms_share_their_weights(inferred):
    bottoms = [(2, 4, 7, 9)] * 3
    answer = inferred("Convolution", conv("num_output: 6 kernel_size: 3"), *bottoms, tops=3)
    assert answer.tops == ((2, 6, 5, 7),) * 3
    assert answer.weights == ((6, 4, 3, 3), (6,))


@pytest.mark.parametrize(
    ("fields", "bottom", "top"),
    [
        ("kernel_size: 3 stride: 2 pad: 1", (2, 4, 7, 9), (2, 36, 4, 5)),
        ("kernel_size: 2 kernel_size: 3 dilation: 2", (2, 4, 7, 9), (2, 24, 5, 5)),
        ("kernel_size: 2", (2, 4, 7), (2, 8, 6)),
    ],
)
def test_im2col_unfolds_windows_into_channels(inferred, fields, bottom, top):
    assert inferred("Im2col", conv(fields), bottom).tops == (top,)


@pytest.mark.parametrize(
    ("words", "fields", "bottom"),
    [
        ("num_output is missing", "kernel_size: 3", (2, 4, 7, 9)),
        ("kernel_size is given 0 times", "num_output: 6", (2, 4, 7, 9)),
        ("kernel_size is given 3 times", "num_output: 6 kernel_size: [1, 2, 3]", (2, 4, 7, 9)),
        ("the kernel is (0, 0)", "num_output: 6 kernel_size: 0", (2, 4, 7, 9)),
        ("the kernel is (3, 0)", "num_output: 6 kernel_h: 3", (2, 4, 7, 9)),
        ("the stride is (2, 0)", "num_output: 6 kernel_size: 3 stride_h: 2", (2, 4, 7, 9)),
        ("the stride is (0, 0)", "num_output: 6 kernel_size: 3 stride: 0", (2, 4, 7, 9)),
        ("the dilation is (0, 0)", "num_output: 6 kernel_size: 3 dilation: 0", (2, 4, 7, 9)),
        ("both kernel_size and kernel_h", "num_output: 6 kernel_size: 3 kernel_h: 3", (2, 4, 7, 9)),
        ("both pad and pad_h", "num_output: 6 kernel_size: 3 pad: 1 pad_w: 1", (2, 4, 7, 9)),
        (
            "both dilation and hole",
            "num_output: 6 kernel_size: 3 dilation: 1 hole: 1",
            (2, 4, 7, 9),
        ),
        ("for 2 spatial axes", "num_output: 6 kernel_h: 3 kernel_w: 3", (2, 4, 7)),
        ("axis 4 is out of range", "num_output: 6 kernel_size: 3 axis: 4", (2, 4, 7, 9)),
        ("axis 1 is out of range", "num_output: 6 kernel_size: 3", (4,)),
        (
            "group 3 does not divide the 4 input",
            "num_output: 6 kernel_size: 3 group: 3",
            (2, 4, 7, 9),
        ),
        (
            "group 4 does not divide the 6 outputs",
            "num_output: 6 kernel_size: 3 group: 4",
            (2, 4, 7, 9),
        ),
        ("group is zero", "num_output: 6 kernel_size: 3 group: 0", (2, 4, 7, 9)),
        ("does not fit into (7, 9)", "num_output: 6 kernel_size: 8", (2, 4, 7, 9)),
        ("does not fit into (7, 9)", "num_output: 6 kernel_size: 5 dilation: 2", (2, 4, 7, 9)),
        ("does not fit into (7, 9)", "num_output: 6 kernel_size: 9 stride: 2", (2, 4, 7, 9)),
    ],
)
def test_what_caffe_refuses_of_a_convolution_is_refused(refused, words, fields, bottom):
    refused(words, "Convolution", conv(fields), bottom)


def test_a_deconvolution_cannot_crop_everything_away(refused):
    refused(
        "leaves nothing", "Deconvolution", conv("num_output: 2 kernel_size: 2 pad: 1"), (1, 1, 1, 1)
    )


def test_im2col_needs_a_spatial_axis(refused):
    refused("no spatial axis", "Im2col", conv("kernel_size: 1"), (2, 3))


def test_bottoms_of_one_convolution_have_one_shape(refused):
    refused(
        "input 0 is (2, 4, 7, 9) but input 1 is (2, 4, 9, 7)",
        "Convolution", conv("num_output: 6 kernel_size: 3"), (2, 4, 7, 9), (2, 4, 9, 7), tops=2,
    )  # fmt: skip


def test_a_convolution_has_as_many_tops_as_bottoms(refused):
    text = conv("num_output: 6 kernel_size: 3")
    refused("one output for each input, has 1 and 2", "Convolution", text, (2, 4, 7, 9), tops=2)
    refused("takes at least 1 input, received 0", "Convolution", text)

"""Pooling and SPP: by hand, from pooling_layer.cpp and spp_layer.cpp."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("fields", "bottom", "spatial"),
    [
        # rounded up, as no other framework does
        ("kernel_size: 2 stride: 2", (2, 3, 7, 10), (4, 5)),
        ("kernel_size: 3 stride: 2", (2, 3, 7, 10), (3, 5)),
        ("kernel_h: 2 kernel_w: 3 stride_h: 3 stride_w: 2", (2, 3, 9, 8), (4, 4)),
        # the last window would start in the padding, and is clipped away
        ("kernel_size: 2 stride: 2 pad: 1", (2, 3, 7, 10), (4, 6)),
        ("kernel_size: 2 stride: 3 pad: 1", (2, 3, 8, 9), (3, 4)),
        ("kernel_size: 2 stride: 4 pad_h: 1 pad_w: 0", (2, 3, 7, 9), (2, 3)),
        # without padding it may even start behind the image (genuine Caffe: -FLT_MAX)
        ("kernel_size: 1 stride: 4", (1, 1, 6, 7), (3, 3)),
        # either fork's word for rounding down
        ("kernel_size: 2 stride: 2 round_mode: FLOOR", (2, 3, 7, 10), (3, 5)),
        ("kernel_size: 2 stride: 2 ceil_mode: false", (2, 3, 7, 10), (3, 5)),
        ("global_pooling: true pool: AVE", (2, 3, 7, 10), (1, 1)),
        # genuine Caffe: a window larger than the image
        ("kernel_size: 7 stride: 2 pool: AVE", (1, 1, 6, 6), (1, 1)),
        # genuine Caffe: kernel_h without kernel_w is not looked at
        ("kernel_size: 3 kernel_h: 2", (1, 1, 6, 7), (4, 5)),
        ("kernel_size: 3 stride: 2 pool: STOCHASTIC", (1, 2, 6, 8), (3, 4)),
    ],
)
def test_pooling_rounds_the_output_size_up(inferred, fields, bottom, spatial):
    answer = inferred("Pooling", f"pooling_param {{ {fields} }}", bottom)
    assert answer.tops == ((*bottom[:2], *spatial),)
    assert answer.weights == ()


def test_the_mask_of_a_max_pooling_is_like_its_output(inferred, refused):
    text = "pooling_param { kernel_size: 2 stride: 2 pool: %s }"
    assert inferred("Pooling", text % "MAX", (2, 3, 7, 10), tops=2).tops == ((2, 3, 4, 5),) * 2
    refused("only MAX has a second output", "Pooling", text % "AVE", (2, 3, 7, 10), tops=2)


@pytest.mark.parametrize(
    ("words", "fields", "bottom"),
    [
        ("an input of 4 axes", "kernel_size: 3", (3, 6, 7)),
        ("kernel_size, or kernel_h and kernel_w", "", (2, 3, 6, 7)),
        ("kernel_size, or kernel_h and kernel_w", "kernel_h: 3", (2, 3, 6, 7)),
        (
            "kernel_size, or kernel_h and kernel_w",
            "kernel_size: 3 kernel_h: 3 kernel_w: 3",
            (2, 3, 6, 7),
        ),
        (
            "global_pooling stands beside a kernel",
            "global_pooling: true kernel_size: 3",
            (2, 3, 6, 7),
        ),
        ("stride (2, 2)", "global_pooling: true stride: 2", (2, 3, 6, 7)),
        ("pad is pad, or pad_h and pad_w", "kernel_size: 3 pad_h: 1", (2, 3, 6, 7)),
        ("pad is pad, or pad_h and pad_w", "kernel_size: 3 pad: 1 pad_h: 1 pad_w: 1", (2, 3, 6, 7)),
        ("stride is stride, or", "kernel_size: 3 stride_w: 1", (2, 3, 6, 7)),
        ("the kernel is (0, 0)", "kernel_size: 0", (2, 3, 6, 7)),
        ("the stride is (0, 0)", "kernel_size: 3 stride: 0", (2, 3, 6, 7)),
        ("the pad (2, 2) must be smaller", "kernel_size: 2 pad: 2", (2, 3, 6, 7)),
        ("is for MAX and AVE", "kernel_size: 2 pad: 1 pool: STOCHASTIC", (2, 3, 6, 7)),
        ("does not fit into (6, 7)", "kernel_size: 7", (2, 3, 6, 7)),
    ],
)
def test_what_caffe_refuses_of_a_pooling_is_refused(refused, words, fields, bottom):
    refused(words, "Pooling", f"pooling_param {{ {fields} }}", bottom)


@pytest.mark.parametrize(
    ("height", "bottom", "top"),
    [
        (1, (2, 3, 5, 7), (2, 3, 1, 1)),
        (2, (2, 3, 5, 7), (2, 15)),
        (3, (1, 1, 6, 20), (1, 21)),
        (3, (1, 2, 10, 10), (1, 42)),
    ],
)
def test_a_pyramid_lines_its_bins_up(inferred, height, bottom, top):
    answer = inferred("SPP", f"spp_param {{ pyramid_height: {height} }}", bottom)
    assert answer.tops == (top,)


@pytest.mark.parametrize(
    ("words", "fields", "bottom"),
    [
        ("pyramid_height is 0", "", (2, 3, 5, 7)),
        ("must be smaller than the kernel", "pyramid_height: 3", (2, 3, 5, 7)),
        ("is for MAX and AVE", "pyramid_height: 2 pool: STOCHASTIC", (2, 3, 5, 7)),
        ("an input of 4 axes", "pyramid_height: 2", (3, 5, 7)),
    ],
)
def test_a_pyramid_too_fine_is_refused(refused, words, fields, bottom):
    refused(words, "SPP", f"spp_param {{ {fields} }}", bottom)

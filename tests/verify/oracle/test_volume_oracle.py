"""C3D's layers, in both spellings."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.mark.parametrize("param", ["convolution_param", "convolution3d_param"])
def test_a_3d_convolution_sees_every_input_whatever_its_filter_group(compute, rng, param):
    x, kernel = rng.standard_normal((2, 3, 4, 5, 6)), rng.standard_normal((2, 3, 2, 3, 3))
    fields = "num_output: 2 kernel_size: 3 kernel_depth: 2 stride: 2 temporal_pad: 1 pad: 1"
    group = "" if param == "convolution_param" else "filter_group: 2"
    text = f'type: "Convolution3D" {param} {{ {fields} {group} }}'
    (y,) = compute(text, x, weights=[kernel, [1, 2]])
    plain = (
        "num_output: 2 kernel_size: 2 kernel_size: 3 kernel_size: 3 "
        "stride: 1 stride: 2 stride: 2 pad: 1"
    )
    (expected,) = compute(
        f'type: "Convolution" convolution_param {{ {plain} }}', x, weights=[kernel, [1, 2]]
    )
    np.testing.assert_allclose(y, expected)


@pytest.mark.parametrize("param", ["pooling_param", "pooling3d_param"])
def test_3d_pooling_takes_no_window_away(compute, param):
    x = np.arange(1.0, 9).reshape(1, 1, 2, 2, 2)
    text = f'type: "Pooling3D" {param} {{ kernel_size: 2 stride: 2 kernel_depth: 1 pool: %s %s }}'
    (y,) = compute(text % ("MAX", ""), x)
    np.testing.assert_array_equal(y, [[[[[4]], [[8]]]]])
    # With a pixel of padding the windows begin at -1 and 1, and are divided by 4 each.
    (y,) = compute(text % ("AVE", "pad: 1"), x)
    np.testing.assert_allclose(y[0, 0], [[[1, 2], [3, 4]], [[5, 6], [7, 8]]] / np.array(4))


def test_a_3d_deconvolution_is_a_deconvolution(compute, rng):
    x, kernel = rng.standard_normal((2, 3, 2, 4, 3)), rng.standard_normal((3, 2, 4, 3, 3))
    fields = "num_output: 2 kernel_size: 3 kernel_depth: 4 stride: 2 temporal_stride: 3 pad: 1"
    text = f'type: "Deconvolution3D" convolution_param {{ {fields} temporal_pad: 2 }}'
    (y,) = compute(text, x, weights=[kernel, [1, 2]])
    plain = (
        "num_output: 2 kernel_size: 4 kernel_size: 3 kernel_size: 3 "
        "stride: 3 stride: 2 stride: 2 pad: 2 pad: 1 pad: 1"
    )
    (expected,) = compute(
        f'type: "Deconvolution" convolution_param {{ {plain} }}', x, weights=[kernel, [1, 2]]
    )
    np.testing.assert_allclose(y, expected)


def test_a_window_behind_the_volume_stays(compute):
    window = "pool: AVE kernel_size: 2 kernel_depth: 1 stride: 3 pad: 1"
    layer = f'type: "Pooling3D" pooling3d_param {{ {window} }}'
    (y,) = compute(layer, np.ones((1, 1, 1, 4, 4)))
    assert y.shape == (1, 1, 1, 3, 3)

"""Convolution: what the recorded nets do not show."""

from __future__ import annotations

import numpy as np
import pytest

from caffe2keras.errors import ShapeError


def test_convolution_takes_every_axis_before_the_channels_as_batch(compute, rng):
    x = rng.standard_normal((2, 3, 4, 6))
    kernel, bias = rng.standard_normal((5, 4, 3)), rng.standard_normal(5)
    layer = 'type: "Convolution" convolution_param { num_output: 5 kernel_size: 3 axis: 2 pad: 1 }'
    (y,) = compute(layer, x, weights=[kernel, bias])
    assert y.shape == (2, 3, 5, 6)
    padded = np.pad(x, [(0, 0), (0, 0), (0, 0), (1, 1)])
    expected = sum(
        np.einsum("nmcw,oc->nmow", padded[..., t : t + 6], kernel[:, :, t]) for t in range(3)
    )
    np.testing.assert_allclose(y, expected + bias[:, np.newaxis], rtol=0, atol=1e-6)


def test_deconvolution_of_one_pixel_shows_the_kernel(compute):
    kernel = np.arange(12.0).reshape(1, 2, 2, 3)
    layer = 'type: "Deconvolution" convolution_param { num_output: 2 kernel_h: 2 kernel_w: 3 }'
    (y,) = compute(layer, np.full((1, 1, 1, 1), 10.0), weights=[kernel, [1, 2]])
    np.testing.assert_allclose(y[0], 10 * kernel[0] + np.array([1, 2]).reshape(2, 1, 1))


def test_deconvolution_dilates_and_groups(compute):
    layer = (
        'type: "Deconvolution" convolution_param '
        "{ num_output: 2 kernel_h: 1 kernel_w: 2 dilation: 3 group: 2 bias_term: false }"
    )
    kernel = np.array([[[[1, 2]]], [[[3, 4]]]])
    (y,) = compute(layer, [[[[10, 20]], [[1, 1]]]], weights=[kernel])
    np.testing.assert_allclose(y, [[[[10, 20, 0, 20, 40]], [[3, 3, 0, 4, 4]]]])


def test_convolution_refuses_an_image_smaller_than_its_kernel(compute):
    layer = 'type: "Convolution" convolution_param { num_output: 1 kernel_size: 4 }'
    with pytest.raises(ShapeError):
        compute(layer, np.ones((1, 1, 3, 3)), weights=[np.ones((1, 1, 4, 4)), [0]])


@pytest.mark.parametrize("kind", ["ConvolutionDepthwise", "DepthwiseConvolution"])
def test_depthwise_convolution_is_one_of_as_many_groups_as_channels(compute, rng, kind):
    x, kernel, bias = rng.standard_normal((2, 4, 5, 6)), rng.standard_normal((4, 1, 3, 2)), [1] * 4
    text = "num_output: 4 %s kernel_h: 3 kernel_w: 2 stride: 2 pad_h: 1 pad_w: 0"
    grouped = f'type: "Convolution" convolution_param {{ {text % "group: 4"} }}'
    (expected,) = compute(grouped, x, weights=[kernel, bias])
    group = "" if kind == "ConvolutionDepthwise" else "group: 4"
    own = f'type: "{kind}" convolution_param {{ {text % group} }}'
    np.testing.assert_array_equal(compute(own, x, weights=[kernel, bias])[0], expected)


@pytest.mark.parametrize(
    ("hole", "dilation"), [("hole: 2", "dilation: 2"), ("hole_h: 2 hole_w: 3", "dilation: [2, 3]")]
)
def test_a_hole_is_a_dilation(compute, rng, hole, dilation):
    x, kernel = rng.standard_normal((1, 2, 9, 10)), rng.standard_normal((3, 2, 3, 2))
    text = 'type: "Convolution" convolution_param { num_output: 3 kernel_h: 3 kernel_w: 2 %s }'
    (y,) = compute(text % hole, x, weights=[kernel, [1, 2, 3]])
    (expected,) = compute(text % dilation, x, weights=[kernel, [1, 2, 3]])
    np.testing.assert_array_equal(y, expected)


def test_a_local_layer_has_a_kernel_for_every_place(compute):
    # Two places under a kernel of one pixel and two channels.
    x, kernels = [[[[1.0, 2]], [[3, 4]]]], [[[[1.0, 10], [2, 20]]]]
    layer = 'type: "Local" local_param { num_output: 1 kernel_size: 1 }'
    (y,) = compute(layer, x, weights=[kernels, [[[[100, 1000]]]]])
    np.testing.assert_array_equal(y, [[[[1 + 6 + 100, 20 + 80 + 1000]]]])

"""Fillers, as filler.hpp defines them."""

from __future__ import annotations

import numpy as np
import pytest

from caffe2keras.errors import ShapeError
from caffe2keras.graph.weights import attach_weights

CONV = """input: "data" input_shape { dim: 2 dim: 30 dim: 9 dim: 7 }
layer { name: "%s" type: "Convolution" bottom: "data" top: "c"
  convolution_param { num_output: 40 kernel_h: 4 kernel_w: %d weight_filler { %s } } }
"""


@pytest.fixture
def kernel(built):
    """The kernel that a filler makes: shape (40, 30, 4, width)."""

    def fill(filler: str, name: str = "conv", width: int = 3) -> np.ndarray:
        net = attach_weights(built(CONV % (name, width, filler)), None)
        return net.layers[1].weights[0].array

    return fill


def test_constant(kernel):
    assert (kernel('type: "constant" value: 0.25') == 0.25).all()
    assert (kernel("") == 0).all()


def test_uniform_keeps_between_its_bounds(kernel):
    numbers = kernel('type: "uniform" min: -3 max: 5')
    assert -3 <= numbers.min() < -2.9
    assert 4.9 < numbers.max() <= 5
    assert abs(numbers.mean() - 1) < 0.1


def test_gaussian_has_its_mean_and_deviation(kernel):
    numbers = kernel('type: "gaussian" mean: 2 std: 0.5')
    assert abs(numbers.mean() - 2) < 0.02
    assert abs(numbers.std() - 0.5) < 0.02


def test_a_sparse_gaussian_is_mostly_zero(kernel):
    numbers = kernel('type: "gaussian" sparse: 4')
    assert abs((numbers != 0).mean() - 4 / 40) < 0.01


def test_positive_unitball_sums_to_one_for_each_output(kernel):
    numbers = kernel('type: "positive_unitball"')
    assert numbers.min() >= 0
    np.testing.assert_allclose(numbers.reshape(40, -1).sum(axis=1), 1, rtol=1e-5)


FANS = {"FAN_IN": 30 * 12, "FAN_OUT": 40 * 12, "AVERAGE": 35 * 12}


@pytest.mark.parametrize(("norm", "fan"), FANS.items())
def test_xavier_is_bounded_by_its_fan(kernel, norm, fan):
    bound = np.sqrt(3 / fan)
    numbers = np.abs(kernel(f'type: "xavier" variance_norm: {norm}'))
    assert 0.99 * bound < numbers.max() <= bound * (1 + 1e-6)


@pytest.mark.parametrize(("norm", "fan"), FANS.items())
def test_msra_deviates_by_its_fan(kernel, norm, fan):
    numbers = kernel(f'type: "msra" variance_norm: {norm}')
    assert abs(numbers.std() / np.sqrt(2 / fan) - 1) < 0.02


def test_bilinear_is_caffes_interpolation_kernel(kernel):
    # Recorded from BVLC 1.0 for a kernel of 4.
    ramp = np.array([0.25, 0.75, 0.75, 0.25], np.float32)
    numbers = kernel('type: "bilinear"', width=4)
    assert (numbers == np.outer(ramp, ramp)).all()


def test_bilinear_needs_a_square(kernel):
    with pytest.raises(ShapeError) as caught:
        kernel('type: "bilinear"')
    assert str(caught.value) == (
        "a bilinear filler cannot fill an array of shape (40, 30, 4, 3)\n"
        '  in: net.prototxt:2, layer "conv" (Convolution)\n'
        "  why: it makes square kernels (filler.hpp: BilinearFiller)"
    )


def test_the_same_layer_is_always_filled_alike_and_another_one_differently(kernel):
    filler = 'type: "gaussian" std: 1'
    assert (kernel(filler) == kernel(filler)).all()
    assert (kernel(filler) != kernel(filler, name="other")).mean() > 0.99


def test_a_filler_that_caffe_does_not_know_is_replaced_and_noted(built):
    text = CONV % ("conv", 3, 'type: "orthogonal"')
    weight = attach_weights(built(text), None).layers[1].weights[0]
    assert weight.filled == "xavier, for Caffe has no filler orthogonal"
    assert weight.array.std() > 0


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ('type: "PReLU"', [0.25]),
        ('type: "PReLU" prelu_param { filler { value: 0.5 } }', [0.5]),
        ('type: "Scale"', [1.0]),
        ('type: "Scale" scale_param { bias_term: true bias_filler { value: 3 } }', [1.0, 3.0]),
        ('type: "Bias" bias_param { filler { value: 7 } }', [7.0]),
        ('type: "BatchNorm"', [0.0, 1.0, 1.0]),
        (
            'type: "InnerProduct" inner_product_param { num_output: 4 weight_filler { value: 2 } '
            "bias_filler { value: 5 } }",
            [2.0, 5.0],
        ),
    ],
)
def test_layers_without_weight_and_bias_have_their_own_defaults(built, layer, expected):
    text = 'input: "data" input_shape { dim: 2 dim: 3 dim: 5 }\n'
    net = built(text + f'layer {{ name: "x" bottom: "data" top: "x" {layer} }}')
    weights = attach_weights(net, None).layers[1].weights
    assert [weight.array.flat[0] for weight in weights] == expected
    assert all((weight.array == weight.array.flat[0]).all() for weight in weights)


def test_a_scale_with_two_bottoms_learns_its_bias_alone(built):
    text = """input: "a" input_shape { dim: 2 dim: 3 } input: "b" input_shape { dim: 3 }
layer { name: "x" type: "Scale" bottom: "a" bottom: "b" top: "x" scale_param { axis: 1
  bias_term: true filler { value: 9 } bias_filler { value: 4 } } }"""
    [weight] = attach_weights(built(text), None).layers[1].weights
    assert weight.array.tolist() == [4, 4, 4]

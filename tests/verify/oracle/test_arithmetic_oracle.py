"""Arithmetic at its edges."""

from __future__ import annotations

import numpy as np
import pytest

from caffe2keras.errors import ShapeError
from caffe2keras.verify.oracle import run


def test_power_forgets_its_input_where_scale_or_power_is_zero(compute):
    x = [np.nan, np.inf, 2]
    (y,) = compute('type: "Power" power_param { scale: 0 shift: 3 power: 2 }', x)
    np.testing.assert_array_equal(y, [9, 9, 9])
    (y,) = compute('type: "Power" power_param { power: 0 }', x)
    np.testing.assert_array_equal(y, [1, 1, 1])


def test_a_root_of_a_negative_number_is_nan_and_no_warning(compute):
    (y,) = compute('type: "Power" power_param { power: 0.5 }', [-4, 4])
    np.testing.assert_array_equal(y, [np.nan, 2])


def test_eltwise_max_prefers_the_second_of_two_where_the_first_is_nan(compute):
    layer = 'type: "Eltwise" eltwise_param { operation: MAX }'
    (y,) = compute(layer, [np.nan, 1], [5, 0], [2, np.nan])
    np.testing.assert_array_equal(y, [5, 1])


def test_eltwise_broadcasts_nothing(net_of):
    text = """
    layer { name: "a" type: "Input" top: "a" input_param { shape { dim: 2 dim: 3 } } }
    layer { name: "b" type: "Input" top: "b" input_param { shape { dim: 2 dim: 3 } } }
    layer { name: "sum" type: "Eltwise" bottom: "a" bottom: "b" top: "y" }
    """
    net = net_of(text)
    with pytest.raises(ShapeError, match=r"received \[\(2, 3\), \(1, 3\)\]"):
        run(net, {"a": np.ones((2, 3)), "b": np.ones((1, 3))})


def test_scale_by_a_second_bottom_lies_along_any_axis(compute):
    x, factor = np.ones((2, 3, 4)), np.array([[1, 2, 3], [4, 5, 6]])
    (y,) = compute('type: "Scale" scale_param { axis: 0 }', x, factor)
    np.testing.assert_array_equal(y, np.repeat(factor[..., np.newaxis], 4, axis=2))


def test_bias_may_be_a_single_number(compute):
    layer = 'type: "Bias" bias_param { axis: 1 num_axes: 0 }'
    (y,) = compute(layer, np.zeros((2, 3)), weights=[np.array(4.0)])
    np.testing.assert_array_equal(y, np.full((2, 3), 4))


def test_signed_sqrt_keeps_the_sign(compute):
    (y,) = compute('type: "SignedSqrt"', [-9.0, 0, 4])
    np.testing.assert_array_equal(y, [-3, 0, 2])


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 1, 1)])
def test_axpy_weights_each_channel_and_adds(compute, rng, shape):
    a, x, y = rng.standard_normal(shape), *rng.standard_normal((2, 2, 3, 4, 5))
    (z,) = compute('type: "Axpy"', a, x, y)
    np.testing.assert_allclose(z[1, 2], a.reshape(2, 3)[1, 2] * x[1, 2] + y[1, 2])


def test_channel_scale_takes_a_factor_for_each_pixel(compute):
    x, factors = [[[[1.0, 2]], [[3, 4]]]], [[[[10.0, 100]]]]
    (y,) = compute('type: "ChannelScale"', x, factors)
    np.testing.assert_array_equal(y, [[[[10, 200]], [[30, 400]]]])

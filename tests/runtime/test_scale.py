"""Scaling and shifting along named axes, by weights or by a second input."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from caffe2keras.runtime import BroadcastAdd, BroadcastMultiply, Scale

SHAPE = (2, 5, 4, 3)
# axes, and the shape under which NumPy broadcasts a tensor along them
AXES = [
    ([3], (1, 1, 1, 3)),
    ([1, 2], (1, 5, 4, 1)),
    ([0, 2], (2, 1, 4, 1)),
    ([0], (2, 1, 1, 1)),
    ([0, 1, 2, 3], (2, 5, 4, 3)),
]


@pytest.mark.parametrize(("axes", "broadcast"), [*AXES, ([], (1, 1, 1, 1))])
def test_gamma_and_beta_run_along_their_axes(contract, rng, axes, broadcast):
    x = rng.normal(size=SHAPE).astype("float32")
    layer = Scale(axes, use_bias=True)
    layer.build(SHAPE)
    gamma, beta = (rng.normal(size=w.shape).astype("float32") for w in layer.weights)
    assert gamma.shape == tuple(SHAPE[axis] for axis in axes)
    layer.set_weights([gamma, beta])
    y = contract(layer, x, static=True)
    expected = x * gamma.reshape(broadcast) + beta.reshape(broadcast)
    np.testing.assert_allclose(y, expected, rtol=1e-6, atol=1e-6)


def test_a_scale_without_the_batch_axis_leaves_the_batch_open(contract, rng):
    x = rng.normal(size=SHAPE).astype("float32")
    layer = Scale([1, 3])
    layer.build((None, *SHAPE[1:]))
    gamma = rng.normal(size=(5, 3)).astype("float32")
    layer.set_weights([gamma])
    np.testing.assert_allclose(contract(layer, x), x * gamma[:, None, :], rtol=1e-6)


def test_a_bias_alone_has_beta_alone(contract, rng):
    x = rng.normal(size=SHAPE).astype("float32")
    layer = Scale([2], use_scale=False, use_bias=True)
    layer.build(SHAPE)
    assert [weight.name for weight in layer.weights] == ["beta"]
    beta = rng.normal(size=4).astype("float32")
    layer.set_weights([beta])
    np.testing.assert_allclose(contract(layer, x), x + beta[:, None], rtol=1e-6)


@pytest.mark.parametrize(("axes", "broadcast"), AXES)
def test_a_second_input_is_broadcast_along_the_other_axes(contract, rng, axes, broadcast):
    x = rng.normal(size=SHAPE).astype("float32")
    g = rng.normal(size=[SHAPE[axis] for axis in axes]).astype("float32")
    static = 0 not in axes
    product = contract(BroadcastMultiply(axes), x, g, static=static)
    np.testing.assert_allclose(product, x * g.reshape(broadcast), rtol=1e-6)
    total = contract(BroadcastAdd(axes), x, g, static=static)
    np.testing.assert_allclose(total, x + g.reshape(broadcast), rtol=1e-6)


@pytest.mark.parametrize("axis", [0, 1, 2, 3])
def test_equal_sizes_do_not_confuse_the_axes(axis):
    # TensorFlow's ops.add takes a term along any axis as long as the channels for a bias.
    x = np.zeros((3, 3, 3, 3), "float32")
    term = np.arange(3, dtype="float32")
    layer = Scale([axis], use_scale=False, use_bias=True)
    layer.build(x.shape)
    layer.set_weights([term])
    expected = np.broadcast_to(np.expand_dims(term, [i for i in range(4) if i != axis]), x.shape)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(layer(x)), expected)
    y = BroadcastAdd([axis])([x, term])
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(y), expected)


def test_sizes_unknown_until_the_call_change_nothing(dynamic_call, rng):
    x = rng.normal(size=SHAPE).astype("float32")
    g = rng.normal(size=(2, 4)).astype("float32")
    y = dynamic_call(BroadcastMultiply([0, 2]), x, g, known=[])
    np.testing.assert_allclose(y, x * g.reshape(2, 1, 4, 1), rtol=1e-6)


def test_the_gradient_is_the_factor(needs_gradients, gradient):
    layer = Scale([1])
    layer.build((None, 3))
    layer.set_weights([np.array([1.0, -2.0, 3.0])])
    x = np.ones((2, 3), "float32")
    np.testing.assert_array_equal(gradient(layer, x), [[1.0, -2.0, 3.0]] * 2)


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="must ascend"):
        Scale([2, 1])
    with pytest.raises(ValueError, match="must ascend"):
        BroadcastAdd([-1])
    with pytest.raises(ValueError, match="At least one of"):
        Scale([1], use_scale=False)


def test_wrong_inputs_are_refused():
    with pytest.raises(ValueError, match="known size along axes"):
        Scale([0]).build((None, 3))
    with pytest.raises(ValueError, match="known size along axes"):
        Scale([2]).build((None, 3))
    for second in ((5,), (3, 4), (2, 3)):
        with pytest.raises(ValueError, match="second input must have"):
            BroadcastMultiply([3]).compute_output_shape([SHAPE, second])

"""Functions of single values."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from caffe2keras.runtime import AbsVal, Clip, SignedSqrt, SoftThreshold, Swish, Threshold


@pytest.fixture
def x(rng) -> np.ndarray:
    return rng.normal(size=(2, 5, 4, 3)).astype("float32")


def test_absval_drops_the_sign(contract, x):
    np.testing.assert_array_equal(contract(AbsVal(), x), np.abs(x))


def test_clip_keeps_values_between_two_bounds(contract, x):
    np.testing.assert_array_equal(contract(Clip(-0.5, 0.25), x), x.clip(-0.5, 0.25))


def test_the_lower_bound_wins_over_the_upper(contract, x):
    np.testing.assert_array_equal(contract(Clip(2.0, -2.0), x), np.full_like(x, 2.0))


@pytest.mark.parametrize("beta", [1.0, 1.5, -0.3])
def test_swish_gates_a_value_by_itself(contract, x, beta):
    expected = x / (1 + np.exp(-beta * x.astype("float64")))
    np.testing.assert_allclose(contract(Swish(beta), x), expected, rtol=2e-6, atol=1e-7)


def test_threshold_asks_for_more_than_the_threshold(contract):
    x = np.array([[0.25, 0.2500001, 0.0, -1.0, 7.0]], "float32")
    np.testing.assert_array_equal(contract(Threshold(0.25), x), [[0, 1, 0, 0, 1]])


def test_a_signed_root_keeps_the_sign(contract):
    x = np.array([[-9.0, -0.25, 0.0, 4.0, 1e-12]], "float32")
    expected = [[-3, -0.5, 0, 2, 1e-6]]
    np.testing.assert_allclose(contract(SignedSqrt(), x), expected, rtol=1e-6)


def test_a_soft_threshold_takes_everything_nearer_to_zero(contract, x):
    expected = np.where(np.abs(x) <= 0.5, 0, x - 0.5 * np.sign(x))
    np.testing.assert_allclose(contract(SoftThreshold(0.5), x), expected, rtol=1e-6)


@pytest.mark.parametrize(("axes", "shape"), [([3], (3,)), ([1, 2], (5, 4)), ([], ())])
def test_a_soft_threshold_may_be_learned(contract, x, axes, shape):
    layer = SoftThreshold(0.25, axes)
    y = contract(layer, x)
    np.testing.assert_allclose(y, np.where(np.abs(x) <= 0.25, 0, x - 0.25 * np.sign(x)), rtol=1e-6)
    values = np.linspace(-0.3, 0.7, max(1, np.prod(shape, dtype=int))).reshape(shape)
    layer.set_weights([values.astype("float32")])
    aligned = np.zeros([size if axis in axes else 1 for axis, size in enumerate(x.shape)])
    aligned[...] = np.maximum(values, 0).reshape(aligned.shape)
    expected = np.sign(x) * np.maximum(np.abs(x) - aligned, 0)
    y = keras.ops.convert_to_numpy(layer(x))
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-7)


def test_a_threshold_learned_for_each_sample_is_refused():
    with pytest.raises(ValueError, match="ascend from 1 or more"):
        SoftThreshold(axes=[0])


def test_gradients_pass(needs_gradients, gradient):
    x = np.array([[-2.0, 0.5, 3.0]], "float32")
    np.testing.assert_array_equal(gradient(AbsVal(), x), [[-1, 1, 1]])
    np.testing.assert_array_equal(gradient(Clip(-1, 1), x), [[0, 1, 0]])
    assert np.all(gradient(Swish(), x) != 0)
    roots = gradient(SignedSqrt(), np.array([[-4.0, 0.0, 0.25]], "float32"))
    np.testing.assert_allclose(roots, [[0.25, 0, 1]], rtol=1e-5)

"""Functions of single values."""

from __future__ import annotations

import numpy as np
import pytest

from caffe2keras.runtime import AbsVal, Clip, Swish, Threshold


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


def test_gradients_pass(needs_gradients, gradient):
    x = np.array([[-2.0, 0.5, 3.0]], "float32")
    np.testing.assert_array_equal(gradient(AbsVal(), x), [[-1, 1, 1]])
    np.testing.assert_array_equal(gradient(Clip(-1, 1), x), [[0, 1, 0]])
    assert np.all(gradient(Swish(), x) != 0)

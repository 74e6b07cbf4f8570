"""Vectors over their norms."""

from __future__ import annotations

import numpy as np
import pytest

from caffe2keras.runtime import Normalize


def norm_of(x, axes, order, epsilon):
    x = x.astype("float64")
    total = (np.abs(x) ** order).sum(axis=axes, keepdims=True) + epsilon
    return total ** (1 / order)


@pytest.mark.parametrize("axes", [(1,), (3,), (1, 2, 3)])
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("epsilon", [1e-10, 0.5])
def test_values_are_divided_by_their_norm(contract, rng, axes, order, epsilon):
    x = rng.normal(size=(2, 5, 3, 4)).astype("float32")
    norm = norm_of(x, axes, order, epsilon)
    y = contract(Normalize(axes, order, epsilon), x)
    np.testing.assert_allclose(y, x / norm, rtol=2e-6, atol=1e-7)
    y, n = contract(Normalize(axes, order, epsilon, with_norm=True), x)
    np.testing.assert_allclose(y, x / norm, rtol=2e-6, atol=1e-7)
    np.testing.assert_allclose(n, norm, rtol=2e-6)


def test_a_vector_of_zeros_stays_one(contract):
    y = contract(Normalize([1]), np.zeros((2, 3), "float32"))
    np.testing.assert_array_equal(y, np.zeros((2, 3)))


def test_without_axes_or_with_another_order_it_is_refused():
    with pytest.raises(ValueError, match="must not be empty"):
        Normalize([])
    with pytest.raises(ValueError, match="`order` must be 1 or 2"):
        Normalize([1], order=3)

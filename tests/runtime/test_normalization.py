"""Normalization by the batch's own moments."""

from __future__ import annotations

import numpy as np
import pytest

from caffe2keras.runtime import BatchStatisticsNormalization


@pytest.mark.parametrize(("axis", "others"), [(3, (0, 1, 2)), (-1, (0, 1, 2)), (1, (0, 2, 3))])
def test_moments_run_over_all_axes_but_one(contract, rng, axis, others):
    x = (rng.normal(size=(2, 5, 4, 3)) * 3 + 7).astype("float32")
    y = contract(BatchStatisticsNormalization(axis, epsilon=0.1), x)
    mean, variance = (f(x.astype("float64"), axis=others, keepdims=True) for f in (np.mean, np.var))
    np.testing.assert_allclose(y, (x - mean) / np.sqrt(variance + 0.1), rtol=1e-5, atol=1e-5)


def test_a_far_mean_does_not_spoil_the_variance(contract, rng):
    x = (rng.normal(size=(64, 3)) + 3000).astype("float32")
    y = contract(BatchStatisticsNormalization(1), x)
    z = x.astype("float64")
    np.testing.assert_allclose(y, (z - z.mean(0)) / np.sqrt(z.var(0) + 1e-5), rtol=1e-3, atol=1e-3)

"""Normalization by the moments of a batch and of each sample."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from caffe2keras.runtime import (
    MVN,
    BatchStatisticsNormalization,
    StoredStatisticsNormalization,
)


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


@pytest.mark.parametrize("normalize_variance", [True, False])
@pytest.mark.parametrize("axes", [(1, 2), (2, 3), (1, 2, 3)])
def test_each_sample_is_normalized_by_its_own_moments(contract, rng, axes, normalize_variance):
    x = (rng.normal(size=(2, 5, 4, 3)) * 2 + 5).astype("float32")
    y = contract(MVN(axes, normalize_variance, epsilon=0.3), x)
    expected = x - x.mean(axes, dtype="float64", keepdims=True)
    if normalize_variance:
        expected /= x.astype("float64").std(axes, keepdims=True) + 0.3
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)


def test_a_flat_image_becomes_zero(contract):
    x = np.full((2, 3, 4, 1), 7.0, "float32")
    np.testing.assert_array_equal(contract(MVN([1, 2]), x), np.zeros_like(x))


def test_without_axes_each_value_is_its_own_mean(contract, rng):
    x = rng.normal(size=(3, 4)).astype("float32")
    np.testing.assert_array_equal(contract(MVN([]), x), np.zeros_like(x))


def test_stored_statistics_stay_in_training_while_the_scale_learns():
    layer = StoredStatisticsNormalization(epsilon=0.0)
    layer.build((None, 2))
    layer.set_weights([np.array(each, np.float32) for each in ([2, 1], [0, 5], [1, 0], [4, 1])])
    x = np.array([[1.0, 2.0], [5.0, 3.0]], np.float32)
    for training in (False, True):
        y = keras.ops.convert_to_numpy(layer(x, training=training))
        np.testing.assert_allclose(y, [[0, 7], [4, 8]], atol=1e-6)
    np.testing.assert_array_equal(layer.get_weights()[2], [1, 0])
    assert len(layer.trainable_variables) == 2

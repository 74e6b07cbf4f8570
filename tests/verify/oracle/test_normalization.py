"""Normalisation: what the recorded nets do not show."""

from __future__ import annotations

import numpy as np


def test_batch_norm_takes_the_statistics_of_the_batch_where_asked(compute, rng):
    x = rng.standard_normal((4, 3, 5, 2))
    layer = 'type: "BatchNorm" batch_norm_param { use_global_stats: false eps: 0.01 }'
    (y,) = compute(layer, x, weights=[[9, 9, 9], [9, 9, 9], [1]])
    mean, variance = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))
    expected = (x - mean.reshape(3, 1, 1)) / np.sqrt(variance + 0.01).reshape(3, 1, 1)
    np.testing.assert_allclose(y, expected, rtol=1e-6)


def test_batch_norm_with_a_factor_of_zero_has_statistics_of_zero(compute):
    layer = 'type: "BatchNorm" batch_norm_param { eps: 0.25 }'
    (y,) = compute(layer, [[1, 2]], weights=[[9, 9], [9, 9], [0]])
    np.testing.assert_allclose(y, [[2, 4]])


def test_mvn_always_answers_with_four_axes(compute):
    layer = 'type: "MVN" mvn_param { across_channels: true eps: 1 }'
    (y,) = compute(layer, [[1, 3], [2, 10]])
    np.testing.assert_allclose(y, np.reshape([-0.5, 0.5, -0.8, 0.8], (2, 2, 1, 1)))


def test_lrn_within_a_channel_divides_by_the_clipped_window_and_forgets_k(compute):
    x = np.array([[[[1.0, 2], [3, 4]]]])
    layer = (
        'type: "LRN" lrn_param '
        "{ norm_region: WITHIN_CHANNEL local_size: 3 alpha: 9 beta: 1 k: 100 }"
    )
    (y,) = compute(layer, x)
    # Every window sees all four pixels (sum of squares 30); none reaches behind the padding.
    np.testing.assert_allclose(y, x / (1 + 9 * 30 / 9))


def test_lrn_across_channels_sees_its_neighbours_on_both_sides(compute):
    x = np.array([1.0, 2, 3, 4]).reshape(1, 4, 1, 1)
    layer = 'type: "LRN" lrn_param { local_size: 3 alpha: 3 beta: 1 k: 2 }'
    (y,) = compute(layer, x)
    np.testing.assert_allclose(y.ravel(), [1 / 7, 2 / 16, 3 / 31, 4 / 27])

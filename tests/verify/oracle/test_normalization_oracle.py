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


X = np.array([[[[1.0, 2]], [[3, 4]]]])  # one image, two channels of one row


def test_batch_norm_of_five_blobs_scales_and_shifts_and_forgets_the_third(compute):
    layer = 'type: "BatchNorm" batch_norm_param { scale_bias: true eps: 0 }'
    (y,) = compute(layer, X, weights=[[1, 2], [4, 1], [99], [10, 20], [5, 6]])
    first, second = np.sqrt(4 + 1e-5), np.sqrt(1 + 1e-5)  # NVIDIA's eps is at least this
    expected = [[5, 5 + 10 / first], [6 + 20 / second, 6 + 40 / second]]
    np.testing.assert_allclose(y[0, :, 0], expected)


def test_bn_of_four_blobs_normalises_before_it_scales(compute):
    weights = [np.reshape(blob, (1, 2, 1, 1)) for blob in ([10, 20], [5, 6], [1, 2], [3, 0])]
    (y,) = compute('type: "BN" bn_param { eps: 1 }', X, weights=weights)
    np.testing.assert_allclose(y[0, :, 0], [[5, 10], [26, 46]])


def test_bn_of_two_blobs_takes_the_batch_s_statistics_where_it_learns(compute):
    weights = [np.reshape(blob, (1, 2, 1, 1)) for blob in ([10, 20], [5, 6])]
    y, mean, variance = compute(
        'type: "BN" bn_param { bn_mode: LEARN }', X, weights=weights, tops=3
    )
    np.testing.assert_allclose(y[0, :, 0], [[-5, 15], [-14, 26]], rtol=1e-6)
    np.testing.assert_allclose(mean.ravel(), [1.5, 3.5])
    np.testing.assert_allclose(variance.ravel(), [0.25, 0.25])
    (y,) = compute('type: "BN" bn_param { bn_mode: INFERENCE }', X, weights=weights)
    np.testing.assert_allclose(y[0, :, 0], [[15, 25], [66, 86]])


def test_normalize_without_a_scale_divides_each_pixel_by_its_own_norm(compute):
    x = np.array([[3.0, -4]])
    y, norm = compute('type: "Normalize"', x, weights=[], tops=2)
    np.testing.assert_allclose(y.ravel(), [0.6, -0.8], rtol=1e-6)
    np.testing.assert_allclose(norm, [[[[5]]]], rtol=1e-6)
    for home in ("normalize_param", "softmax_param"):
        layer = f'type: "Normalize" {home} {{ normalize_type: "L1" }}'
        (y,) = compute(layer, x, weights=[])
        np.testing.assert_allclose(y.ravel(), [3 / 7, -4 / 7], rtol=1e-6)


def test_l2_normalize_takes_the_whole_image(compute):
    (y,) = compute('type: "L2Normalize"', [[[[2.0, 4]], [[4, 8]]]])
    np.testing.assert_allclose(y[0, :, 0], [[0.2, 0.4], [0.4, 0.8]], rtol=1e-6)

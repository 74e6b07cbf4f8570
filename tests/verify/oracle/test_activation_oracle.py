"""Activations where a naive formula would overflow, and the order of Clip's bounds."""

from __future__ import annotations

import numpy as np


def test_sigmoid_softmax_and_bnll_bear_large_numbers(compute):
    x = np.array([[-2000.0, 0, 2000]])
    np.testing.assert_array_equal(compute('type: "Sigmoid"', x)[0], [[0, 0.5, 1]])
    np.testing.assert_array_equal(compute('type: "Softmax"', x)[0], [[0, 0, 1]])
    np.testing.assert_allclose(compute('type: "BNLL"', x)[0], [[0, np.log(2), 2000]])


def test_clip_s_lower_bound_wins_over_its_upper_one(compute):
    (y,) = compute('type: "Clip" clip_param { min: 3 max: 1 }', [0, 2, 5])
    np.testing.assert_array_equal(y, [3, 3, 3])


def test_threshold_is_strict(compute):
    (y,) = compute('type: "Threshold" threshold_param { threshold: 1 }', [0, 1, 2])
    np.testing.assert_array_equal(y, [0, 0, 1])


def test_relu6_is_bounded_and_may_slope(compute):
    x = [-2.0, 3, 8]
    np.testing.assert_array_equal(compute('type: "ReLU6"', x)[0], [0, 3, 6])
    (y,) = compute('type: "ReLU6" relu6_param { negative_slope: 0.5 }', x)
    np.testing.assert_array_equal(y, [-1, 3, 6])


def test_mish_bears_large_numbers(compute):
    (y,) = compute('type: "Mish"', [-2000.0, 0, 1, 2000])
    # With u = (1 + e) squared, mish(1) is (u - 1) / (u + 1).
    u = (1 + np.e) ** 2
    np.testing.assert_allclose(y, [0, 0, (u - 1) / (u + 1), 2000], atol=1e-12)


def test_h_swish_is_zero_below_and_the_identity_above_three(compute):
    (y,) = compute('type: "HSwish"', [-4.0, -1, 1, 4])
    np.testing.assert_allclose(y, [0, -1 / 3, 2 / 3, 4])


def test_insanity_divides_by_the_mean_slope_of_training(compute):
    (y,) = compute('type: "Insanity" insanity_param { lb: 2 ub: 8 }', [[-6.0, 3]])
    np.testing.assert_allclose(y, [[-np.log(4), 3]])


def test_dropout_without_scale_train_scales_now(compute):
    layer = 'type: "Dropout" dropout_param { dropout_ratio: 0.25 %s }'
    np.testing.assert_array_equal(compute(layer % "", [4.0])[0], [4])
    np.testing.assert_array_equal(compute(layer % "scale_train: false", [4.0])[0], [3])


def test_dropout_that_drops_even_in_testing_gives_its_mean(compute):
    (y,) = compute('type: "Dropout" dropout_param { sample_weights_test: true }', [4.0])
    np.testing.assert_array_equal(y, [4])


def test_noise_is_for_training(compute):
    (y,) = compute('type: "Noise"', [4.0])
    np.testing.assert_array_equal(y, [4])


def test_sparsify_and_its_learned_sister_go_towards_zero(compute):
    x = np.array([[-5.0, -1, 2, 7]]).reshape(1, 2, 2)
    (y,) = compute('type: "Sparsify" sparsify_param { thre: 2 }', x)
    np.testing.assert_array_equal(y.ravel(), [-3, 0, 0, 5])
    (y,) = compute('type: "SymmetricRectify"', x, weights=[[3, -1]])
    np.testing.assert_array_equal(y.ravel(), [-2, 0, 2, 7])  # a threshold below 0 is none

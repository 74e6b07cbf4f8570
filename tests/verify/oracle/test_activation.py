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

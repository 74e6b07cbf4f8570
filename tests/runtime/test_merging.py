"""Weighted sums."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from caffe2keras.runtime import WeightedSum


@pytest.mark.parametrize("coefficients", [[2.0, -0.5, 1.0], [1.0, 1.0], [0.25]])
def test_inputs_are_weighted_and_added_in_order(contract, rng, coefficients):
    xs = [rng.normal(size=(2, 4, 3)).astype("float32") for _ in coefficients]
    expected = sum(c * x.astype("float64") for c, x in zip(coefficients, xs, strict=True))
    layer = WeightedSum(coefficients)
    assert layer.compute_output_shape([(None, 4, 3)] * len(xs)) == (None, 4, 3)
    y = contract(layer, *xs) if len(xs) > 1 else keras.ops.convert_to_numpy(layer(xs))
    np.testing.assert_allclose(y, expected, rtol=1e-6, atol=1e-6)


def test_a_size_known_to_one_input_is_known():
    layer = WeightedSum([1, 1])
    assert layer.compute_output_shape([(None, None, 3), (None, 4, 3)]) == (None, 4, 3)


def test_wrong_use_is_refused():
    with pytest.raises(ValueError, match="must not be empty"):
        WeightedSum([])
    with pytest.raises(ValueError, match="Expected 2 inputs"):
        WeightedSum([1, 2]).compute_output_shape([(None, 3)] * 3)
    for second in ((None, 4), (None, 3, 1)):
        with pytest.raises(ValueError, match="shapes differ"):
            WeightedSum([1, 2]).compute_output_shape([(None, 3), second])

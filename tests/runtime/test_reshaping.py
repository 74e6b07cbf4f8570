"""Reshapes and transpositions across the batch axis."""

from __future__ import annotations

import numpy as np
import pytest

from caffe2keras.runtime import FixedReshape, Transpose


@pytest.mark.parametrize("target", [(3, 10), (30,), (5, 1, 2, 3), (2, 5, 3)])
def test_a_fixed_reshape_keeps_the_order_of_the_values(contract, rng, target):
    x = rng.normal(size=(2, 5, 3)).astype("float32")
    y = contract(FixedReshape(target), x, static=True)
    np.testing.assert_array_equal(y, x.reshape(target))


def test_a_fixed_reshape_closes_an_open_batch(contract, rng):
    x = rng.normal(size=(2, 6)).astype("float32")
    np.testing.assert_array_equal(contract(FixedReshape([3, 4]), x), x.reshape(3, 4))


@pytest.mark.parametrize("permutation", [(1, 0, 2, 3), (3, 0, 2, 1), (0, 3, 1, 2)])
def test_a_transposition_moves_the_batch_too(contract, rng, permutation):
    x = rng.normal(size=(2, 5, 4, 3)).astype("float32")
    y = contract(Transpose(permutation), x)
    np.testing.assert_array_equal(y, x.transpose(permutation))


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="positive sizes only"):
        FixedReshape([2, -1])
    with pytest.raises(ValueError, match="every axis once"):
        Transpose([0, 2])


def test_wrong_inputs_are_refused():
    with pytest.raises(ValueError, match="an input of 6 values"):
        FixedReshape([2, 3]).compute_output_shape((2, 4))
    with pytest.raises(ValueError, match="an input of 2 axes"):
        Transpose([1, 0]).compute_output_shape((2, 3, 4))

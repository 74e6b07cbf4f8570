"""ArgMax against a sort of pairs, as Caffe does it."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from caffe2keras.runtime import ArgMax


def largest(x: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions and values of the k largest along the last axis, by Caffe's order of pairs."""
    positions, values = (np.empty((*x.shape[:-1], k), "float32") for _ in range(2))
    for i in np.ndindex(*x.shape[:-1]):
        pairs = sorted(((value, j) for j, value in enumerate(x[i])), reverse=True)[:k]
        values[i], positions[i] = zip(*pairs, strict=True)
    return positions, values


@pytest.mark.parametrize("axis", [1, 2, -1])
@pytest.mark.parametrize("out_max_val", [False, True])
def test_along_an_axis_it_gives_positions_or_values(contract, rng, axis, out_max_val):
    x = rng.integers(0, 4, size=(2, 5, 4, 6)).astype("float32")  # full of ties
    y = contract(ArgMax(axis, top_k=3, out_max_val=out_max_val), x)
    expected = largest(np.moveaxis(x, axis, -1), 3)[out_max_val]
    np.testing.assert_array_equal(y, np.moveaxis(expected, -1, axis))


@pytest.mark.parametrize("shape", [(3, 20), (3, 4, 5), (3, 2, 2, 5), (3, 2, 1, 2, 5)])
@pytest.mark.parametrize("out_max_val", [False, True])
def test_without_an_axis_it_searches_the_whole_sample(contract, rng, shape, out_max_val):
    x = rng.integers(0, 9, size=shape).astype("float32")
    y = contract(ArgMax(top_k=2, out_max_val=out_max_val), x)
    positions, values = largest(x.reshape(3, 20), 2)
    rows = [positions, values] if out_max_val else [positions]
    np.testing.assert_array_equal(y, np.stack(rows, 1).reshape(y.shape))
    assert y.shape == (3, len(rows), 2, *(1,) * (len(shape) - 3))


def test_minus_infinity_has_its_place_too(contract):
    x = np.array([[-np.inf, 5.0, -np.inf]], "float32")
    np.testing.assert_array_equal(contract(ArgMax(1, top_k=3), x), [[1, 2, 0]])


def test_it_searches_along_the_batch(rng):
    x = rng.normal(size=(5, 3)).astype("float32")
    inputs = keras.Input(batch_shape=x.shape)
    y = keras.Model(inputs, ArgMax(0, top_k=2)(inputs)).predict_on_batch(x)
    np.testing.assert_array_equal(y, np.argsort(-x, axis=0)[:2])


def test_it_searches_a_size_that_it_was_not_built_for(rng):
    layer = ArgMax(1)
    layer.build((None, 4, 2))
    x = rng.normal(size=(3, 6, 2)).astype("float32")
    np.testing.assert_array_equal(layer(x), x.argmax(1)[:, None])


def test_wrong_use_is_refused():
    with pytest.raises(ValueError, match="`top_k` must be at least 1"):
        ArgMax(top_k=0)
    with pytest.raises(ValueError, match="at least top_k=5"):
        ArgMax(1, top_k=5).compute_output_shape((None, 4, 9))
    with pytest.raises(ValueError, match="at least top_k=5"):
        ArgMax(top_k=5).compute_output_shape((None, 2, 2))
    with pytest.raises(ValueError, match="a known number"):
        ArgMax(0).compute_output_shape((None, 2, 2))

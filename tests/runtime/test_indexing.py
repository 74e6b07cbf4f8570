"""Samples repeated, picked and sieved."""

from __future__ import annotations

import numpy as np
import pytest

from caffe2keras.runtime import BatchReindex, Filter, Tile


@pytest.mark.parametrize(("axis", "tiles"), [(1, 3), (2, 2), (-1, 2), (2, 1)])
def test_a_tile_is_repeated_in_a_row(contract, rng, axis, tiles):
    x = rng.normal(size=(2, 5, 4, 3)).astype("float32")
    y = contract(Tile(axis, tiles), x)
    np.testing.assert_array_equal(y, np.concatenate([x] * tiles, axis))


def test_the_batch_may_be_tiled(contract, rng):
    x = rng.normal(size=(2, 3)).astype("float32")
    np.testing.assert_array_equal(contract(Tile(0, 2), x), np.concatenate([x, x]))


def test_indices_pick_samples_in_their_order(contract, rng):
    x = rng.normal(size=(5, 4, 3)).astype("float32")
    indices = np.array([4, 0, 0, 2, 1, 4, 3], "float32")
    y = contract(BatchReindex(), x, indices)
    np.testing.assert_array_equal(y, x[indices.astype(int)])


@pytest.mark.parametrize("shape", [(5,), (5, 1), (5, 1, 1)])
def test_a_selector_keeps_the_samples_where_it_is_not_zero(contract, rng, shape):
    x = rng.normal(size=(5, 4, 3)).astype("float32")
    selector = np.array([0, 1, -0.5, 0, 2], "float32")
    y = contract(Filter(), x, selector.reshape(shape))
    np.testing.assert_array_equal(y, x[selector != 0])


def test_a_filter_sieves_several_tensors_alike(contract, rng):
    xs = [rng.normal(size=(3, *rest)).astype("float32") for rest in [(4, 2), (5,)]]
    selector = np.array([1, 0, 1], "float32")
    ys = contract(Filter(), *xs, selector)
    for x, y in zip(xs, ys, strict=True):
        np.testing.assert_array_equal(y, x[[0, 2]])


def test_wrong_use_is_refused():
    with pytest.raises(ValueError, match="`tiles` must be at least 1"):
        Tile(1, 0)
    with pytest.raises(ValueError, match="must have one axis"):
        BatchReindex().compute_output_shape([(5, 3), (2, 1)])
    with pytest.raises(ValueError, match="one value a sample"):
        Filter().compute_output_shape([(5, 3), (5, 2)])

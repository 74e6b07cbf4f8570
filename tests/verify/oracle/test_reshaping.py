"""Shapes by hand."""

from __future__ import annotations

import numpy as np
import pytest

X = np.arange(120.0).reshape(2, 3, 4, 5)


@pytest.mark.parametrize(
    ("param", "shape"),
    [
        ("shape { dim: 0 dim: -1 }", (2, 60)),
        ("shape { dim: 6 dim: 2 } axis: 1 num_axes: 2", (2, 6, 2, 5)),
        ("shape { dim: 1 } axis: -1 num_axes: 0", (2, 3, 4, 5, 1)),
        ("shape { dim: 1 dim: -1 } axis: -2", (2, 3, 4, 1, 5)),
        ("shape { dim: 0 dim: 0 dim: 20 }", (2, 3, 20)),
        ("axis: 1 num_axes: 0", (2, 3, 4, 5)),
    ],
)
def test_reshape_replaces_some_axes_by_others(compute, param, shape):
    (y,) = compute(f'type: "Reshape" reshape_param {{ {param} }}', X)
    assert y.shape == shape
    np.testing.assert_array_equal(y.ravel(), X.ravel())


@pytest.mark.parametrize(
    ("param", "shape"),
    [("", (2, 60)), ("axis: 0 end_axis: 1", (6, 4, 5)), ("axis: -3 end_axis: -2", (2, 12, 5))],
)
def test_flatten_joins_axes(compute, param, shape):
    (y,) = compute(f'type: "Flatten" flatten_param {{ {param} }}', X)
    assert y.shape == shape


def test_permute_completes_an_order_that_names_only_some_axes(compute):
    (y,) = compute('type: "Permute" permute_param { order: 0 order: 2 }', X)
    np.testing.assert_array_equal(y, X.transpose(0, 2, 1, 3))


def test_concat_and_slice_know_their_axis_by_its_old_name(compute):
    (y,) = compute('type: "Concat" concat_param { concat_dim: 2 }', X, X + 1)
    np.testing.assert_array_equal(y, np.concatenate([X, X + 1], axis=2))
    first, second = compute('type: "Slice" slice_param { slice_dim: 2 }', X, tops=2)
    np.testing.assert_array_equal(first, X[:, :, :2])
    np.testing.assert_array_equal(second, X[:, :, 2:])


def test_split_hands_its_bottom_to_every_top(compute):
    for top in compute('type: "Split"', X, tops=3):
        np.testing.assert_array_equal(top, X)

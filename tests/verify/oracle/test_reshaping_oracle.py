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


def test_transpose_names_every_axis(compute):
    (y,) = compute('type: "Transpose" transpose_param { dim: 3 dim: 0 dim: 2 dim: 1 }', X)
    np.testing.assert_array_equal(y, X.transpose(3, 0, 2, 1))


def test_reverse_turns_one_axis_around(compute):
    (y,) = compute('type: "Reverse" reverse_param { axis: 2 }', X)
    np.testing.assert_array_equal(y, X[:, :, ::-1])


def test_flip_mirrors_what_it_is_told_to(compute):
    (y,) = compute('type: "Flip"', X)
    np.testing.assert_array_equal(y, X[..., ::-1])
    (y,) = compute('type: "Flip" flip_param { flip_width: false flip_height: true }', X)
    np.testing.assert_array_equal(y, X[:, :, ::-1])


@pytest.mark.parametrize(("copies", "rest"), [("true", [[0, 6], [0, 8]]), ("false", [[0, 0]] * 2)])
def test_reverse_time_turns_each_sequence_as_far_as_it_goes(compute, copies, rest):
    x = np.array([[1.0, 2], [3, 4], [5, 6], [7, 8]])
    layer = f'type: "ReverseTime" reverse_time_param {{ copy_remaining: {copies} }}'
    (y,) = compute(layer, x, [4, 2])
    np.testing.assert_array_equal(y[:, 0], [7, 5, 3, 1])
    np.testing.assert_array_equal(y[:2, 1], [4, 2])
    np.testing.assert_array_equal(y[2:, 1], np.array(rest)[:, 1])


def test_shuffle_channel_takes_the_groups_in_turns(compute):
    x = np.arange(12.0).reshape(1, 6, 2, 1)
    (y,) = compute('type: "ShuffleChannel" shuffle_channel_param { group: 2 }', x)
    np.testing.assert_array_equal(y[0, :, 0, 0], [0, 6, 2, 8, 4, 10])


def reorganised(x, s, back):
    """YOLO's rule, index by index: flat memory is read as an image s times as high and wide."""
    n, c, h, w = x.shape
    deep = c // (s * s)
    memory, answer = x.reshape(n, -1), np.empty((n, c * h * w))
    for k, j, i in np.ndindex(c, h, w):
        here = i + w * (j + h * k)
        row, cell = j * s + k // deep // s, i * s + k // deep % s
        there = cell + w * s * (row + h * s * (k % deep))
        if back:
            answer[:, there] = memory[:, here]
        else:
            answer[:, here] = memory[:, there]
    return answer


@pytest.mark.parametrize(("back", "shape"), [("false", (2, 32, 2, 3)), ("true", (2, 2, 8, 12))])
def test_reorg_follows_yolo_s_own_rule(compute, back, shape):
    x = np.arange(2 * 8 * 4 * 6.0).reshape(2, 8, 4, 6)
    (y,) = compute(f'type: "Reorg" reorg_param {{ stride: 2 reverse: {back} }}', x)
    assert y.shape == shape
    np.testing.assert_array_equal(y.reshape(2, -1), reorganised(x, 2, back == "true"))

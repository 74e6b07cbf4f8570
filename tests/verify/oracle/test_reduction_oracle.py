"""ArgMax and Accuracy, hand-checked."""

from __future__ import annotations

import numpy as np
import pytest

from caffe2keras.errors import ShapeError


def test_argmax_puts_the_later_of_equal_values_first(compute):
    (y,) = compute('type: "ArgMax" argmax_param { top_k: 3 }', [[5, 7, 5, 7, 1]])
    np.testing.assert_array_equal(y, [[[3, 1, 2]]])


def test_argmax_without_an_axis_keeps_the_rank_of_an_image(compute):
    x = np.arange(12.0).reshape(1, 2, 2, 3)
    (y,) = compute('type: "ArgMax" argmax_param { out_max_val: true top_k: 2 }', x)
    np.testing.assert_array_equal(y, np.reshape([11, 10, 11, 10], (1, 2, 2, 1)))


def test_reduction_of_everything_is_a_scalar(compute):
    (y,) = compute('type: "Reduction" reduction_param { operation: MEAN }', [[1, 2], [3, 6]])
    assert y.shape == ()
    assert y == 3


SCORES = np.array([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2], [0.4, 0.4, 0.2], [0.0, 0.1, 0.9]])


def test_accuracy_counts_a_tie_as_an_error(compute):
    (y,) = compute('type: "Accuracy"', SCORES, [1, 1, 0, 2])
    assert y == 2 / 4


def test_accuracy_of_the_two_best(compute):
    (y,) = compute('type: "Accuracy" accuracy_param { top_k: 2 }', SCORES, [1, 1, 0, 0])
    assert y == 3 / 4


def test_accuracy_ignores_a_label_and_tells_of_each_class(compute):
    layer = 'type: "Accuracy" accuracy_param { ignore_label: 2 }'
    y, of_class = compute(layer, SCORES, [1, 1, 0, 2], tops=2)
    assert y == 1 / 3
    np.testing.assert_array_equal(of_class, [0, 0.5, 0])


def test_accuracy_of_pixels_takes_the_classes_along_the_axis(compute):
    scores = np.moveaxis(SCORES.reshape(2, 2, 3), -1, 1)
    (y,) = compute('type: "Accuracy"', scores, [[1, 1], [0, 2]])
    assert y == 2 / 4


def test_accuracy_wants_a_label_for_each_place(net_of, compute):
    with pytest.raises(ShapeError):
        compute('type: "Accuracy"', SCORES, [1, 1, 0])


def test_accuracy_of_ignored_labels_alone_is_zero(compute):
    (y,) = compute('type: "Accuracy" accuracy_param { ignore_label: 1 }', SCORES, [1, 1, 1, 1])
    assert y == 0


def test_accuracy_of_a_class_that_is_asked_once(compute):
    _, of_class = compute('type: "Accuracy"', SCORES, [1, 1, 1, 2], tops=2)
    np.testing.assert_array_equal(of_class, [0, 1 / 3, 1])

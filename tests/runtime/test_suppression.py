"""What the detection layers count on, whatever order a backend gives to equals."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from caffe2keras.runtime.suppression import (
    LOWEST,
    first_places,
    is_among_best,
    rows_of_minus_one,
    turns_of_kept,
)


class Wrapped(keras.Layer):
    """A function as a layer, so that it is compiled as the layers of a net are."""

    def __init__(self, function, shape):
        super().__init__()
        self.function, self.shape = function, shape

    def call(self, inputs):
        return self.function(inputs)

    def compute_output_shape(self, input_shape):
        return self.shape


def compute(function, x, shape):
    inputs = keras.Input(x.shape[1:])
    model = keras.Model(inputs, Wrapped(function, shape)(inputs))
    return model.predict_on_batch(x)


@pytest.mark.parametrize("count", [1, 4, 7, 11])
def test_of_equal_scores_the_first_are_the_best(rng, count):
    scores = rng.integers(0, 3, size=(3, 2, 11)).astype("float32")

    def best(x):
        return ops.cast(is_among_best(x, count, 11), "float32")

    y = compute(best, scores, (None, 2, 11))
    expected = np.zeros_like(y)
    places = np.argsort(-scores, axis=-1, kind="stable")[..., :count]
    np.put_along_axis(expected, places, 1, axis=-1)
    np.testing.assert_array_equal(y, expected)


def test_places_come_in_the_order_of_their_numbers():
    order = np.array([[7, 3, 9, 0, 5]], "float32")

    def places(x):
        found, meant = first_places(ops.cast(x, "int32"), x > 2, 4, 9)
        return ops.cast(ops.stack([found, ops.cast(meant, "int32")], axis=1), "float32")

    y = compute(places, order, (None, 2, 4))
    np.testing.assert_array_equal(y, [[[1, 4, 0, 2], [1, 1, 1, 1]]])


def spans(box, others):
    """How much of one another two intervals cover, taken from the first two numbers of a box."""
    common = ops.minimum(box[..., 1], others[..., 1]) - ops.maximum(box[..., 0], others[..., 0])
    return ops.maximum(common, 0.0)


# Scores and intervals; each overlaps its neighbours by a half.
INTERVALS = np.array([[3, 0.0, 1.0], [5, 0.5, 1.5], [5, 1.0, 2.0], [4, 1.5, 2.5], [LOWEST, 8, 9]])


def turns(thresholds, most=9, inclusive=False):
    def kept(x):
        boxes = ops.concatenate([x[..., 1:], x[..., 1:]], axis=-1)
        y = turns_of_kept(boxes, x[..., 0], spans, thresholds, 5, most, inclusive)
        return ops.cast(y, "float32")

    (y,) = compute(kept, INTERVALS[None].astype("float32"), (None, 5))
    return y.tolist()


def test_the_best_box_stays_and_its_neighbours_go():
    assert turns([0.4]) == [9, 0, 9, 1, 9]
    assert turns([0.6]) == [3, 0, 1, 2, 9]


def test_the_threshold_itself_is_too_much_only_where_it_is_said():
    assert turns([0.5]) == [3, 0, 1, 2, 9]
    assert turns([0.5], inclusive=True) == [9, 0, 9, 1, 9]


def test_thresholds_fall_from_turn_to_turn():
    # After two boxes the threshold is below what the others overlap the first one.
    assert turns([0.6, 0.4]) == [9, 0, 1, 9, 9]


def test_turns_come_to_an_end():
    assert turns([0.6], most=2) == [2, 0, 1, 2, 2]


@pytest.mark.parametrize("found", [[1, 1, 0, 0], [0, 0, 0, 0]])
def test_rows_of_minus_one_stand_behind_those_that_are_found(found):
    def rows(x):
        image = ops.convert_to_tensor(np.array([5, 6, 7, 8], "int32"))
        return rows_of_minus_one(2, image, x[:, 0] > 0, ops.zeros_like(x[:, :1]) + ops.ones(6))

    y = compute(rows, np.array(found, "float32")[:, None], (1, 1, None, 7))
    expected = np.full((1, 1, 4, 7), -1.0)
    expected[0, 0, :2] = [[5, *[1] * 6], [6, *[1] * 6]] if any(found) else expected[0, 0, :2]
    expected[0, 0, :2, 0] = [5, 6] if any(found) else [0, 1]
    np.testing.assert_array_equal(y, expected)

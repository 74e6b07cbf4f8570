"""One step of an LSTM by hand, and a layer of it against its steps."""

from __future__ import annotations

import numpy as np
import pytest


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_a_unit_s_gates_stand_in_the_order_input_forget_output_candidate(compute):
    cell, cont = [[[2.0], [2]]], [[1, 1]]
    gates = [[[0.1, 0.2, 0.3, 0.4], [0, 0, 0, 0]]]
    c, h = compute('type: "LSTMUnit"', cell, gates, cont, tops=2)
    expected = sigmoid(0.2) * 2 + sigmoid(0.1) * np.tanh(0.4)
    np.testing.assert_allclose(c, [[[expected], [1]]])
    np.testing.assert_allclose(h, [[[sigmoid(0.3) * np.tanh(expected)], [0.5 * np.tanh(1)]]])


def test_where_cont_is_zero_the_old_cell_is_forgotten_even_if_it_is_nan(compute):
    c, _ = compute('type: "LSTMUnit"', [[[np.nan]]], [[[0, 0, 0, 1]]], [[0]], tops=2)
    assert c == pytest.approx(0.5 * np.tanh(1))


def test_an_lstm_begins_anew_where_cont_is_zero(compute, rng):
    x = rng.standard_normal((5, 2, 3))
    cont = np.array([[0, 0], [1, 1], [0, 1], [1, 1], [1, 1]])
    weights = [rng.standard_normal(shape) for shape in [(16, 3), (16,), (16, 4)]]
    layer = 'type: "LSTM" recurrent_param { num_output: 4 }'
    (whole,) = compute(layer, x, cont, weights=weights)
    (later,) = compute(layer, x[2:, :1], cont[2:, :1], weights=weights)
    np.testing.assert_allclose(whole[2:, :1], later)
    (unbroken,) = compute(layer, x, np.ones((5, 2)), weights=weights)
    np.testing.assert_allclose(whole[:, 1], unbroken[:, 1])


def unrolled(x, w, u, b, goes_on):
    """An LSTM written out step by step; x (T, N, D), goes_on (T, N)."""
    h = c = np.zeros((x.shape[1], u.shape[1]))
    for step, cont in zip(x, goes_on, strict=True):
        cont = cont[:, np.newaxis]
        i, f, o, g = np.split(step @ w.T + b + cont * (h @ u.T), 4, axis=1)
        c = cont * sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        yield h


@pytest.fixture
def lstm_weights(rng):
    return [rng.standard_normal(shape).astype(np.float32) for shape in [(8, 3), (8, 2), (8,)]]


def test_junhyukoh_s_lstm_takes_three_axes_as_time_batch_and_values(compute, rng, lstm_weights):
    x = rng.standard_normal((4, 2, 3))
    (y,) = compute('type: "Lstm" lstm_param { num_output: 2 }', x, weights=lstm_weights)
    goes_on = np.array([[0, 0]] + [[1, 1]] * 3)
    np.testing.assert_allclose(y, list(unrolled(x, *lstm_weights, goes_on)))


def test_junhyukoh_s_lstm_takes_rows_as_steps_of_a_batch(compute, rng, lstm_weights):
    x = rng.standard_normal((8, 3))
    layer = 'type: "Lstm" lstm_param { num_output: 2 batch_size: 2 }'
    (y,) = compute(layer, x, weights=lstm_weights)
    goes_on = np.array([[0, 0]] + [[1, 1]] * 3)
    expected = list(unrolled(x.reshape(4, 2, 3), *lstm_weights, goes_on))
    np.testing.assert_allclose(y, np.concatenate(expected))


def test_junhyukoh_s_lstm_begins_anew_where_clip_is_zero(compute, rng, lstm_weights):
    x, clip = rng.standard_normal((5, 3)), [0, 1, 1, 0, 1]
    layer = 'type: "Lstm" lstm_param { num_output: 2 }'
    (y,) = compute(layer, x, clip, weights=lstm_weights)
    goes_on = np.array(clip)[:, np.newaxis]
    expected = list(unrolled(x[:, np.newaxis], *lstm_weights, goes_on))
    np.testing.assert_allclose(y, np.concatenate(expected))

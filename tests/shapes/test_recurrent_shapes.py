"""LSTM, RNN and LSTMUnit, as genuine Caffe answered."""

from __future__ import annotations

import pytest

TEXT = "recurrent_param { num_output: 4 }"
EXPOSED = "recurrent_param { num_output: 4 expose_hidden: true }"
X, CONT, STATIC, STATE = (3, 2, 5), (3, 2), (2, 7), (1, 2, 4)


@pytest.mark.parametrize(
    ("text", "bottoms", "tops", "weights"),
    [
        (TEXT, [X, CONT], [(3, 2, 4)], [(16, 5), (16,), (16, 4)]),
        (
            TEXT,
            [(3, 2, 5, 6), CONT, (2, 7, 2)],
            [(3, 2, 4)],
            [(16, 30), (16,), (16, 14), (16, 4)],
        ),
        (
            EXPOSED,
            [X, CONT, STATE, STATE],
            [(3, 2, 4), STATE, STATE],
            [(16, 5), (16,), (16, 4)],
        ),
        (
            EXPOSED,
            [X, CONT, STATIC, STATE, STATE],
            [(3, 2, 4), STATE, STATE],
            [(16, 5), (16,), (16, 7), (16, 4)],
        ),
    ],
)
def test_an_lstm_has_four_gates(inferred, text, bottoms, tops, weights):
    answer = inferred("LSTM", text, *bottoms, tops=len(tops))
    assert answer.tops == tuple(tops)
    assert answer.weights == tuple(weights)


@pytest.mark.parametrize(
    ("text", "bottoms", "tops", "weights"),
    [
        (TEXT, [X, CONT], [(3, 2, 4)], [(4, 5), (4,), (4, 4), (4, 4), (4,)]),
        (
            EXPOSED,
            [X, CONT, STATIC, STATE],
            [(3, 2, 4), STATE],
            [(4, 5), (4,), (4, 7), (4, 4), (4, 4), (4,)],
        ),
    ],
)
def test_an_rnn_has_an_output_matrix_of_its_own(inferred, text, bottoms, tops, weights):
    answer = inferred("RNN", text, *bottoms, tops=len(tops))
    assert answer.tops == tuple(tops)
    assert answer.weights == tuple(weights)


@pytest.mark.parametrize(
    ("words", "text", "bottoms", "tops"),
    [
        ("num_output is missing", "", [X, CONT], 1),
        ("3 axes or more, received (3, 2)", TEXT, [(3, 2), CONT], 1),
        ("indicators take (3, 2), received (3, 1)", TEXT, [X, (3, 1)], 1),
        ("static input takes (2, ...)", TEXT, [X, CONT, (2,)], 1),
        ("static input takes (2, ...)", TEXT, [X, CONT, (3, 7)], 1),
        ("received 4", TEXT, [X, CONT, STATIC, STATE], 1),
        ("it takes 4 inputs", EXPOSED, [X, CONT, STATE], 3),
        ("states take (1, 2, 4), received (2, 4)", EXPOSED, [X, CONT, STATE, (2, 4)], 3),
        ("it produces 3 outputs, received 1", EXPOSED, [X, CONT, STATE, STATE], 1),
    ],
)
def test_what_caffe_refuses_of_a_recurrence_is_refused(refused, words, text, bottoms, tops):
    refused(words, "LSTM", text, *bottoms, tops=tops)


def test_one_step_of_an_lstm_gives_cell_and_hidden_state(inferred, refused):
    assert inferred("LSTMUnit", "", STATE, (1, 2, 16), (1, 2), tops=2).tops == (STATE, STATE)
    refused("the gates take (1, 2, 16)", "LSTMUnit", "", STATE, (1, 2, 12), (1, 2), tops=2)
    refused("takes (1, 2), received (2, 1)", "LSTMUnit", "", STATE, (1, 2, 16), (2, 1), tops=2)
    refused("the cell state takes", "LSTMUnit", "", (2, 4), (1, 2, 16), (1, 2), tops=2)

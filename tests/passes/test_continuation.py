"""Where sequences begin: said by constants, by the user, or not at all."""

import pytest

from caffe2keras.passes.continuation import assume_full_sequences, settle_continuation

INPUTS = (
    'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 4 dim: 3 dim: 5 } } }\n'
    'layer { name: "h0" type: "Input" top: "h0" input_param { shape { dim: 1 dim: 3 dim: 2 } } }\n'
)
FED = 'layer { name: "cont" type: "Input" top: "cont" input_param { shape { dim: 4 dim: 3 } } }\n'
DUMMY = (
    'layer { name: "%s" type: "DummyData" top: "%s" dummy_data_param {\n'
    "  shape { dim: %d dim: 3 } data_filler { value: %s } } }\n"
)
ZERO_THEN_ONES = (
    DUMMY % ("a", "a", 1, 0)
    + DUMMY % ("b", "b", 3, 1)
    + 'layer { name: "join" type: "Concat" bottom: "a" bottom: "b" top: "cont"\n'
    "  concat_param { axis: 0 } }\n"
)
ONES = DUMMY % ("cont", "cont", 4, 1)
RNN = (
    'layer { name: "rnn" type: "RNN" bottom: "x" bottom: "cont" top: "y"\n'
    "  recurrent_param { num_output: 2 } }\n"
)
EXPOSED = (
    'layer { name: "rnn" type: "RNN" bottom: "x" bottom: "cont" bottom: "h0" top: "y" top: "h"\n'
    "  recurrent_param { num_output: 2 expose_hidden: true } }\n"
)


def behind_the_inputs(lines):
    return [line for line in lines if not line.startswith("Input")]


@pytest.mark.parametrize("cont", [ZERO_THEN_ONES, ONES], ids=["zero then ones", "ones"])
def test_constants_that_say_the_same_give_way_to_an_indicator(built, drawn, cont):
    net = settle_continuation(built(INPUTS + cont + RNN))
    assert behind_the_inputs(drawn(net)) == [
        "ContinuationIndicator rnn_cont: x -> rnn_cont",
        "RNN rnn: x rnn_cont -> y",
    ]
    assert net.layers[-1].bottoms[1].shape == (4, 3)


def test_a_given_state_survives_a_cont_of_ones(built):
    net = built(INPUTS + ONES + EXPOSED)
    assert settle_continuation(net) is net


@pytest.mark.parametrize("cont", [FED, DUMMY % ("cont", "cont", 4, 0)], ids=["fed", "zeros"])
def test_other_beginnings_are_left_alone(built, cont):
    net = built(INPUTS + cont + RNN)
    assert settle_continuation(net) is net


def test_a_constant_that_others_read_stays(built, drawn):
    reader = 'layer { name: "p" type: "Power" bottom: "cont" top: "p" }\n'
    net = settle_continuation(built(INPUTS + ZERO_THEN_ONES + RNN + reader))
    assert "Concat join: a b -> cont" in drawn(net)


def test_the_user_may_say_that_sequences_begin_once(built, drawn):
    net = assume_full_sequences(built(INPUTS + FED + EXPOSED))
    assert "RNN rnn: x rnn_cont h0 -> y h" in drawn(net)
    assert [note.subject for note in net.notes if note.kind == "decided"] == ["cont"]


def test_an_indicator_takes_a_free_name(built):
    taken = 'layer { name: "p" type: "Power" bottom: "x" top: "rnn_cont" }\n'
    net = settle_continuation(built(INPUTS + ONES + taken + RNN))
    assert net.layers[-1].bottoms[1].name == "rnn_cont_"

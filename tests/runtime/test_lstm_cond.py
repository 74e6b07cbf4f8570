"""LSTMCond against the MarcBS fork, and against Keras's own LSTM."""

import keras
import numpy as np
import pytest
from keras import ops

from caffe2keras.runtime import LSTMCond, hard_sigmoid

CASES = {
    "LSTMCond_seq": {},
    "LSTMCond_last": {},
    "LSTMCond_mask_seq": {},
    "LSTMCond_mask_last": {},
    "LSTMCond_sigmoid_relu_backwards": {
        "go_backwards": True,
        "activation": "relu",
        "recurrent_activation": "sigmoid",
    },
    "LSTM_Cond_ba642f5_batch1": {},
    "v123_LSTMCond_seqctx": {},
}


def inputs_of(case):
    if case.get("input_1") is not None and case["input_1"].ndim == 3:
        return [case["input_0"], case["input_1"]]
    features = case.weights[0].shape[0]
    return [case["input_0"][..., features:], case["input_0"][..., :features]]


def called(layer, arrays, mask=None):
    masks = None if mask is None else [ops.convert_to_tensor(mask), None]
    outputs = layer([ops.convert_to_tensor(one) for one in arrays], mask=masks)
    return ops.convert_to_numpy(outputs)


@pytest.mark.parametrize("unroll", [False, True], ids=["loop", "unrolled"])
@pytest.mark.parametrize("name", CASES)
def test_the_forks_numbers_come_out(fork_case, name, unroll):
    case = fork_case(name)
    layer = LSTMCond.from_fork_weights(
        case.weights,
        "v1.2.3" if name.startswith("v123") else "4e6a8ec",
        return_sequences=case.is_sequence,
        unroll=unroll,
        **CASES[name],
    )
    outputs = called(layer, inputs_of(case), case.get("mask_0"))
    np.testing.assert_allclose(outputs, case["output_0"], atol=2e-6, rtol=0)


def test_initial_states_are_used_as_they_are(fork_case):
    case = fork_case("LSTMCond_init_state_bug")
    layer = LSTMCond.from_fork_weights(case.weights, return_sequences=True)
    features = case.weights[0].shape[0]
    words, context = case["input_0"][..., features:], case["input_0"][..., :features]
    states = [ops.convert_to_tensor(case[f"effective_{name}"]) for name in ("h0", "c0")]
    listed = called(layer, [words, context, *states])
    np.testing.assert_allclose(listed, case["output_0"], atol=2e-6, rtol=0)
    named = layer(
        [ops.convert_to_tensor(words), ops.convert_to_tensor(context)], initial_state=states
    )
    np.testing.assert_array_equal(ops.convert_to_numpy(named), listed)


def test_a_constant_context_is_a_bias_and_the_rest_is_kerass_lstm(rng):
    words = rng.normal(size=(3, 5, 4)).astype("float32")
    context = rng.normal(size=(3, 2)).astype("float32")
    layer = LSTMCond(6, return_sequences=True)
    outputs = called(layer, [words, context])
    kernel, recurrent, conditional, bias = layer.get_weights()
    for sample in range(3):
        plain = keras.layers.LSTM(6, return_sequences=True)
        plain.build((None, 5, 4))
        plain.set_weights([conditional, recurrent, bias + context[sample] @ kernel])
        expected = ops.convert_to_numpy(plain(ops.convert_to_tensor(words[sample : sample + 1])))
        np.testing.assert_allclose(outputs[sample : sample + 1], expected, atol=2e-6)


@pytest.mark.parametrize("rank", [2, 3], ids=["static", "sequence"])
def test_it_keeps_the_contract_of_a_layer(contract, rng, rank):
    words = rng.normal(size=(3, 5, 4)).astype("float32")
    context = rng.normal(size=(3, 2) if rank == 2 else (3, 5, 2)).astype("float32")
    layer = LSTMCond(
        6,
        recurrent_activation=hard_sigmoid,
        kernel_regularizer="l2",
        return_sequences=True,
        return_state=True,
    )
    outputs, h, c = contract(layer, words, context)
    np.testing.assert_array_equal(outputs[:, -1], h)
    assert c.shape == (3, 6)


def test_a_masked_word_changes_nothing_and_its_output_is_the_one_before(rng):
    words, context = (rng.normal(size=(2, 4, 3)).astype("float32") for _ in range(2))
    mask = np.array([[False, True, False, True], [True, True, False, False]])
    layer = LSTMCond(5, return_sequences=True)
    states = [rng.normal(size=(2, 5)).astype("float32") for _ in range(2)]
    outputs = called(layer, [words, context, *states], mask)
    np.testing.assert_array_equal(outputs[0, 0], np.zeros(5))
    np.testing.assert_array_equal(outputs[0, 2], outputs[0, 1])
    np.testing.assert_array_equal(outputs[1, 3], outputs[1, 1])
    kept = [one[:1, [1, 3]] for one in (words, context)]
    short = called(layer, [*kept, *(one[:1] for one in states)])
    np.testing.assert_allclose(short, outputs[:1, [1, 3]], atol=1e-6)


def test_the_words_mask_goes_on_with_the_whole_sequence_only(rng):
    words = keras.Input((5, 4))
    context = keras.Input((2,))
    masked = keras.layers.Masking()(words)
    whole = LSTMCond(6, return_sequences=True)([masked, context])
    last = LSTMCond(6)([masked, context])
    model = keras.Model([words, context], [whole, last])
    assert getattr(model.outputs[0], "_keras_mask", None) is not None
    assert getattr(model.outputs[1], "_keras_mask", None) is None


@pytest.mark.usefixtures("needs_gradients")
@pytest.mark.parametrize("rates", [(0.4, 0.0), (0.0, 0.4)], ids=["inputs", "state"])
def test_dropout_acts_in_training_alone(rng, rates):
    words, context = (rng.normal(size=(2, 4, 3)).astype("float32") for _ in range(2))
    layer = LSTMCond(5, dropout=rates[0], recurrent_dropout=rates[1], seed=3)
    tensors = [ops.convert_to_tensor(words), ops.convert_to_tensor(context)]
    quiet, again = layer(tensors), layer(tensors, training=False)
    noisy = layer(tensors, training=True)
    np.testing.assert_array_equal(ops.convert_to_numpy(quiet), ops.convert_to_numpy(again))
    assert np.abs(ops.convert_to_numpy(noisy) - ops.convert_to_numpy(quiet)).max() > 1e-3


def test_a_forget_gate_begins_open():
    layer = LSTMCond(2)
    layer.build([(None, None, 3), (None, 4)])
    bias = layer.get_weights()[-1]
    np.testing.assert_array_equal(bias, [0, 0, 1, 1, 0, 0, 0, 0])


def test_hard_sigmoid_has_the_old_slope_and_survives_saving():
    x = np.array([-2.6, -1.0, 0.0, 1.0, 2.6], "float32")
    expected = np.clip(0.2 * x + 0.5, 0, 1)
    np.testing.assert_allclose(ops.convert_to_numpy(hard_sigmoid(x)), expected, atol=1e-7)
    config = LSTMCond(2, recurrent_activation=hard_sigmoid).get_config()
    assert LSTMCond.from_config(config).recurrent_activation is hard_sigmoid


def test_three_inputs_are_refused():
    with pytest.raises(ValueError, match="Received 3 inputs"):
        LSTMCond(2).build([(None, 5, 3), (None, 4), (None, 2)])


def test_an_unknown_version_of_the_fork_is_refused():
    with pytest.raises(ValueError, match="version='v9'"):
        LSTMCond.from_fork_weights([], "v9")

"""AttLSTMCond against the MarcBS fork."""

import numpy as np
import pytest
from keras import ops

from caffe2keras.runtime import AttLSTMCond

OUTPUT_ONLY = [
    "AttLSTMCond_seq",
    "AttLSTMCond_last",
    "AttLSTMCond_mask_words_last",
    "AttLSTMCond_mask_context_seq",
    "AttLSTMCond_args_ignored",
    "v123_AttLSTMCond_seq",
]


def called(layer, arrays, masks=None):
    tensors = [ops.convert_to_tensor(one) for one in arrays]
    given = masks and [None if one is None else ops.convert_to_tensor(one) for one in masks]
    outputs = layer(tensors, mask=given)
    if isinstance(outputs, list):
        return [ops.convert_to_numpy(one) for one in outputs]
    return ops.convert_to_numpy(outputs)


def layer_and_inputs(fork_case, name, **options):
    """The fork's early versions take the context first, and ignore its mask."""
    case = fork_case(name)
    early = not name.startswith("v123")
    version = "4e6a8ec" if early else "v1.2.3"
    layer = AttLSTMCond.from_fork_weights(
        case.weights, version, return_sequences=case.is_sequence, **options
    )
    inputs = [case["input_1"], case["input_0"]] if early else [case["input_0"], case["input_1"]]
    return case, layer, inputs


@pytest.mark.parametrize("unroll", [False, True], ids=["loop", "unrolled"])
@pytest.mark.parametrize("name", OUTPUT_ONLY)
def test_the_forks_numbers_come_out(fork_case, name, unroll):
    case, layer, inputs = layer_and_inputs(fork_case, name, unroll=unroll)
    masks = None if case.get("mask_1") is None else [case["mask_1"], None]
    np.testing.assert_allclose(called(layer, inputs, masks), case["output_0"], atol=2e-6, rtol=0)


@pytest.mark.parametrize("name", ["AttLSTMCond_extra_seq", "AttLSTMCond_extra_mask_words"])
def test_what_was_attended_to_comes_batch_first(fork_case, name):
    case, layer, inputs = layer_and_inputs(fork_case, name, return_attention=True)
    masks = None if case.get("mask_1") is None else [case["mask_1"], None]
    outputs = called(layer, inputs, masks)
    expected = [case["output_0"], case["x_att_batch_major"], case["alphas_batch_major"]]
    for one, other in zip(outputs, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-6, rtol=0)


def test_initial_states_are_used_as_they_are(fork_case):
    case, layer, inputs = layer_and_inputs(fork_case, "AttLSTMCond_init_state_bug")
    states = [case["effective_h0"], case["effective_c0"]]
    outputs = called(layer, [*inputs, *states])
    np.testing.assert_allclose(outputs, case["output_0"], atol=2e-6, rtol=0)


def test_the_latest_forks_order_of_weights_is_another(fork_case):
    case = fork_case("AttLSTMCond_seq")
    wa, query, context, ba, ca, v, w, u, b = case.weights
    head = [w, u, v, query, context, wa[:, None], b, ba, ca]
    early = AttLSTMCond.from_fork_weights(case.weights)
    late = AttLSTMCond.from_fork_weights(head, "head")
    for one, other in zip(early.get_weights(), late.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("mode", ["additive", "dot_product", "scaled_dot_product"])
def test_it_keeps_the_contract_of_a_layer(contract, rng, mode):
    words = rng.normal(size=(3, 5, 4)).astype("float32")
    context = rng.normal(size=(3, 6, 2)).astype("float32")
    layer = AttLSTMCond(
        7,
        position_bias=mode == "additive",
        attention_units=5,
        attention_mode=mode,
        return_sequences=True,
        return_state=True,
        return_attention=True,
    )
    outputs, attended, shares, h, _ = contract(layer, words, context)
    np.testing.assert_array_equal(outputs[:, -1], h)
    np.testing.assert_allclose(attended, shares @ context, atol=1e-6)


def test_nobody_looks_at_a_masked_position(rng):
    words = rng.normal(size=(2, 3, 4)).astype("float32")
    context = rng.normal(size=(2, 5, 2)).astype("float32")
    mask = np.array([[True, False, False, True, True]] * 2)
    layer = AttLSTMCond(6, return_attention=True)
    output, _, shares = called(layer, [words, context], [None, mask])
    np.testing.assert_array_equal(shares[..., ~mask[0]], np.zeros((2, 3, 2)))
    short, _, _ = called(layer, [words, context[:, mask[0]]])
    np.testing.assert_allclose(output, short, atol=1e-6)


def test_where_all_is_masked_nothing_is_seen(rng):
    words = rng.normal(size=(2, 3, 4)).astype("float32")
    context = rng.normal(size=(2, 5, 2)).astype("float32")
    layer = AttLSTMCond(6, return_attention=True)
    _, attended, shares = called(layer, [words, context], [None, np.zeros((2, 5), bool)])
    assert not attended.any() and not shares.any()


def test_a_legacy_mask_leaves_masked_positions_their_share(rng):
    words = rng.normal(size=(2, 3, 4)).astype("float32")
    context = rng.normal(size=(2, 5, 2)).astype("float32")
    context[:, 3] = 0
    layer = AttLSTMCond(6, legacy_mask=True, return_attention=True, return_sequences=True)
    _, _, shares = called(layer, [words, context])
    assert (shares[..., 3] > 0.01).all()
    mask = np.array([[True, True, True, False, True]] * 2)
    _, _, told = called(layer, [words, context], [None, mask])
    np.testing.assert_array_equal(told, shares)


def test_a_position_bias_needs_a_known_length():
    with pytest.raises(ValueError, match="known length"):
        AttLSTMCond(3, position_bias=True).build([(None, None, 4), (None, None, 2)])

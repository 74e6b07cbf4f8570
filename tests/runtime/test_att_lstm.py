"""AttLSTM against the MarcBS fork."""

import numpy as np
import pytest
from keras import ops

from caffe2keras.runtime import AttLSTM

CASES = [
    "AttLSTM_seq",
    "AttLSTM_last",
    "AttLSTM_mem",
    "AttLSTM_one_in_step",
    "AttLSTM_raw4d",
    "AttLSTM_args_ignored",
]


def called(layer, context, mask=None):
    outputs = layer(
        ops.convert_to_tensor(context), mask=None if mask is None else ops.convert_to_tensor(mask)
    )
    return (
        [ops.convert_to_numpy(one) for one in outputs]
        if isinstance(outputs, list)
        else (ops.convert_to_numpy(outputs))
    )


@pytest.mark.parametrize("unroll", [False, True], ids=["loop", "unrolled"])
@pytest.mark.parametrize("name", CASES)
def test_the_forks_numbers_come_out(fork_case, name, unroll):
    case = fork_case(name)
    steps = None if case["input_0"].ndim == 4 else 4
    layer = AttLSTM.from_fork_weights(
        case.weights, steps=steps, return_sequences=case.is_sequence, unroll=unroll
    )
    np.testing.assert_allclose(called(layer, case["input_0"]), case["output_0"], atol=2e-6, rtol=0)


def test_energies_come_from_the_step_itself_unless_asked_otherwise(fork_case):
    case = fork_case("AttLSTM_raw4d")
    legacy, own = (
        AttLSTM.from_fork_weights(case.weights, legacy_energies=legacy, return_sequences=True)
        for legacy in (True, False)
    )
    first, then = called(legacy, case["input_0"]), called(own, case["input_0"])
    np.testing.assert_allclose(first[:, 0], then[:, 0], atol=1e-6)
    assert np.abs(first[:, 1] - then[:, 1]).max() > 1e-4


@pytest.mark.parametrize("mode", ["additive", "dot_product", "scaled_dot_product"])
def test_it_keeps_the_contract_of_a_layer(contract, rng, mode):
    context = rng.normal(size=(3, 5, 4)).astype("float32")
    layer = AttLSTM(
        6,
        steps=2,
        attention_units=7,
        attention_mode=mode,
        return_sequences=True,
        return_state=True,
        return_attention=True,
    )
    outputs, attended, shares, h, _ = contract(layer, context)
    np.testing.assert_array_equal(outputs[:, -1], h)
    np.testing.assert_allclose(shares.sum(-1), np.ones((3, 2)), atol=1e-6)
    np.testing.assert_allclose(attended, shares @ context, atol=1e-6)


def test_nobody_looks_at_a_masked_position(rng):
    context = rng.normal(size=(2, 5, 4)).astype("float32")
    mask = np.array([[True, True, False, True, False]] * 2)
    layer = AttLSTM(3, steps=2, return_attention=True)
    output, _, shares = called(layer, context, mask)
    np.testing.assert_array_equal(shares[..., ~mask[0]], np.zeros((2, 2, 2)))
    short, _, _ = called(layer, context[:, mask[0]])
    np.testing.assert_allclose(output, short, atol=1e-6)


def test_a_context_without_a_time_axis_needs_steps():
    with pytest.raises(ValueError, match="`steps`"):
        AttLSTM(3).build((None, 5, 4))


def test_an_unknown_mode_of_attention_is_refused():
    with pytest.raises(ValueError, match="attention_mode"):
        AttLSTM(3, attention_mode="general")


def test_later_versions_of_the_fork_are_refused():
    with pytest.raises(ValueError, match="ba642f5"):
        AttLSTM.from_fork_weights([], "v1.2.3")

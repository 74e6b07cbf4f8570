"""Caffe's recurrent layers: where cont is 0 the past is gone."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from caffe2keras.runtime import CaffeLSTM, CaffeRNN, LSTMUnit

N, T, D, S, H = 2, 5, 3, 6, 4
CONT = np.array([[0, 1, 1, 0, 1], [1, 0, 0, 1, 1]], "float32")
SIZES = {"x": (N, T, D), "static": (N, S), "h": (N, 1, H), "c": (N, 1, H)}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def filled(layer, rng, *arrays):
    """The layer, built, with random weights, and those by name."""
    shapes = [array.shape for array in arrays]
    layer.build(shapes if len(shapes) > 1 else shapes[0])
    layer.set_weights([rng.normal(size=w.shape, scale=0.5) for w in layer.weights])
    return {w.name: keras.ops.convert_to_numpy(w).astype("float64") for w in layer.weights}


def inputs_of(rng, *names):
    return {name: rng.normal(size=SIZES[name]).astype("float32") for name in names}


def lstm(weights, x, cont, static=None, h=None, c=None):
    """Step by step, in double precision: outputs, last h, last c."""
    h, c = (np.zeros((len(x), H)) if state is None else state[:, 0] for state in (h, c))
    steps = []
    for t in range(x.shape[1]):
        on = cont[:, t, None]
        z = x[:, t] @ weights["kernel"] + weights["bias"] + (on * h) @ weights["recurrent_kernel"]
        if static is not None:
            z = z + static @ weights["static_kernel"]
        i, f, g, o = np.split(z, 4, axis=-1)
        c = on * sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        steps.append(h)
    return np.stack(steps, 1), h[:, None], c[:, None]


def rnn(weights, x, cont, static=None, h=None):
    h = np.zeros((len(x), H)) if h is None else h[:, 0]
    steps = []
    for t in range(x.shape[1]):
        z = x[:, t] @ weights["kernel"] + weights["bias"]
        if static is not None:
            z = z + static @ weights["static_kernel"]
        h = np.tanh(z + (cont[:, t, None] * h) @ weights["recurrent_kernel"])
        steps.append(np.tanh(h @ weights["output_kernel"] + weights["output_bias"]))
    return np.stack(steps, 1), h[:, None]


@pytest.mark.parametrize("static", [(), ("static",)])
@pytest.mark.parametrize(
    ("kind", "reference", "states"), [(CaffeLSTM, lstm, ("h", "c")), (CaffeRNN, rnn, ("h",))]
)
def test_states_come_in_and_go_out(contract, rng, kind, reference, states, static):
    fed = inputs_of(rng, "x", *static, *states)
    layer = kind(
        H, use_static=bool(static), use_initial_states=True, return_states=True, name="recurrent"
    )
    x, *rest = fed.values()
    weights = filled(layer, rng, x, CONT, *rest)
    outputs = contract(layer, x, CONT, *rest)
    for output, expected in zip(outputs, reference(weights, cont=CONT, **fed), strict=True):
        np.testing.assert_allclose(output, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("kind", "reference"), [(CaffeLSTM, lstm), (CaffeRNN, rnn)])
def test_a_sequence_begins_where_cont_is_zero(contract, rng, kind, reference):
    layer = kind(H, name="recurrent")
    (x,) = inputs_of(rng, "x").values()
    weights = filled(layer, rng, x, CONT)
    expected = reference(weights, x, CONT)[0]
    y = contract(layer, x, CONT)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)
    alone = reference(weights, np.roll(x, -3, 1), np.ones((N, T)))[0]
    np.testing.assert_allclose(y[0, 3:], alone[0, :2], rtol=1e-5, atol=1e-6)


def test_without_a_cont_it_is_keras_own_lstm(contract, rng):
    layer = CaffeLSTM(H, use_cont=False, name="recurrent")
    (x,) = inputs_of(rng, "x").values()
    weights = filled(layer, rng, x)
    plain = keras.layers.LSTM(H, return_sequences=True)
    plain.build(x.shape)
    plain.set_weights([weights[name] for name in ("kernel", "recurrent_kernel", "bias")])
    expected = keras.Sequential([keras.Input((T, D)), plain]).predict_on_batch(x)
    np.testing.assert_allclose(contract(layer, x), expected, rtol=1e-5, atol=1e-6)


KINDS = [(CaffeLSTM, lstm), (CaffeRNN, rnn)]


@pytest.mark.parametrize(("kind", "reference"), KINDS)
def test_backwards_the_last_step_is_taken_first(contract, rng, kind, reference):
    layer = kind(H, go_backwards=True, return_states=True, name="recurrent")
    (x,) = inputs_of(rng, "x").values()
    weights = filled(layer, rng, x, CONT)
    expected = reference(weights, x[:, ::-1], CONT[:, ::-1])
    for output, array in zip(contract(layer, x, CONT), expected, strict=True):
        np.testing.assert_allclose(output, array, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize(("kind", "reference"), KINDS)
def test_a_masked_step_changes_nothing(rng, kind, reference, backwards):
    layer = kind(H, go_backwards=backwards, return_states=True, use_cont=False)
    (x,) = inputs_of(rng, "x").values()
    weights = filled(layer, rng, x)
    x[0, 2] = x[0, 4] = x[1, 1:3] = 0
    inputs = keras.Input((T, D))
    model = keras.Model(inputs, layer(keras.layers.Masking()(inputs)))
    outputs, *states = model.predict_on_batch(x)
    for sample in range(N):
        kept = x[sample, x[sample].any(-1)][None, :: -1 if backwards else 1]
        alone, *last = reference(weights, kept, np.ones(kept.shape[:2]))
        for state, expected in zip(states, last, strict=True):
            np.testing.assert_allclose(state[sample], expected[0], rtol=1e-5, atol=1e-6)
        valid = x[sample].any(-1)[:: -1 if backwards else 1]
        np.testing.assert_allclose(outputs[sample, valid], alone[0], rtol=1e-5, atol=1e-6)
        for t in np.flatnonzero(~valid[1:]) + 1:
            np.testing.assert_allclose(outputs[sample, t], outputs[sample, t - 1])


@pytest.mark.parametrize(("kind", "reference"), KINDS)
def test_a_stateful_layer_goes_on_where_it_stopped(rng, tmp_path, kind, reference):
    if keras.backend.backend() == "openvino":
        with pytest.raises(ValueError, match="keeps nothing"):
            kind(H, stateful=True, use_cont=False).build((N, T, D))
        return
    layer = kind(H, stateful=True, return_states=True, name="recurrent")
    first, second = (inputs_of(rng, "x")["x"] for _ in range(2))
    inputs = [keras.Input(batch_shape=(N, T, D)), keras.Input(batch_shape=(N, T))]
    model = keras.Model(inputs, layer(inputs))
    layer.set_weights([rng.normal(size=w.shape, scale=0.5) for w in layer.weights])
    weights = {w.name: keras.ops.convert_to_numpy(w).astype("float64") for w in layer.weights}
    layer.reset_state()
    whole = reference(weights, np.concatenate([first, second], 1), np.concatenate([CONT] * 2, 1))
    np.testing.assert_allclose(model.predict([first, CONT], verbose=0)[0], whole[0][:, :T], 1e-5)
    model.save(tmp_path / "model.keras")
    for going_on in (model, keras.models.load_model(tmp_path / "model.keras")):
        outputs, *states = going_on.predict([second, CONT], verbose=0)
        np.testing.assert_allclose(outputs, whole[0][:, T:], rtol=1e-4, atol=1e-6)
        for state, expected in zip(states, whole[1:], strict=True):
            np.testing.assert_allclose(state, expected, rtol=1e-4, atol=1e-6)
    layer.reset_state()
    np.testing.assert_allclose(model.predict([first, CONT], verbose=0)[0], whole[0][:, :T], 1e-5)


def test_a_stateful_layer_needs_a_known_batch_and_no_other_states():
    with pytest.raises(ValueError, match="batch before"):
        CaffeLSTM(H, stateful=True, use_initial_states=True)
    with pytest.raises(ValueError, match=r"batch size must be known|keeps nothing"):
        CaffeLSTM(H, stateful=True, use_cont=False).build((None, T, D))


def test_the_number_of_inputs_is_checked(rng):
    with pytest.raises(ValueError, match="Expected 2 inputs"):
        CaffeLSTM(H).build((N, T, D))
    with pytest.raises(ValueError, match="at least 1"):
        CaffeRNN(0)


def test_gradients_reach_through_time(needs_gradients, gradient, rng):
    layer = CaffeLSTM(H, use_cont=False)
    (x,) = inputs_of(rng, "x").values()
    weights = filled(layer, rng, x)
    slope = gradient(layer, x)
    ones = np.ones((N, T))
    for place in ((0, 0, 1), (1, 3, 2)):
        step = np.zeros_like(x, "float64")
        step[place] = 1e-5
        rise = (lstm(weights, x + step, ones)[0] - lstm(weights, x - step, ones)[0]).sum()
        np.testing.assert_allclose(slope[place], rise / 2e-5, rtol=1e-3, atol=1e-5)


def test_one_step_alone(contract, rng):
    cell = rng.normal(size=(N, 1, H)).astype("float32")
    gates = rng.normal(size=(N, 1, 4 * H)).astype("float32")
    cont = np.array([[0.0], [1.0]], "float32")
    cell[0, 0, 1] = np.nan  # of the sequence before, which must not matter
    i, f, o, g = np.split(gates.astype("float64"), 4, axis=-1)
    expected = sigmoid(i) * np.tanh(g)
    expected[1] += (sigmoid(f) * cell)[1]
    c, h = contract(LSTMUnit(), cell, gates, cont)
    np.testing.assert_allclose(c, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(h, sigmoid(o) * np.tanh(expected), rtol=1e-5, atol=1e-6)

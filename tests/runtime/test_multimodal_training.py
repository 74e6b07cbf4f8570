"""The multimodal layers learn: gradients by finite differences, and steps in compiled graphs."""

import keras
import numpy as np
import pytest
from keras import ops

from caffe2keras.runtime import AttLSTM, AttLSTMCond, ClassActivationMapping, LSTMCond

pytestmark = pytest.mark.usefixtures("needs_gradients")

LAYERS = {
    "LSTMCond": lambda: LSTMCond(5, return_sequences=True),
    "AttLSTM": lambda: AttLSTM(5, steps=3, return_sequences=True),
    "AttLSTMCond": lambda: AttLSTMCond(5, position_bias=True, return_sequences=True),
    "ClassActivationMapping": lambda: ClassActivationMapping(5),
}
WORDS, CONTEXT, FEATURES = (2, 3, 4), (2, 6, 2), (2, 3, 5, 4)


def of_one_input(name, layer, rng):
    """The layer as a function of one tensor, and that tensor."""
    if name == "ClassActivationMapping":
        return layer, rng.normal(size=FEATURES).astype("float32")
    context = rng.normal(size=CONTEXT).astype("float32")
    if name == "AttLSTM":
        return layer, context
    words = ops.convert_to_tensor(rng.normal(size=WORDS).astype("float32"))
    if name == "LSTMCond":
        return (lambda x: layer([words, x])), context[:, 0]
    return (lambda x: layer([words, x])), context


@pytest.mark.parametrize("name", LAYERS)
def test_the_gradient_is_that_of_finite_differences(name, gradient, rng):
    function, x = of_one_input(name, LAYERS[name](), rng)
    exact = gradient(function, x)
    direction = rng.normal(size=x.shape).astype("float32")
    step = 1e-2
    there, back = (
        ops.convert_to_numpy(function(ops.convert_to_tensor(x + sign * step * direction))).sum()
        for sign in (1, -1)
    )
    np.testing.assert_allclose(
        np.sum(exact * direction), (there - back) / (2 * step), rtol=5e-3, atol=1e-3
    )


@pytest.mark.parametrize("name", ["LSTMCond", "AttLSTMCond"])
def test_one_step_in_a_compiled_graph_is_one_without(name, rng):
    if keras.backend.backend() == "torch":
        pytest.skip("torch compiles through a C++ toolchain of its own")
    words, context = (rng.normal(size=one).astype("float32") for one in (WORDS, CONTEXT))
    targets = rng.normal(size=(2, 3, 5)).astype("float32")
    if name == "LSTMCond":
        context = context[:, 0]
    inputs = [keras.Input(one.shape[1:]) for one in (words, context)]
    layer = LAYERS[name]()
    layer = type(layer).from_config({**layer.get_config(), "unroll": True})
    model = keras.Model(inputs, layer(inputs))
    before, after = model.get_weights(), []
    for jit in (True, False):
        model.set_weights(before)
        model.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=jit)
        model.train_on_batch([words, context], targets)
        after.append(model.get_weights())
    for one, other in zip(*after, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert np.abs(after[0][0] - before[0]).max() > 1e-5


@pytest.mark.parametrize("name", ["LSTMCond", "AttLSTMCond"])
def test_fit_as_keras_compiles_by_itself_learns(name, rng):
    words, context = (rng.normal(size=one).astype("float32") for one in (WORDS, CONTEXT))
    if name == "LSTMCond":
        context = context[:, 0]
    inputs = [keras.Input((None, 4)), keras.Input(context.shape[1:])]
    model = keras.Model(inputs, LAYERS[name]()(inputs))
    model.compile(keras.optimizers.SGD(0.5), "mse")
    targets = 0.5 * np.sin(np.arange(30, dtype="float32")).reshape(2, 3, 5)
    history = model.fit([words, context], targets, epochs=8, verbose=0)
    losses = history.history["loss"]
    assert losses[-1] < 0.9 * losses[0]

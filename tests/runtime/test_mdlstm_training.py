"""The two-dimensional LSTMs learn: finite differences, and steps in compiled graphs."""

import keras
import numpy as np
import pytest
from keras import ops

from caffe2keras.runtime import MDLSTM, MultiDirectionalLSTM, ReNet

pytestmark = pytest.mark.usefixtures("needs_gradients")

LAYERS = {
    "graves": lambda **options: MDLSTM(3, peepholes=True, direction=(-1, 1), **options),
    "stable": lambda **options: MDLSTM(3, cell="stable", peepholes=True, **options),
    "four": lambda **options: MultiDirectionalLSTM(3, merge="concat", **options),
    "tied": lambda **options: MultiDirectionalLSTM(3, tied=True, **options),
    "renet": lambda **options: ReNet(3, **options),
}
SHAPE = (2, 3, 5, 2)


# dtype, step, tolerances; Keras's tanh on JAX answers in single precision at best.
SINGLE, DOUBLE = ("float32", 1e-2, 5e-3, 2e-3), ("float64", 1e-5, 1e-7, 1e-8)
DTYPE, STEP, RTOL, ATOL = SINGLE if keras.backend.backend() == "jax" else DOUBLE


def weighted_sum(layer, factors):
    """A function of one tensor, no two of whose outputs count alike."""
    return lambda x: ops.sum(layer(x) * factors)


@pytest.mark.parametrize("name", LAYERS)
def test_the_gradient_by_the_input_is_that_of_finite_differences(name, gradient, rng):
    layer = LAYERS[name](dtype=DTYPE)
    layer.build(SHAPE)
    layer.set_weights([0.7 * rng.normal(size=one.shape) for one in layer.weights])
    x, direction = (rng.normal(size=SHAPE).astype(DTYPE) for _ in range(2))
    factors = rng.normal(size=layer.compute_output_shape(SHAPE)).astype(DTYPE)
    function = weighted_sum(layer, ops.convert_to_tensor(factors))
    exact = gradient(function, x)
    assert exact.dtype == DTYPE
    there, back = (
        float(ops.convert_to_numpy(function(ops.convert_to_tensor(x + sign * STEP * direction))))
        for sign in (1, -1)
    )
    np.testing.assert_allclose(
        np.sum(exact * direction), (there - back) / (2 * STEP), rtol=RTOL, atol=ATOL
    )


@pytest.mark.parametrize("name", ["graves", "stable", "four", "tied"])
def test_the_gradient_by_every_weight_is_that_of_finite_differences(name, rng):
    model = keras.Sequential([keras.Input(SHAPE[1:], dtype=DTYPE), LAYERS[name](dtype=DTYPE)])
    start = [0.7 * rng.normal(size=one.shape).astype(DTYPE) for one in model.weights]
    x = rng.normal(size=SHAPE).astype(DTYPE)
    target = rng.normal(size=(*SHAPE[:3], model.output_shape[-1])).astype(DTYPE)
    model.compile(keras.optimizers.SGD(1.0), "mse", jit_compile=False)
    model.set_weights(start)
    model.train_on_batch(x, target)
    # Of a step at rate 1, what a weight loses is its gradient.
    gradients = [one - other for one, other in zip(start, model.get_weights(), strict=True)]

    def loss(weights):
        model.set_weights(weights)
        return np.mean((ops.convert_to_numpy(model(ops.convert_to_tensor(x))) - target) ** 2)

    for k, exact in enumerate(gradients):
        assert exact.dtype == DTYPE
        direction = rng.normal(size=exact.shape).astype(DTYPE)
        there, back = (
            loss([*start[:k], start[k] + sign * STEP * direction, *start[k + 1 :]])
            for sign in (1, -1)
        )
        np.testing.assert_allclose(
            np.sum(exact * direction), (there - back) / (2 * STEP), rtol=RTOL, atol=ATOL
        )


def test_a_masked_pixel_has_no_gradient_and_gives_none(gradient, rng):
    mask = np.ones(SHAPE[:3], bool)
    mask[:, 1, 2] = False
    layer = MultiDirectionalLSTM(3)
    x = rng.normal(size=SHAPE).astype("float32")
    tensor = ops.convert_to_tensor(mask)
    exact = gradient(lambda x: layer(x, mask=tensor), x)
    np.testing.assert_array_equal(exact[~mask], 0)
    assert (np.abs(exact[mask]) > 0).all()


@pytest.mark.parametrize("name", ["graves", "four"])
def test_one_step_in_a_compiled_graph_is_one_without(name, rng):
    if keras.backend.backend() == "torch":
        pytest.skip("torch compiles through a C++ toolchain of its own")
    x = rng.normal(size=SHAPE).astype("float32")
    # XLA does not know the gradient of TensorFlow's loop; JAX's it does.
    unroll = keras.backend.backend() == "tensorflow"
    model = keras.Sequential([keras.Input(SHAPE[1:]), LAYERS[name](unroll=unroll)])
    target = rng.normal(size=model(x).shape).astype("float32")
    before, after = model.get_weights(), []
    for jit in (True, False):
        model.set_weights(before)
        model.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=jit)
        model.train_on_batch(x, target)
        after.append(model.get_weights())
    for one, other in zip(*after, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert np.abs(after[0][0] - before[0]).max() > 1e-5


def test_fit_as_keras_compiles_by_itself_learns(rng):
    x = rng.normal(size=SHAPE).astype("float32")
    model = keras.Sequential([keras.Input((None, None, 2)), LAYERS["four"]()])
    model.compile(keras.optimizers.Adam(0.05), "mse")
    targets = 0.5 * np.sin(np.arange(2 * 3 * 5 * 12, dtype="float32")).reshape(2, 3, 5, 12)
    losses = model.fit(x, targets, epochs=8, verbose=0).history["loss"]
    assert losses[-1] < 0.95 * losses[0]

"""LearningRateMultiplier against the MarcBS fork's optimizers, given the right variables."""

import keras
import numpy as np
import pytest
from keras import ops

from caffe2keras.runtime import LearningRateMultiplier, set_lr_multipliers

pytestmark = pytest.mark.usefixtures("needs_gradients")


class OldNadam(keras.optimizers.Optimizer):
    """Keras 1's: its momentum warms up by 0.96 ** (t / 250), and Keras 3's by 0.96 ** t."""

    def build(self, variables):
        super().build(variables)
        self.moments = self.add_optimizer_variables(variables, ["m", "v"])

    def momentum(self, t):
        return 0.9 * (1 - 0.5 * ops.power(0.96, t * 0.004))

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        m, v = (moments[index] for moments in self.moments)
        t = ops.cast(self.iterations + 1, "float32")
        product = 1.0
        for step in range(1, 4):
            product = product * ops.where(t >= step, self.momentum(float(step)), 1.0)
        now, then = self.momentum(t), self.momentum(t + 1)
        new_m, new_v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * ops.square(gradient)
        ahead = (1 - now) * gradient / (1 - product) + then * new_m / (1 - product * then)
        spread = ops.sqrt(new_v / (1 - ops.power(0.999, t))) + 1e-8
        self.assign(m, new_m)
        self.assign(v, new_v)
        self.assign_sub(variable, learning_rate * ahead / spread)


MSE = keras.losses.MeanSquaredError()  # by name, a .h5 file that holds it does not load
MULTIPLIERS = {"hidden/kernel": 10, "hidden/bias": 20, "out/kernel": 0, "out/bias": None}
# As the fork ran them: its epsilon is 1e-8, and Adagrad began at 0.
OPTIMIZERS = {
    "SGD": lambda: keras.optimizers.SGD(0.01),
    "SGD_momentum": lambda: keras.optimizers.SGD(0.01, momentum=0.9),
    "SGD_decay": lambda: keras.optimizers.SGD(
        keras.optimizers.schedules.InverseTimeDecay(0.01, decay_steps=1, decay_rate=0.5)
    ),
    "SGD_clipnorm": lambda: keras.optimizers.SGD(0.01, global_clipnorm=0.5),
    "RMSprop": lambda: keras.optimizers.RMSprop(0.001, epsilon=1e-8),
    "Adagrad": lambda: keras.optimizers.Adagrad(0.01, initial_accumulator_value=0.0, epsilon=1e-8),
    "Adadelta": lambda: keras.optimizers.Adadelta(1.0, epsilon=1e-8),
    "Adamax": lambda: keras.optimizers.Adamax(0.002, epsilon=1e-8),
    "Nadam": lambda: OldNadam(0.002),
}


def small_model(features=4, hidden=5, out=3):
    inputs = keras.Input((features,))
    x = keras.layers.Dense(hidden, activation="tanh", name="hidden")(inputs)
    return keras.Model(inputs, keras.layers.Dense(out, name="out")(x))


def weights_at(case, moment):
    return [case[f"{moment}_{name}"] for name in ("W1", "b1", "W2", "b2")]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_forks_numbers_come_out(fork_case, name):
    case = fork_case(f"lrmult_{name}_aligned")
    model = small_model()
    model.set_weights(weights_at(case, "initial"))
    model.compile(
        LearningRateMultiplier(OPTIMIZERS[name](), MULTIPLIERS), keras.losses.MeanSquaredError()
    )
    for step in range(3):
        loss = model.train_on_batch(case["X"][step], case["Y"][step])
        np.testing.assert_allclose(loss, case["losses"][step], rtol=1e-5)
        for one, other in zip(
            model.get_weights(), weights_at(case, f"step{step + 1}"), strict=True
        ):
            np.testing.assert_allclose(one, other, atol=1e-6, rtol=1e-6)


def data(rng):
    return rng.normal(size=(12, 4)).astype("float32"), rng.normal(size=(12, 3)).astype("float32")


def trained(model, x, y, epochs=2):
    model.fit(x, y, batch_size=6, epochs=epochs, shuffle=False, verbose=0)
    return model.get_weights()


def test_fit_freezes_what_is_multiplied_by_0_even_under_decoupled_decay(rng):
    model = small_model()
    optimizer = keras.optimizers.AdamW(0.01, weight_decay=0.1)
    model.compile(LearningRateMultiplier(optimizer, {"hidden": 0}), MSE)
    before = model.get_weights()
    after = trained(model, *data(rng))
    np.testing.assert_array_equal(before[0], after[0])
    np.testing.assert_array_equal(before[1], after[1])
    assert np.abs(before[2] - after[2]).max() > 1e-3


def test_decoupled_decay_without_multipliers_is_kerass_own(rng):
    x, y = data(rng)
    plain, wrapped = small_model(), small_model()
    wrapped.set_weights(plain.get_weights())
    plain.compile(keras.optimizers.AdamW(0.01, weight_decay=0.1), MSE)
    wrapped.compile(
        LearningRateMultiplier(keras.optimizers.AdamW(0.01, weight_decay=0.1)),
        keras.losses.MeanSquaredError(),
    )
    for one, other in zip(trained(plain, x, y), trained(wrapped, x, y), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_a_layers_own_multipliers_are_those_of_a_table(rng):
    x, y = data(rng)
    by_layer, by_table = small_model(), small_model()
    by_table.set_weights(by_layer.get_weights())
    set_lr_multipliers(by_layer.get_layer("hidden"), kernel=3, bias=0)
    by_layer.compile(
        LearningRateMultiplier(keras.optimizers.SGD(0.1)), keras.losses.MeanSquaredError()
    )
    table = {"hidden/bias": 0, "h*/k*": 3}
    by_table.compile(
        LearningRateMultiplier(keras.optimizers.SGD(0.1), table), keras.losses.MeanSquaredError()
    )
    for one, other in zip(trained(by_layer, x, y), trained(by_table, x, y), strict=True):
        np.testing.assert_array_equal(one, other)


def test_training_goes_on_after_saving_as_if_nothing_had_been(rng, tmp_path):
    x, y = data(rng)
    model = model_with_multipliers()
    trained(model, x, y)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.optimizer.multipliers == {"out": 0.5, "hidden/bias": 7.0}
    assert int(again.optimizer.iterations) == 4
    for one, other in zip(trained(model, x, y), trained(again, x, y), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-7)


def test_a_h5_file_keeps_the_multipliers(rng, tmp_path):
    x, y = data(rng)
    model = model_with_multipliers()
    trained(model, x, y)
    model.save(tmp_path / "model.h5")
    again = keras.models.load_model(tmp_path / "model.h5")
    assert again.optimizer.multipliers == {"out": 0.5, "hidden/bias": 7.0}
    trained(again, x, y)


def model_with_multipliers():
    model = small_model()
    set_lr_multipliers(model.get_layer("hidden"), bias=7)
    model.compile(LearningRateMultiplier(keras.optimizers.Adam(0.01), {"out": 0.5}), MSE)
    return model


def test_the_learning_rate_is_the_optimizers(rng):
    optimizer = LearningRateMultiplier(keras.optimizers.SGD(0.1))
    optimizer.learning_rate = 0.25
    assert float(optimizer.optimizer.learning_rate) == 0.25


def test_an_unknown_variable_is_refused():
    layer = keras.layers.Dense(2)
    layer.build((None, 3))
    with pytest.raises(ValueError, match="gamma"):
        set_lr_multipliers(layer, gamma=2)

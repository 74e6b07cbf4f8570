"""Caffe's solvers and schedules against their formulas in NumPy."""

import json

import keras
import numpy as np
import pytest
from keras import ops

from caffe2keras.runtime import (
    CaffeAdaDelta,
    CaffeAdaGrad,
    CaffeAdam,
    CaffeNesterov,
    CaffeRMSProp,
    CaffeSGD,
    InverseDecay,
    SigmoidDecay,
)

SOLVERS = [
    CaffeSGD(0.1, momentum=0.9, weight_decay=0.01, clip_gradients=2.0),
    CaffeNesterov(0.1, momentum=0.8, regularization_type="L1"),
    CaffeAdaGrad(InverseDecay(0.1, 0.5, 0.75), delta=1e-7),
    CaffeRMSProp(0.01, rms_decay=0.95, lr_multipliers={"*/bias": 2.0}),
    CaffeAdaDelta(momentum=0.9, decay_multipliers={"a": None}),
    CaffeAdam(0.01, momentum2=0.99, iter_size=3),
]


def variable(values, name="kernel"):
    values = np.asarray(values, "float32")
    return keras.Variable(values, name=name)


def stepped(optimizer, values, *gradients):
    """One variable after some updates."""
    one = variable(values)
    optimizer.build([one])
    for gradient in gradients:
        optimizer.apply([ops.convert_to_tensor(np.asarray(gradient, "float32"))], [one])
    return ops.convert_to_numpy(one.value)


@pytest.mark.parametrize("solver", SOLVERS, ids=lambda one: type(one).__name__)
def test_a_config_survives_json(solver):
    config = json.loads(json.dumps(keras.optimizers.serialize(solver)))
    assert config["registered_name"] == f"caffe2keras>{type(solver).__name__}"
    again = keras.optimizers.deserialize(config)
    assert type(again) is type(solver)
    assert again.get_config() == solver.get_config()


def test_each_solver_makes_its_own_second_step():
    g, h = np.array([0.5, -2.0]), np.array([1.0, 0.25])
    w = np.array([1.0, -1.0])
    v = 0.1 * g
    v2 = 0.1 * h + 0.9 * v
    np.testing.assert_allclose(stepped(CaffeSGD(0.1, 0.9), w, g, h), w - v - v2, rtol=1e-6)
    ahead = w - 1.9 * v - (1.9 * v2 - 0.9 * v)
    np.testing.assert_allclose(stepped(CaffeNesterov(0.1, 0.9), w, g, h), ahead, rtol=1e-6)
    first = w - 0.1 * g / (abs(g) + 0.1)
    second = first - 0.1 * h / (np.sqrt(g**2 + h**2) + 0.1)
    np.testing.assert_allclose(stepped(CaffeAdaGrad(0.1, 0.1), w, g, h), second, rtol=1e-6)


def test_decay_is_part_of_the_gradient_and_has_a_multiplier():
    w = [2.0, -3.0]
    l2 = CaffeSGD(0.1, weight_decay=0.5, decay_multipliers={"kernel": 2.0})
    np.testing.assert_allclose(stepped(l2, w, [0.0, 0.0]), [1.8, -2.7], rtol=1e-6)
    l1 = CaffeSGD(0.1, weight_decay=0.5, regularization_type="L1")
    np.testing.assert_allclose(stepped(l1, w, [0.0, 0.0]), [1.95, -2.95], rtol=1e-6)


def test_the_gradient_of_a_frozen_variable_does_not_count_in_the_norm():
    learned, frozen = variable([0.0, 0.0], "learned"), variable([1.0], "frozen")
    optimizer = CaffeSGD(1.0, clip_gradients=1.0, lr_multipliers={"frozen": 0})
    optimizer.build([learned, frozen])
    gradients = [ops.convert_to_tensor(np.array(g, "float32")) for g in ([3.0, 4.0], [100.0])]
    optimizer.apply(gradients, [learned, frozen])
    np.testing.assert_allclose(ops.convert_to_numpy(learned.value), [-0.6, -0.8], rtol=1e-6)
    np.testing.assert_array_equal(ops.convert_to_numpy(frozen.value), [1.0])


@pytest.mark.usefixtures("needs_gradients")
def test_clipping_is_of_the_sum_of_an_iterations_batches():
    optimizer = CaffeSGD(1.0, clip_gradients=5.0, iter_size=2)
    after = stepped(optimizer, [0.0, 0.0], [3.0, 4.0], [3.0, 4.0])
    np.testing.assert_allclose(after, [-1.5, -2.0], rtol=1e-6)
    assert int(optimizer.caffe_iteration) == 1


def test_inverse_decay_is_caffes_inv():
    steps = np.array([0, 1, 7, 3000])
    rates = [float(InverseDecay(0.2, 0.01, 0.75)(step)) for step in steps]
    np.testing.assert_allclose(rates, 0.2 * (1 + 0.01 * steps) ** -0.75, rtol=1e-6)


def test_sigmoid_decay_is_caffes_sigmoid():
    steps = np.array([0, 5, 8, 30])
    rates = [float(SigmoidDecay(0.2, -0.5, 8)(step)) for step in steps]
    np.testing.assert_allclose(rates, 0.2 / (1 + np.exp(0.5 * (steps - 8))), rtol=1e-5)


@pytest.mark.parametrize("schedule", [InverseDecay(0.2, 0.01, 0.75), SigmoidDecay(0.2, -0.5, 8)])
def test_a_schedule_survives_saving(schedule):
    config = keras.optimizers.schedules.serialize(schedule)
    again = keras.optimizers.schedules.deserialize(config)
    assert again.get_config() == schedule.get_config()


def test_another_regularization_is_refused():
    with pytest.raises(ValueError, match="L3"):
        CaffeSGD(regularization_type="L3")


def test_no_batch_makes_no_iteration():
    with pytest.raises(ValueError, match="iter_size=0"):
        CaffeSGD(iter_size=0)

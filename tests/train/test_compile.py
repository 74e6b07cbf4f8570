"""Training as genuine Caffe trained, from the same weights on the same batches."""

import keras
import numpy as np
import pytest

import caffe2keras
from caffe2keras.errors import UnsupportedCombinationError

pytestmark = [pytest.mark.backend, pytest.mark.usefixtures("needs_gradients")]

RUNS = [
    "adadelta",
    "adagrad",
    "adam",
    "nesterov",
    "rmsprop",
    "sgd",
    "sgd_clip",
    "sgd_exp",
    "sgd_inv",
    "sgd_iter_size",
    "sgd_l1",
    "sgd_momentum",
    "sgd_multistep",
    "sgd_poly",
    "sgd_sigmoid",
    "sgd_step",
]


@pytest.fixture(scope="module")
def converted(training, tmp_path_factory):
    path = tmp_path_factory.mktemp("digits") / "digits.h5"
    caffe2keras.convert(training / "train_val.prototxt", training / "initial.caffemodel", path)
    return path


@pytest.mark.parametrize("run", RUNS)
def test_twelve_iterations_are_caffes(run, converted, training, batches, check_weights):
    model = caffe2keras.load_model(converted)
    plan = caffe2keras.compile_from_solver(model, training / f"{run}.solver.prototxt")
    with np.load(training / f"{run}.npz") as arrays:
        expected = dict(arrays)
    losses = []
    for iteration in range(plan.max_iter):
        images, labels = batches(iteration)
        for _ in range(plan.config.get("iter_size", 1)):
            loss = model.train_on_batch(images, labels)
        losses.append(loss)
        if f"iter{iteration + 1}/conv1/0" in expected:
            # Adam's first steps are signs of gradients, and some are nearly 0.
            rtol = 1e-5 if iteration + 1 == plan.max_iter else 2e-5
            check_weights(model, expected, f"iter{iteration + 1}", rtol)
    np.testing.assert_allclose(losses, expected["loss"], atol=1e-5)


def test_fit_does_the_same_and_goes_on_from_a_saved_model(
    converted, training, batches, check_weights, tmp_path
):
    model = caffe2keras.load_model(converted)
    caffe2keras.compile_from_solver(model, training / "adam.solver.prototxt")
    with np.load(training / "adam.npz") as arrays:
        expected = dict(arrays)
    fit(model, batches, range(6))
    check_weights(model, expected, "iter6", rtol=2e-5)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    fit(again, batches, range(6, 12))
    check_weights(again, expected, "iter12", rtol=1e-5)


def fit(model, batches, iterations):
    parts = [batches(k) for k in iterations]
    images, labels = (np.concatenate(one) for one in zip(*parts, strict=True))
    model.fit(images, labels, batch_size=16, shuffle=False, verbose=0)


def test_a_model_that_ends_in_no_softmax_needs_a_loss(training):
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(2, name="scores")(inputs))
    with pytest.raises(UnsupportedCombinationError, match='ends in "scores"'):
        caffe2keras.compile_from_solver(model, training / "sgd.solver.prototxt")
    caffe2keras.compile_from_solver(model, training / "sgd.solver.prototxt", loss="mse")
    assert model.optimizer.name == "caffesgd"

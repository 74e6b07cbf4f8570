"""Training that goes on from Caffe's own snapshot."""

import keras
import numpy as np
import pytest

import caffe2keras
from caffe2keras.errors import InputError, UnsupportedCombinationError

pytestmark = [pytest.mark.backend, pytest.mark.usefixtures("needs_gradients")]


@pytest.fixture
def model(digits, training, tmp_path):
    path = tmp_path / "digits.h5"
    net = training / "resumed.train_val.prototxt"
    caffe2keras.convert(net, digits / "digits.caffemodel", path)
    model = caffe2keras.load_model(path)
    caffe2keras.compile_from_solver(model, digits / "solver.prototxt")
    return model


@pytest.mark.parametrize("form", ["binary", "hdf5"])
def test_twenty_more_iterations_are_caffes(form, model, digits, training, batches, check_weights):
    state = {
        "binary": digits / "digits_iter_3000.solverstate",
        "hdf5": training / "resumed.solverstate.h5",
    }[form]
    net = training / "resumed.train_val.prototxt"
    assert caffe2keras.restore_solverstate(model, state, net) == 3000
    with np.load(training / "resumed.npz") as arrays:
        expected = dict(arrays)
    losses = [model.train_on_batch(*batches(k)) for k in range(20)]
    np.testing.assert_allclose(losses, expected["losses"], atol=1e-5)
    check_weights(model, expected, "iter3020", rtol=1e-5)


def test_a_snapshot_of_another_solver_is_refused(model, digits, training):
    caffe2keras.compile_from_solver(model, training / "adam.solver.prototxt")
    with pytest.raises(InputError, match="does not belong to this net and solver"):
        caffe2keras.restore_solverstate(
            model,
            digits / "digits_iter_3000.solverstate",
            training / "resumed.train_val.prototxt",
        )


def test_an_optimizer_of_kerass_own_is_refused(model, digits, training):
    model.compile(keras.optimizers.SGD(), "sparse_categorical_crossentropy")
    with pytest.raises(UnsupportedCombinationError, match="none of Caffe's solvers"):
        caffe2keras.restore_solverstate(
            model,
            digits / "digits_iter_3000.solverstate",
            training / "resumed.train_val.prototxt",
        )

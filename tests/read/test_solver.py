"""Solver files and snapshots."""

import h5py
import numpy as np
import pytest

from caffe2keras.errors import InputError, PrototxtError
from caffe2keras.proto import caffe_pb2
from caffe2keras.read.solver import read_solver, read_solverstate


def written(tmp_path, text):
    path = tmp_path / "solver.prototxt"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_old_type_becomes_the_new(tmp_path):
    solver = read_solver(written(tmp_path, "solver_type: ADADELTA base_lr: 0.5\n"))
    assert solver.type == "AdaDelta"
    assert not solver.HasField("solver_type")


def test_two_types_that_differ_are_refused(tmp_path):
    path = written(tmp_path, 'solver_type: NESTEROV type: "Adam"')
    with pytest.raises(PrototxtError, match="contradict"):
        read_solver(path)


def test_an_unknown_field_is_refused_with_its_place(tmp_path):
    with pytest.raises(PrototxtError) as caught:
        read_solver(written(tmp_path, "base_lr: 0.1\nmomentun: 0.9\n"))
    assert caught.value.where.endswith("solver.prototxt:2:1")


def test_a_binary_file_is_no_solver(digits):
    with pytest.raises(PrototxtError, match="no solver but a binary file"):
        read_solver(digits / "digits.caffemodel")


def test_both_forms_of_a_snapshot_say_the_same(digits):
    fixtures = digits.parents[1] / "tests" / "fixtures" / "training"
    binary = read_solverstate(digits / "digits_iter_3000.solverstate")
    other = read_solverstate(fixtures / "resumed.solverstate.h5")
    assert binary.iteration == other.iteration == 3000
    assert binary.learned_net == "digits_iter_3000.caffemodel"
    assert len(binary.history) == 8
    for one, two in zip(binary.history, other.history, strict=True):
        np.testing.assert_array_equal(one, two)


def test_legacy_shapes_are_four_numbers(tmp_path):
    state = caffe_pb2.SolverState(iter=5)
    state.history.add(num=1, channels=2, height=3, width=1, data=range(6))
    path = tmp_path / "old.solverstate"
    path.write_bytes(state.SerializeToString())
    assert read_solverstate(path).history[0].shape == (1, 2, 3, 1)


def test_a_truncated_snapshot_is_refused(tmp_path, digits):
    path = tmp_path / "cut.solverstate"
    path.write_bytes((digits / "digits_iter_3000.solverstate").read_bytes()[:-100])
    with pytest.raises(InputError, match="cannot be read"):
        read_solverstate(path)


def test_an_array_of_the_wrong_size_is_refused(tmp_path):
    state = caffe_pb2.SolverState(iter=5)
    state.history.add(data=[1.0, 2.0]).shape.dim.extend([3])
    path = tmp_path / "odd.solverstate"
    path.write_bytes(state.SerializeToString())
    with pytest.raises(InputError, match="cannot be read"):
        read_solverstate(path)


def test_weights_are_no_snapshot(digits, tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_solverstate(digits / "digits.caffemodel.h5")
    with pytest.raises(InputError, match="no solverstate but a text file"):
        read_solverstate(digits / "solver.prototxt")
    with h5py.File(tmp_path / "empty.h5", "w"):
        pass
    with pytest.raises(InputError, match="cannot be read"):
        read_solverstate(tmp_path / "empty.h5")

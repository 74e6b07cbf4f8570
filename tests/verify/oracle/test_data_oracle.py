"""Layers without a bottom and layers without a top."""

from __future__ import annotations

import numpy as np
import pytest

from caffe2keras.errors import UnsupportedError
from caffe2keras.verify.oracle import run

# With an input beside it: a net that nothing feeds is fed through its constants.
KEPT = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 } } }
layer { name: "k" type: "AbsVal" bottom: "x" top: "y" }
layer { name: "d" type: "DummyData" top: "d0" top: "d1" dummy_data_param { %s } }
layer { name: "k0" type: "AbsVal" bottom: "d0" top: "y0" }
layer { name: "k1" type: "AbsVal" bottom: "d1" top: "y1" }
"""

FED = {"x": np.ones(2, np.float32)}


@pytest.mark.parametrize(
    "param",
    [
        "shape { dim: 2 dim: 3 dim: 1 dim: 1 } data_filler { value: 4 }",
        "num: 2 channels: 3 height: 1 width: 1 data_filler { value: 4 } data_filler { value: 4 }",
    ],
)
def test_dummy_data_is_constant(net_of, param):
    blobs = run(net_of(KEPT % param), FED)
    for name in ("y0", "y1"):
        np.testing.assert_array_equal(blobs[name, 0], np.full((2, 3, 1, 1), 4))


def test_dummy_data_without_a_filler_is_zero_and_may_have_a_shape_for_each_top(net_of):
    blobs = run(net_of(KEPT % "shape { dim: 2 } shape { dim: 3 }"), FED)
    np.testing.assert_array_equal(blobs["d0", 0], [0, 0])
    np.testing.assert_array_equal(blobs["d1", 0], [0, 0, 0])


def test_random_dummy_data_is_refused(net_of):
    with pytest.raises(UnsupportedError, match="random"):
        run(net_of(KEPT % 'shape { dim: 2 } data_filler { type: "gaussian" }'), FED)


def test_a_parameter_is_its_weight(net_of):
    text = 'layer { name: "p" type: "Parameter" top: "p" parameter_param { shape { dim: 3 } } }'
    blobs = run(net_of(text, {"p": [[1, 2, 3]]}), {})
    np.testing.assert_array_equal(blobs["p", 0], [1, 2, 3])


def test_silence_and_file_output_produce_nothing(compute):
    assert compute('type: "Silence"', [1.0], tops=0) == []
    layer = 'type: "HDF5Output" hdf5_output_param { file_name: "never.h5" }'
    assert compute(layer, [1.0], [2.0], tops=0) == []


@pytest.mark.parametrize("param", ["batch_size: 2", "axis: 1"])
def test_a_continuation_indicator_is_zero_at_the_first_step_alone(net_of, compute, param):
    text = f"continuation_indicator_param {{ time_step: 3 {param} }}"
    (cont,) = compute(f'type: "ContinuationIndicator" {text}', np.zeros((5, 2)))
    np.testing.assert_array_equal(cont, [[0, 0], [1, 1], [1, 1]])

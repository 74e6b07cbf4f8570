"""What a run takes, hands back, forgets and refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from caffe2keras.errors import (
    InputError,
    PluginError,
    ShapeError,
    UnsupportedError,
    UnsupportedFieldError,
)
from caffe2keras.verify.oracle import computes, known_types, run

CHAIN = """
name: "chain"
layer {
  name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 dim: 5 dim: 4 } }
}
layer { name: "abs" type: "AbsVal" bottom: "data" top: "a" }
layer { name: "double" type: "Power" bottom: "a" top: "a" power_param { scale: 2 } }
layer { name: "sum" type: "Eltwise" bottom: "a" bottom: "a" bottom: "data" top: "s" }
"""

NORMALISED = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "bn" type: "BatchNorm" bottom: "data" top: "n" batch_norm_param { eps: 0 } }
layer { name: "scale" type: "Scale" bottom: "n" top: "y" scale_param { bias_term: true } }
"""


@pytest.fixture
def chain(net_of):
    return net_of(CHAIN)


@pytest.fixture
def data(rng):
    return rng.standard_normal((2, 3, 5, 4))


def test_a_run_hands_back_every_version_of_every_blob(chain, data):
    blobs = run(chain, {"data": data}, np.float64)
    assert list(blobs) == [("data", 0), ("a", 0), ("a", 1), ("s", 0)]
    np.testing.assert_array_equal(blobs["a", 0], np.abs(data))
    np.testing.assert_array_equal(blobs["a", 1], 2 * np.abs(data))
    np.testing.assert_allclose(blobs["s", 0], 4 * np.abs(data) + data)


def test_a_run_hands_back_only_what_is_to_be_kept(chain, data):
    blobs = run(chain, {"data": data}, keep=lambda blob: blob.key in {("a", 0), ("s", 0)})
    assert list(blobs) == [("a", 0), ("s", 0)]


def test_a_blob_that_nobody_reads_is_let_go_at_once(chain, data):
    assert run(chain, {"data": data}, keep=lambda blob: False) == {}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_all_blobs_have_the_dtype_of_the_run(chain, data, dtype):
    assert {blob.dtype for blob in run(chain, {"data": data}, dtype).values()} == {np.dtype(dtype)}


def test_sizes_come_from_the_arrays(chain):
    blobs = run(chain, {"data": np.ones((1, 3, 7, 9))})
    assert blobs["s", 0].shape == (1, 3, 7, 9)


def test_an_absorbed_layer_does_its_work_afterwards(net_of, data):
    weights = {"bn": [[1, 2, 3], [4, 9, 16], [1]], "scale": [[1, 2, 3], [0, 0, 100]]}
    net = net_of(NORMALISED, weights)
    fed, bn, scale = net.layers
    joined = replace(net, layers=(fed, replace(bn, tops=scale.tops, absorbed=(scale,))))
    x = np.array([[5, 2, 7], [1, 8, 3]])
    blobs = run(joined, {"data": x}, np.float64)
    np.testing.assert_allclose(blobs["y", 0], [[2, 0, 103], [0, 4, 100]])
    assert ("n", 0) not in blobs


def test_a_missing_input_is_named(chain):
    with pytest.raises(InputError, match=r'"data" is missing\n.*\n.*expected data; received none'):
        run(chain, {})


def test_an_input_that_is_none_is_named(chain, data):
    with pytest.raises(InputError, match=r'"image" is no input .*\n.*\n.*received data, image'):
        run(chain, {"data": data, "image": data})


def test_an_input_of_another_rank_is_named(chain):
    expected = r"expected 4 axes, as in \(2, 3, 5, 4\); received \(3, 5, 4\)"
    with pytest.raises(InputError, match=f'"data" has another number of axes\n.*{expected}'):
        run(chain, {"data": np.zeros((3, 5, 4))})


def test_an_input_that_nobody_reads_need_not_be_fed(net_of):
    label = 'layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 2 } } }'
    net = net_of(CHAIN + label)
    assert ("label", 0) not in run(net, {"data": np.ones((2, 3, 5, 4))})


def test_unknown_types_are_refused_all_at_once_and_before_any_work(net_of):
    net = net_of(
        CHAIN
        + 'layer { name: "x" type: "Sorcery" bottom: "s" top: "x" }'
        + 'layer { name: "y" type: "Sorcery" bottom: "x" top: "y" }'
        + 'layer { name: "z" type: "Alchemy" bottom: "y" top: "z" }'
    )
    with pytest.raises(UnsupportedError, match="Alchemy, Sorcery") as caught:
        run(net, {})
    assert "Sorcery: 2 layer(s)" in str(caught.value)


def test_a_field_that_nobody_knows_is_refused_by_name(net_of):
    odd = 'layer { name: "sort" type: "Eltwise" bottom: "s" bottom: "s" top: "y" %s }'
    net = net_of(CHAIN + odd % "eltwise_param { operation: SORT }")
    with pytest.raises(
        UnsupportedFieldError, match=r'"sort" \(Eltwise\): .*operation = SORT'
    ) as caught:
        run(net, {})
    assert caught.value.where == net.layers[-1].where


def test_a_layer_that_cannot_take_its_inputs_is_named_with_their_shapes(net_of):
    net = net_of(CHAIN)
    fed, *layers = net.layers
    sliced = replace(layers[-1], type="Convolution", name="conv")
    with pytest.raises(ShapeError, match=r'"conv" \(Convolution\).*\n.*\n.*weight 0 is missing'):
        run(replace(net, layers=(fed, *layers[:-1], sliced)), {"data": np.ones((2, 3, 5, 4))})


def test_a_top_that_a_layer_does_not_compute_is_refused(net_of):
    (fed, absolute, *_) = (net := net_of(CHAIN)).layers
    odd = replace(absolute, tops=(*absolute.tops, replace(absolute.tops[0], name="b")))
    with pytest.raises(ShapeError, match=r'"abs" \(AbsVal\) has 2 tops, but computes 1'):
        run(replace(net, layers=(fed, odd)), {"data": np.ones((2, 3, 5, 4))})


def test_a_type_cannot_be_computed_by_two_functions():
    with pytest.raises(PluginError, match="ReLU has an oracle function already: relu, from"):

        @computes("ReLU")
        def another(layer, bottoms, weights):
            return bottoms


def test_the_types_that_are_fed_or_computed_are_known():
    assert {"Input", "Convolution", "LSTM", "DetectionOutput"} <= known_types()
    assert "Data" not in known_types()


def test_a_function_is_told_what_it_computes():
    with pytest.raises(TypeError, match="@computes takes Caffe types"):
        computes()

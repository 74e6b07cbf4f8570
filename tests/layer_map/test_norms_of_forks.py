"""BN of both families, and NVIDIA's fused BatchNorm, held against the oracle."""

from __future__ import annotations

import pytest

from caffe2keras.convert import load_net
from caffe2keras.layer_map import map_net
from caffe2keras.proto.caffe_pb2 import NetParameter

pytestmark = pytest.mark.backend

X = (4, 3, 5, 2)
CONVOLVED = """
layer {
  name: "conv" type: "Convolution" bottom: "x" top: "c"
  convolution_param { num_output: 5 kernel_size: 2 }
}
"""
BN = 'layer { name: "bn" type: "BN" bottom: "c" top: "y" bn_param { %s } }'


def test_a_bn_of_four_arrays_is_a_batch_normalization(checked):
    made = checked(CONVOLVED + BN % "slope_filler {} bias_filler {} frozen: true eps: 0.01", x=X)
    assert made.classes == ("Conv2D", "BatchNormalization")
    assert made.report.static_batch is None


def test_a_bn_of_a_trained_segnet_is_a_scale(checked):
    made = checked(CONVOLVED + BN % "bn_mode: INFERENCE", x=X)
    assert made.classes == ("Conv2D", "caffe2keras>Scale")
    assert made.report.static_batch is None


def test_a_bn_of_a_segnet_that_learns_takes_the_batch_s_statistics(checked):
    made = checked(CONVOLVED + BN % "scale_filler {} shift_filler {}", x=X)
    assert made.classes == (
        "Conv2D",
        "caffe2keras>BatchStatisticsNormalization",
        "caffe2keras>Scale",
    )
    assert made.report.static_batch == 4


@pytest.mark.parametrize("mode", ["LEARN", "INFERENCE"])
def test_a_bn_of_segnet_gives_a_vector_four_axes(checked, mode):
    checked((BN % f"bn_mode: {mode}").replace('"c"', '"x"'), x=(4, 6))


def test_a_bn_that_gives_its_statistics_is_refused(refusal):
    layers = BN.replace('top: "y"', 'top: "y" top: "mean"') % "bn_mode: LEARN"
    assert "BN with 2 tops" in refusal(CONVOLVED + layers, x=X)


FUSED = 'layer { name: "bn" type: "BatchNorm" bottom: "c" top: "y" batch_norm_param { %s } }'
SCALE = (
    'layer { name: "s" type: "Scale" bottom: "y" top: "z" scale_param { axis: 1 bias_term: true } }'
)


@pytest.mark.parametrize(
    "fields",
    [
        "scale_bias: true",
        "scale_filler { value: 1 } bias_filler { value: 0 } eps: 0.001",
        "scale_bias: true use_global_stats: false moving_average_fraction: 0.99",
    ],
)
def test_nvidia_s_batch_norm_has_scale_and_bias_of_its_own(checked, fields):
    made = checked(CONVOLVED + FUSED % fields, x=X)
    assert made.classes == ("Conv2D", "BatchNormalization")
    assert made.report.static_batch is None


def test_nvidia_s_eps_is_a_hundred_thousandth_at_least(checked):
    # An eps of 0 would show where a channel hardly varies.
    checked(CONVOLVED + FUSED % "scale_bias: true eps: 0", x=X)


def test_a_scale_behind_nvidia_s_batch_norm_stays(checked, tmp_path):
    made = checked(CONVOLVED + FUSED % "scale_bias: true" + SCALE, x=X)
    assert made.classes == ("Conv2D", "BatchNormalization", "caffe2keras>Scale")
    net = load_net(tmp_path / "net.prototxt")
    assert not any(layer.absorbed for layer in net.layers)


STORED = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: [2, 3, 4, 5] } } }
layer { name: "bn" type: "BatchNorm" bottom: "x" top: "y" }
"""


@pytest.mark.parametrize(("weight", "factor"), [(0.0, 0.0), (4.0, 0.25)])
def test_statistics_are_sums_to_be_divided_unless_nothing_was_summed(tmp_path, weight, factor):
    message = NetParameter()
    stored = message.layer.add(name="bn", type="BatchNorm")
    for numbers in ([1.0, 2, 3], [4.0, 5, 6], [weight]):
        blob = stored.blobs.add()
        blob.shape.dim.append(len(numbers))
        blob.data.extend(numbers)
    (tmp_path / "net.prototxt").write_text(STORED)
    (tmp_path / "net.caffemodel").write_bytes(message.SerializeToString())
    model = map_net(load_net(tmp_path / "net.prototxt", tmp_path / "net.caffemodel"))
    mean, variance = model.layers[-1].layer.variables
    assert list(mean.view) == [factor, 2 * factor, 3 * factor]
    assert list(variance.view) == [4 * factor, 5 * factor, 6 * factor]

import pytest

from caffe2keras.passes import join_batchnorm_and_scale

NORM = 'layer { name: "n" type: "BatchNorm" bottom: "data" top: "n" %s }\n'
SCALE = 'layer { name: "s" type: "Scale" bottom: "n" top: "s" %s }\n'
RELU = 'layer { name: "r" type: "ReLU" bottom: "%s" top: "r" }\n'

JOINED = ["Input input:  -> data", "BatchNorm n: data -> s"]


def test_the_scale_that_alone_reads_a_batch_norm_is_absorbed(built, drawn):
    net = join_batchnorm_and_scale(built(NORM % "" + SCALE % "scale_param { bias_term: true }"))
    assert drawn(net) == JOINED
    [scale] = net.layers[1].absorbed
    assert (scale.name, len(scale.weights)) == ("s", 2)
    assert [blob.key for blob in net.outputs] == [("s", 0)]


def test_in_place_layers_are_joined_too(built, drawn):
    norm = 'layer { name: "n" type: "BatchNorm" bottom: "data" top: "data" }'
    scale = 'layer { name: "s" type: "Scale" bottom: "data" top: "data" }'
    net = join_batchnorm_and_scale(built(norm + scale + RELU % "data"))
    assert drawn(net)[1:] == ["BatchNorm n: data -> data.2", "ReLU r: data.2 -> r"]


@pytest.mark.parametrize(
    ("norm", "scale", "more"),
    [
        ("", "scale_param { axis: -3 }", ""),
        ("batch_norm_param { use_global_stats: true }", "", ""),
        ("", 'param { name: "alone" }', ""),
        ("", "", RELU % "s"),
    ],
)
def test_what_means_the_same_is_joined(built, drawn, norm, scale, more):
    net = join_batchnorm_and_scale(built(NORM % norm + SCALE % scale + more))
    assert drawn(net)[:2] == JOINED


@pytest.mark.parametrize(
    ("norm", "scale", "more"),
    [
        ("", "", RELU % "n"),  # someone else reads the normalized blob
        ("batch_norm_param { use_global_stats: false }", "", ""),
        ("batch_norm_param { scale_bias: true }", "", ""),
        ("", "scale_param { axis: 0 }", ""),
        ("", "scale_param { axis: 2 }", ""),
        ("", "scale_param { num_axes: 2 }", ""),
        ("", "scale_param { num_axes: 0 }", ""),
        ("", 'bottom: "data" scale_param { axis: 0 }', ""),  # the factor is a blob
        (
            "",
            'param { name: "shared" }',
            'layer { name: "t" type: "Scale" bottom: "data" top: "t" param { name: "shared" } }',
        ),
    ],
)
def test_what_does_not_is_left_alone(built, norm, scale, more):
    net = built(NORM % norm + SCALE % scale + more)
    assert join_batchnorm_and_scale(net) is net


def test_a_batch_norm_that_the_net_ends_in_is_left_alone(built):
    net = built(NORM % "" + SCALE % "", outputs=("n", "s"))
    assert join_batchnorm_and_scale(net) is net


def test_a_batch_norm_of_unknown_shape_is_left_alone(built):
    odd = 'layer { name: "o" type: "Odd" bottom: "data" top: "o" }\n'
    net = built(odd + NORM.replace('"data"', '"o"') % "" + SCALE % "")
    assert join_batchnorm_and_scale(net) is net

"""The whole upgrade: headers, BatchNorm, mixtures, purity."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caffe2keras.errors import PrototxtError
from caffe2keras.proto.caffe_pb2 import NetParameter, V0LayerParameter, V1LayerParameter
from caffe2keras.read.prototxt import parse_prototxt
from caffe2keras.upgrade import upgrade


def test_input_dims_become_an_input_layer_that_comes_first(becomes):
    becomes(
        """
layer { name: "r" type: "ReLU" bottom: "b" top: "r" }
input: "a" input: "b"
input_dim: 1 input_dim: 2 input_dim: 3 input_dim: 4
input_dim: 5 input_dim: 6 input_dim: 7 input_dim: 8
""",
        """
layer { name: "input" type: "Input" top: "a" top: "b"
  input_param { shape { dim: 1 dim: 2 dim: 3 dim: 4 } shape { dim: 5 dim: 6 dim: 7 dim: 8 } } }
layer { name: "r" type: "ReLU" bottom: "b" top: "r" }
""",
    )


def test_input_shapes_go_before_input_dims(becomes):
    becomes(
        """
input: "a" input_shape { dim: 3 dim: 5 } input_dim: 9
layer { name: "r" type: "ReLU" bottom: "a" top: "r" }
""",
        """
layer { name: "input" type: "Input" top: "a" input_param { shape { dim: 3 dim: 5 } } }
layer { name: "r" type: "ReLU" bottom: "a" top: "r" }
""",
    )


def test_an_input_of_a_video_net_has_five_dims(becomes):
    becomes(
        'input: "a" input_dim: 2 input_dim: 3 input_dim: 16 input_dim: 9 input_dim: 7',
        """layer { name: "input" type: "Input" top: "a"
        input_param { shape { dim: 2 dim: 3 dim: 16 dim: 9 dim: 7 } } }""",
    )


def test_an_input_without_shape_stays_for_the_user_to_tell(becomes):
    becomes('input: "a"', 'layer { name: "input" type: "Input" top: "a" }')


@pytest.mark.parametrize(
    ("fields", "received"),
    [
        ("input_dim: 1 input_dim: 2 input_dim: 3", "3 input_dim"),
        ("input_shape { dim: 1 }", "1 input_shape"),
    ],
)
def test_inputs_and_shapes_must_match_in_number(upgraded, fields, received):
    with pytest.raises(PrototxtError) as caught:
        upgraded(f'input: "a" input: "b" {fields}')
    assert str(caught.value) == (
        f"the net has 2 inputs and {received} fields\n"
        "  in: net.prototxt\n"
        "  why: each input needs one input_shape, or four input_dim: N, C, H, W\n"
        "  try: its inputs are a, b"
    )


def test_the_statistics_of_batch_norm_are_not_learned(becomes):
    becomes(
        """
layer { name: "n" type: "BatchNorm" bottom: "a" top: "n"
  param { lr_mult: 1 name: "m" } param { decay_mult: 3 } param { } }
layer { name: "s" type: "Scale" bottom: "n" top: "s" param { lr_mult: 1 } }
""",
        """
layer { name: "n" type: "BatchNorm" bottom: "a" top: "n"
  param { name: "m" lr_mult: 0 decay_mult: 0 } param { lr_mult: 0 decay_mult: 0 }
  param { lr_mult: 0 decay_mult: 0 } }
layer { name: "s" type: "Scale" bottom: "n" top: "s" param { lr_mult: 1 } }
""",
    )


def test_layer_beside_layers_is_refused(upgraded):
    with pytest.raises(PrototxtError) as caught:
        upgraded('layer { name: "a" type: "ReLU" }\nlayers { name: "b" type: RELU }')
    assert str(caught.value) == (
        "the net mixes `layer` and `layers`\n"
        "  in: net.prototxt:2\n"
        '  why: `layer` has a type like "Convolution", the older `layers` one like CONVOLUTION; '
        "Caffe reads one or the other\n"
        "  try: write all of them as `layer`"
    )


def test_v1_among_v0_is_refused(upgraded):
    with pytest.raises(PrototxtError, match='layer "b" is V1 in a net of V0 layers'):
        upgraded('layers { layer { name: "a" type: "relu" } }\nlayers { name: "b" type: RELU }')


def test_fields_of_the_net_itself_stay(becomes):
    head = 'name: "n" force_backward: true debug_info: true state { stage: "s" level: 2 } '
    becomes(head + 'layers { name: "a" type: RELU }', head + 'layer { name: "a" type: "ReLU" }')


def test_the_given_net_is_never_changed():
    net = parse_prototxt(
        """
input: "data" input_dim: 1 input_dim: 2 input_dim: 5 input_dim: 3
layers { layer { name: "p" type: "padding" pad: 1 } bottom: "data" top: "p" }
layers { layer { name: "c" type: "conv" kernelsize: 3 } bottom: "p" top: "c" }
""",
        "net.prototxt",
    )
    before = net.SerializeToString(deterministic=True)
    upgrade(net)
    assert net.SerializeToString(deterministic=True) == before


V0_TYPES = ["conv", "innerproduct", "pool", "relu", "lrn", "data", "dropout", "softmax_loss"]


@st.composite
def v0_layers(draw: st.DrawFn) -> V1LayerParameter:
    layer = V0LayerParameter(name=draw(st.text("abc", max_size=2)))
    layer.type = draw(st.sampled_from(V0_TYPES))
    for name in ("num_output", "pad", "kernelsize", "stride", "cropsize", "batchsize"):
        if draw(st.booleans()):
            setattr(layer, name, draw(st.integers(1, 9)))
    layer.blobs_lr.extend(draw(st.lists(st.integers(0, 3), max_size=2)))
    return V1LayerParameter(layer=layer, bottom=["data"], top=["top"])


@st.composite
def v1_layers(draw: st.DrawFn) -> V1LayerParameter:
    kinds = V1LayerParameter.LayerType.values()
    layer = V1LayerParameter(name=draw(st.text("abc", max_size=2)), bottom=["data"], top=["top"])
    layer.type = draw(st.sampled_from(kinds))
    layer.blobs_lr.extend(draw(st.lists(st.integers(0, 3), max_size=3)))
    layer.param.extend(draw(st.lists(st.sampled_from(["w", "b"]), max_size=2)))
    if draw(st.booleans()):
        layer.data_param.scale = draw(st.integers(1, 4))
    if draw(st.booleans()):
        layer.convolution_param.kernel_size.extend(draw(st.lists(st.integers(1, 5), max_size=2)))
    return layer


@st.composite
def old_nets(draw: st.DrawFn) -> NetParameter:
    net = NetParameter(name=draw(st.text("xyz", max_size=3)), input=["data"])
    net.input_dim.extend(draw(st.sampled_from([[], [1, 2, 3, 4], [2, 3]])))
    kind = draw(st.sampled_from([v0_layers(), v1_layers()]))
    net.layers.extend(draw(st.lists(kind, max_size=5)))
    return net


@given(old_nets())
def test_an_upgraded_net_is_left_alone(net):
    once = upgrade(net)
    assert upgrade(once) == once
    assert not once.layers
    assert not once.input


@given(old_nets())
def test_layers_keep_their_number_and_order(net):
    names = [layer.layer.name or layer.name for layer in net.layers]
    assert [layer.name for layer in upgrade(net).layer] == ["input", *names]

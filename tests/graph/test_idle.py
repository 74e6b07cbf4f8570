"""Messages that a layer's type never reads are told, and gone."""

from __future__ import annotations

import pytest

from caffe2keras.graph.idle import set_idle_messages_aside
from caffe2keras.read.prototxt import parse_prototxt


def set_aside(text: str):
    given = parse_prototxt(f'layer {{ name: "x" {text} }}', "net.prototxt").layer
    before = [layer.SerializeToString() for layer in given]
    [layer], notes = set_idle_messages_aside(given)
    assert [layer.SerializeToString() for layer in given] == before
    return layer, notes


def test_a_message_of_another_layer_is_told_and_gone():
    text = 'type: "Softmax" softmax_param { axis: 2 } loss_param { ignore_label: -1 }'
    layer, [note] = set_aside(text)
    assert layer.softmax_param.axis == 2
    assert not layer.HasField("loss_param")
    assert (note.kind, note.subject) == ("dropped", 'loss_param of layer "x"')
    assert "no Softmax layer reads it" in note.text


@pytest.mark.parametrize(
    "text",
    [
        'type: "EuclideanLoss" loss_param { normalize: true }',
        'type: "SoftmaxWithLoss" accuracy_param { top_k: 5 }',
        'type: "DummyData" transform_param { crop_size: 5 }',
    ],
)
def test_losses_and_constants_leave_messages_unread_too(text):
    layer, [note] = set_aside(text)
    assert [field.name for field, _ in layer.ListFields()][:2] == ["name", "type"]
    assert note.subject.split()[0] in text


@pytest.mark.parametrize(
    "text",
    [
        'type: "Pooling" pooling_param { pool: AVE }',
        'type: "Deconvolution" convolution_param { num_output: 3 }',
        'type: "SoftmaxWithLoss" softmax_param { axis: 2 } loss_param { normalize: true }',
        'type: "Convolution" quantization_param { bw_params: 8 }',  # a fork's message
        'type: "Normalize" softmax_param { normalize_type: "L2" }',  # a fork's layer
    ],
)
def test_what_a_layer_may_read_stays(text):
    layer, notes = set_aside(text)
    assert notes == ()
    assert len(layer.ListFields()) >= 3


def test_fields_that_no_schema_knows_stay_to_be_refused():
    layer, _ = set_aside('type: "Softmax" loss_param { ignored_label: 1 }')
    assert [field.path for field in layer.unknown_field] == ["loss_param.ignored_label"]


def test_the_net_tells_what_was_idle(built):
    data = (
        'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 } } }'
    )
    idle = "loss_param { normalize: true }"
    softmax = f'layer {{ name: "p" type: "Softmax" bottom: "data" top: "p" {idle} }}'
    net = built(data + softmax)
    assert [note.subject for note in net.notes] == ['loss_param of layer "p"']

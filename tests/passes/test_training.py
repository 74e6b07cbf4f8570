"""Nets end in their predictions, and every act is told."""

from __future__ import annotations

import pytest

from caffe2keras.errors import GraphError
from caffe2keras.passes import PASSES, drop_training_layers, run_passes

LABEL = 'layer { name: "l" type: "Input" top: "label" input_param { shape { dim: 4 } } }\n'
FC = (
    'layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc" '
    "inner_product_param { num_output: 5 } }\n"
)


def head(kind: str, tops: str = 'top: "loss"', bottoms: str = "", more: str = "") -> str:
    bottoms = bottoms or 'bottom: "fc" bottom: "label"'
    return f'layer {{ name: "loss" type: "{kind}" {bottoms} {tops} {more} }}\n'


def outputs(net):
    return [blob.name for blob in net.outputs]


def notes(net):
    return [str(note) for note in net.notes]


def test_a_softmax_loss_becomes_a_softmax(built, drawn):
    net = drop_training_layers(built(LABEL + FC + head("SoftmaxWithLoss")))
    assert drawn(net) == [
        "Input input:  -> data",
        "InnerProduct fc: data -> fc",
        "Softmax loss: fc -> prob",
    ]
    assert net.outputs[0].shape == (4, 5)
    assert notes(net) == [
        "dropped: l: this Input only serves the labels",
        'decided: loss: this SoftmaxWithLoss becomes the Softmax in it, blob "prob"',
    ]


def test_its_axis_stays_and_what_only_the_loss_needs_goes(built):
    conv = (
        'layer { name: "fc" type: "Convolution" bottom: "data" top: "fc" '
        "convolution_param { num_output: 5 kernel_size: 1 } }\n"
    )
    more = "softmax_param { axis: 2 } loss_param { ignore_label: 7 } loss_weight: 3"
    net = drop_training_layers(built(LABEL + conv + head("SoftmaxWithLoss", more=more)))
    softmax = net.layers[-1]
    assert softmax.params.softmax_param.axis == 2
    assert {field.path for field in softmax.params.unread()} == {"name", "type"}


def test_the_axis_of_an_infogain_loss_is_its_own(built):
    more = 'infogain_loss_param { axis: -1 source: "matrix" }'
    net = drop_training_layers(built(LABEL + FC + head("InfogainLoss", more=more)))
    assert (net.layers[-1].type, net.layers[-1].params.softmax_param.axis) == ("Softmax", -1)


def test_a_sigmoid_loss_becomes_a_sigmoid(built, drawn):
    net = drop_training_layers(built(LABEL + FC + head("SigmoidCrossEntropyLoss")))
    assert drawn(net)[-1] == "Sigmoid loss: fc -> prob"


@pytest.mark.parametrize("tops", ["", 'top: "loss"'])
def test_the_top_of_a_loss_may_be_unnamed(built, tops):
    net = drop_training_layers(built(LABEL + FC + head("SoftmaxWithLoss", tops)))
    assert outputs(net) == ["prob"]


def test_the_second_top_of_a_loss_is_its_prediction(built, drawn):
    text = LABEL + FC + head("SoftmaxWithLoss", 'top: "loss" top: "score"')
    text += 'layer { name: "r" type: "ReLU" bottom: "score" top: "r" }'
    net = drop_training_layers(built(text))
    assert drawn(net)[-2:] == ["Softmax loss: fc -> score", "ReLU r: score -> r"]


def test_several_heads_are_called_by_their_layers(built):
    text = LABEL + FC + head("SoftmaxWithLoss") + FC.replace('"fc"', '"fc2"')
    text += head("SoftmaxWithLoss").replace("loss", "loss2").replace('"fc"', '"fc2"')
    assert outputs(drop_training_layers(built(text))) == ["loss_prob", "loss2_prob"]


def test_a_name_that_is_taken_is_not_used_twice(built):
    taken = 'layer { name: "x" type: "ReLU" bottom: "data" top: "prob" }\n'
    net = drop_training_layers(built(taken + LABEL + FC + head("SoftmaxWithLoss")))
    assert outputs(net) == ["prob", "loss_prob"]


def test_a_loss_beside_its_own_softmax_is_simply_dropped(built, drawn):
    softmax = 'layer { name: "p" type: "Softmax" bottom: "fc" top: "p" }\n'
    net = drop_training_layers(built(LABEL + FC + softmax + head("SoftmaxWithLoss")))
    assert drawn(net)[1:] == ["InnerProduct fc: data -> fc", "Softmax p: fc -> p"]


def test_two_losses_on_the_same_scores_predict_once(built, drawn):
    text = LABEL + FC + head("SoftmaxWithLoss") + head("SoftmaxWithLoss").replace("loss", "again")
    assert drawn(drop_training_layers(built(text)))[-1] == "Softmax loss: fc -> prob"


@pytest.mark.parametrize(
    "kind", ["Accuracy", "HingeLoss", "EuclideanLoss", "SomeForksLoss", "SegAccuracy"]
)
def test_other_heads_are_dropped_and_what_they_measured_is_the_output(built, drawn, kind):
    net = drop_training_layers(built(LABEL + FC + head(kind)))
    assert drawn(net) == ["Input input:  -> data", "InnerProduct fc: data -> fc"]
    assert outputs(net) == ["fc"]
    assert notes(net) == [
        "dropped: l: this Input only serves the labels",
        f"dropped: loss: {kind} adds nothing to a prediction",
    ]


def test_a_comparison_works_either_way_round(built):
    bottoms = 'bottom: "label" bottom: "fc"'
    assert outputs(drop_training_layers(built(LABEL + FC + head("L1Loss", "", bottoms)))) == ["fc"]


def test_targets_that_look_learned_are_targets_where_the_type_says_so(built):
    text = FC + FC.replace('"fc"', '"target"')
    text += head("SmoothL1Loss", bottoms='bottom: "fc" bottom: "target"')
    assert outputs(drop_training_layers(built(text))) == ["fc"]


def test_both_sides_of_a_comparison_may_be_learned(built):
    text = LABEL + FC + FC.replace('"fc"', '"fc2"')
    text += head("ContrastiveLoss", bottoms='bottom: "fc" bottom: "fc2" bottom: "label"')
    assert outputs(drop_training_layers(built(text))) == ["fc", "fc2"]


def test_what_only_prepares_labels_goes_with_them(built, drawn):
    text = LABEL + FC + 'layer { name: "t" type: "Power" bottom: "label" top: "t" }\n'
    net = drop_training_layers(built(text + head("EuclideanLoss", "", 'bottom: "fc" bottom: "t"')))
    assert drawn(net) == ["Input input:  -> data", "InnerProduct fc: data -> fc"]
    assert "dropped: t: this Power only serves the labels" in notes(net)


def test_an_autoencoder_keeps_the_input_that_is_its_own_label(built, drawn):
    flat = 'layer { name: "flat" type: "Flatten" bottom: "data" top: "flat" }\n'
    decode = FC.replace("num_output: 5", "num_output: 189")
    bottoms = 'bottom: "fc" bottom: "flat"'
    net = drop_training_layers(built(flat + decode + head("EuclideanLoss", "", bottoms)))
    assert drawn(net) == ["Input input:  -> data", "InnerProduct fc: data -> fc"]


def test_an_input_layer_loses_only_its_labels(built, drawn):
    text = (
        'layer { name: "d" type: "Data" top: "x" top: "label" }'
        'layer { name: "f" type: "Flatten" bottom: "x" top: "f" }'
    )
    text += head("SoftmaxWithLoss", bottoms='bottom: "f" bottom: "label"')
    net = drop_training_layers(built(text, input_shapes={"x": (4, 2, 3)}, outputs=("loss",)))
    assert drawn(net)[0] == "Input d:  -> x"
    assert "dropped: label: this input only serves the labels" in notes(net)


def test_what_is_silenced_is_no_output(built, drawn):
    text = (
        'layer { name: "s" type: "Slice" bottom: "data" top: "a" top: "b" '
        "slice_param { slice_point: 1 } }"
        'layer { name: "q" type: "Silence" bottom: "b" }'
        'layer { name: "r" type: "ReLU" bottom: "a" top: "r" }'
    )
    net = drop_training_layers(built(text))
    assert drawn(net)[1:] == ["Slice s: data -> a b", "ReLU r: a -> r"]
    assert outputs(net) == ["r"]


def test_what_is_written_to_a_file_is_an_output(built):
    text = LABEL + FC + head("HDF5Output", "")
    assert outputs(drop_training_layers(built(text))) == ["fc"]


def test_what_is_computed_of_losses_is_dropped_too(built, drawn):
    text = LABEL + FC + head("EuclideanLoss")
    text += 'layer { name: "w" type: "Power" bottom: "loss" top: "weighted" }'
    net = drop_training_layers(built(text))
    assert drawn(net) == ["Input input:  -> data", "InnerProduct fc: data -> fc"]
    assert outputs(net) == ["fc"]


def test_outputs_come_in_order_of_production(built):
    text = (
        LABEL
        + FC
        + 'layer { name: "z" type: "ReLU" bottom: "data" top: "z" }'
        + head("HingeLoss")
        + 'layer { name: "a" type: "ReLU" bottom: "data" top: "a" }'
    )
    assert outputs(drop_training_layers(built(text))) == ["fc", "z", "a"]


def test_a_net_for_deployment_is_left_alone(built):
    net = built(FC)
    assert drop_training_layers(net) is net


def test_a_net_that_only_compares_is_refused(built):
    with pytest.raises(GraphError) as caught:
        drop_training_layers(
            built(LABEL + head("HingeLoss", bottoms='bottom: "data" bottom: "label"'))
        )
    assert str(caught.value) == (
        "without its losses and labels nothing of this net is left\n"
        "  in: net.prototxt\n"
        "  why: no layer computes a prediction from an input\n"
        "  try: give the net that the weights were trained with"
    )


def test_the_passes_together_leave_nothing_for_themselves_to_do(built):
    text = (
        LABEL
        + 'layer { name: "s" type: "Split" bottom: "data" top: "a" top: "b" }'
        + 'layer { name: "n" type: "BatchNorm" bottom: "a" top: "n" }'
        + 'layer { name: "c" type: "Scale" bottom: "n" top: "c" }'
        + FC.replace('"data"', '"c"')
        + head("SoftmaxWithLoss")
    )
    net = run_passes(built(text))
    assert [layer.type for layer in net.layers] == [
        "Input",
        "BatchNorm",
        "InnerProduct",
        "Softmax",
    ]
    assert all(one(net) is net for one in PASSES)


def test_what_a_split_hides_from_silence_stays_an_output(built, drawn):
    split = (
        'layer { name: "s" type: "Split" bottom: "fc" top: "kept" top: "swallowed" }\n'
        'layer { name: "quiet" type: "Silence" bottom: "swallowed" }\n'
    )
    net = run_passes(built(FC + split))
    assert drawn(net) == ["Input input:  -> data", "InnerProduct fc: data -> fc"]
    assert outputs(net) == ["fc"]

"""Nets are wired, fed and shaped."""

from __future__ import annotations

import pytest

from caffe2keras.errors import (
    CycleError,
    DuplicateBlobError,
    GraphError,
    InputError,
    ShapeError,
    UnknownBlobError,
)
from caffe2keras.graph.build import build_net
from caffe2keras.graph.memory import overwritten
from caffe2keras.graph.phase import TRAIN, NetState
from caffe2keras.proto.caffe_pb2 import NetParameter
from caffe2keras.read.prototxt import parse_prototxt

DATA = (
    'layer { name: "data" type: "Input" top: "data" '
    "input_param { shape { dim: 2 dim: 3 dim: 9 dim: 7 } } }\n"
)


def relu(bottom: str, top: str, name: str = "", rules: str = "") -> str:
    blobs = f'bottom: "{bottom}" top: "{top}"'
    return f'layer {{ name: "{name or top}" type: "ReLU" {blobs} {rules} }}\n'


def keys(blobs):
    return [blob.key for blob in blobs]


def test_in_place_layers_make_a_chain_of_versions(built):
    net = built(DATA + relu("data", "data", "a") + relu("data", "data", "b") + relu("data", "c"))
    assert keys(layer.bottoms[0] for layer in net.layers[1:]) == [
        ("data", 0),
        ("data", 1),
        ("data", 2),
    ]
    assert keys(layer.tops[0] for layer in net.layers[1:]) == [
        ("data", 1),
        ("data", 2),
        ("c", 0),
    ]
    assert keys(net.outputs) == [("c", 0)]


def test_readers_before_an_in_place_layer_see_the_blob_as_it_was(built):
    net = built(DATA + relu("data", "a") + relu("data", "data", "b") + relu("data", "c"))
    assert keys(layer.bottoms[0] for layer in net.layers[1:]) == [
        ("data", 0),
        ("data", 0),
        ("data", 1),
    ]


def test_the_second_top_may_be_in_place_on_the_second_bottom(built):
    net = built(
        DATA
        + relu("data", "b")
        + 'layer { name: "x" type: "Odd" bottom: "data" bottom: "b" top: "a" top: "b" }'
    )
    assert keys(net.layers[2].tops) == [("a", 0), ("b", 1)]


def test_outputs_are_the_blobs_that_nobody_reads_in_order(built):
    net = built(DATA + relu("data", "z") + relu("data", "a") + relu("z", "m"))
    assert keys(net.outputs) == [("a", 0), ("m", 0)]
    assert keys(net.inputs) == [("data", 0)]


def test_shapes_follow_the_layers(built):
    net = built(
        DATA
        + 'layer { name: "c" type: "Convolution" bottom: "data" top: "c" '
        + "convolution_param { num_output: 4 kernel_h: 2 kernel_w: 3 } }"
    )
    assert net.layers[1].tops[0].shape == (2, 4, 8, 5)
    assert [weight.shape for weight in net.layers[1].weights] == [(4, 3, 2, 3), (4,)]


def test_behind_a_layer_without_rule_shapes_are_unknown_and_that_is_no_error(built):
    net = built(
        DATA
        + 'layer { name: "x" type: "Mystery" bottom: "data" top: "x" }'
        + relu("x", "r")
        + relu("data", "s")
    )
    assert [layer.tops[0].dims for layer in net.layers] == [
        (2, 3, 9, 7),
        None,
        None,
        (2, 3, 9, 7),
    ]


def test_layers_of_another_phase_are_left_out(built):
    text = (
        DATA
        + relu("data", "a", rules="include { phase: TRAIN }")
        + relu("data", "b", rules='include { stage: "s" }')
    )
    assert [layer.name for layer in built(text).layers] == ["data"]
    assert [layer.name for layer in built(text, state=TRAIN).layers] == ["data", "a"]
    staged = built(text, state=NetState(stages=("s",)))
    assert [layer.name for layer in staged.layers] == ["data", "b"]


def test_a_layer_without_name_gets_one_and_a_note(built):
    net = built(DATA + 'layer { type: "ReLU" bottom: "data" top: "a" }' + relu("a", "b", "relu_1"))
    assert [layer.name for layer in net.layers] == ["data", "relu_1_", "relu_1"]
    assert [str(note) for note in net.notes] == [
        "decided: relu_1_: the ReLU on line 2 has no name of its own"
    ]


def test_layers_know_where_they_stand(built):
    assert [layer.where for layer in built(DATA + relu("data", "a")).layers] == [
        "net.prototxt:1",
        "net.prototxt:2",
    ]


def test_the_net_can_end_elsewhere(built):
    net = built(
        DATA + relu("data", "a") + relu("a", "a", "i") + relu("a", "b") + relu("data", "c"),
        outputs=("a",),
    )
    assert [layer.name for layer in net.layers] == ["data", "a", "i"]
    assert keys(net.outputs) == [("a", 1)]


def test_the_given_net_is_never_changed():
    net = parse_prototxt(DATA + relu("data", "data"), "net.prototxt")
    before = net.SerializeToString(deterministic=True)
    build_net(net, source="net.prototxt", input_shapes={"data": (1, 2, 3, 4)})
    assert net.SerializeToString(deterministic=True) == before


def test_ten_thousand_layers_are_no_trouble(built):
    text = DATA + "".join(relu(f"b{i}" if i else "data", f"b{i + 1}") for i in range(10_000))
    assert keys(built(text).outputs) == [("b10000", 0)]


def test_ten_thousand_layers_in_a_circle_are_no_trouble_either(built):
    text = "".join(relu(f"b{i}", f"b{(i + 1) % 10_000}") for i in range(10_000))
    with pytest.raises(CycleError):
        built(text)


def test_an_unknown_bottom_is_refused_with_the_nearest(built):
    with pytest.raises(UnknownBlobError) as caught:
        built(DATA + relu("dta", "a"))
    assert str(caught.value) == (
        'layer "a" (ReLU) reads blob "dta", which no layer before it produces\n'
        "  in: net.prototxt:2\n"
        '  try: did you mean "data"?'
    )


def test_a_bottom_produced_in_another_phase_says_so(built):
    data = 'layer { name: "d" type: "Data" top: "img" include { phase: TRAIN } }\n'
    with pytest.raises(UnknownBlobError) as caught:
        built(data + relu("img", "a"))
    assert str(caught.value) == (
        'layer "a" (ReLU) reads blob "img", which no layer before it produces\n'
        "  in: net.prototxt:2\n"
        '  why: layer "d" (Data) on line 1 produces it, but its rules leave it out in '
        "phase TEST, level 0, no stage\n"
        "  try: --input-shape img=N,C,H,W makes it an input"
    )


def test_a_bottom_produced_in_another_stage_names_the_stage(built):
    data = 'layer { name: "d" type: "Data" top: "img" include { stage: "deploy" } }\n'
    with pytest.raises(UnknownBlobError) as caught:
        built(data + relu("img", "a"))
    assert caught.value.hint == "--stage deploy"


def test_a_blob_that_nobody_produces_can_be_made_an_input(built):
    net = built(relu("img", "a"), input_shapes={"img": (2, 3, 5, 4)})
    assert keys(net.inputs) == [("img", 0)]
    assert net.outputs[0].shape == (2, 3, 5, 4)


def test_a_bottom_produced_too_late_says_by_whom(built):
    with pytest.raises(UnknownBlobError) as caught:
        built(DATA + relu("b", "a") + relu("data", "b"))
    assert str(caught.value) == (
        'layer "a" (ReLU) reads blob "b", which no layer before it produces\n'
        "  in: net.prototxt:2\n"
        '  why: layer "b" (ReLU) on line 3 produces it, which is too late: Caffe runs layers in '
        "the order of the file\n"
        '  try: move layer "b" (ReLU) before layer "a" (ReLU)'
    )


def test_layers_that_wait_for_each_other_are_a_cycle(built):
    with pytest.raises(CycleError) as caught:
        built(DATA + relu("c", "a") + relu("a", "b") + relu("b", "c"))
    assert str(caught.value) == (
        'layer "a" (ReLU) and layer "c" (ReLU) wait for each other\n'
        "  in: net.prototxt:2\n"
        '  why: layer "c" (ReLU) on line 4 produces "c", but needs what comes from here\n'
        "  try: break the circle: Caffe's nets are acyclic"
    )


@pytest.mark.parametrize(
    "second",
    [
        relu("data", "a", "second"),
        'layer { name: "second" type: "Odd" bottom: "data" bottom: "a" top: "a" }',
        'layer { name: "second" type: "Odd" bottom: "data" top: "b" top: "b" }',
    ],
)
def test_a_top_is_produced_once_unless_in_place(built, second):
    with pytest.raises(DuplicateBlobError, match='"second"'):
        built(DATA + relu("data", "a") + second)


def test_a_doubly_produced_top_names_both_layers(built):
    with pytest.raises(DuplicateBlobError) as caught:
        built(DATA + relu("data", "a", "one") + relu("data", "a", "two"))
    assert str(caught.value) == (
        'layer "two" (ReLU) produces blob "a", which exists already\n'
        "  in: net.prototxt:3\n"
        '  why: layer "one" (ReLU) at net.prototxt:2 produces it too; a layer may only overwrite '
        "its own bottom at the same place\n"
        "  try: rename one of the tops, or give one of the layers an include rule"
    )


def test_a_shape_that_cannot_be_names_layer_and_line(built):
    with pytest.raises(ShapeError) as caught:
        built(
            DATA + 'layer { name: "c" type: "Convolution" bottom: "data" top: "c" '
            "convolution_param { num_output: 4 kernel_size: 11 } }"
        )
    assert caught.value.where == 'net.prototxt:2, layer "c" (Convolution)'


def test_more_tops_than_the_type_has_are_refused(built):
    with pytest.raises(ShapeError):
        built(DATA + 'layer { name: "r" type: "ReLU" bottom: "data" top: "a" top: "b" }')


def test_two_layers_of_one_name_may_not_both_learn(built):
    layer = 'layer {{ name: "c" type: "{}" bottom: "data" top: "{}" {} }}\n'
    learned = "inner_product_param { num_output: 4 }"
    text = DATA + layer.format("InnerProduct", "a", learned)
    assert len(built(text + layer.format("ReLU", "b", "")).layers) == 3
    with pytest.raises(GraphError) as caught:
        built(text + layer.format("InnerProduct", "b", learned))
    assert str(caught.value) == (
        'two layers with learned arrays are called "c"\n'
        "  in: net.prototxt:3\n"
        '  why: the other one is layer "c" (InnerProduct) at net.prototxt:2; weights are found by '
        "layer name\n"
        "  try: rename one of them"
    )


def test_a_net_without_layers_is_refused():
    with pytest.raises(GraphError) as caught:
        build_net(NetParameter(name="solver"), source="net.prototxt")
    assert str(caught.value) == (
        "the net has no layers\n  in: net.prototxt\n"
        "  try: is this a solver, or a file of another kind?"
    )


def test_a_net_that_is_empty_in_this_phase_is_refused(built):
    with pytest.raises(GraphError) as caught:
        built(relu("data", "a", rules="include { phase: TRAIN }"))
    assert str(caught.value) == (
        "none of the net's 1 layers is there in phase TEST, level 0, no stage\n"
        "  in: net.prototxt\n"
        "  why: include and exclude rules leave them all out\n"
        "  try: try the other phase, or name the stages that the rules ask for"
    )


def test_a_blob_to_end_in_must_be_computed(built):
    text = DATA + relu("data", "fc7")
    with pytest.raises(InputError, match='the net cannot end in blob "data"'):
        built(text, outputs=("fc7", "data"))
    assert built(DATA + relu("data", "data"), outputs=("data",)).outputs[0].version == 1


def test_a_cut_net_remembers_what_the_layers_behind_the_cut_write_over(built):
    flat = 'layer { name: "flat" type: "Flatten" bottom: "fc7" top: "flat" }'
    text = DATA + relu("data", "fc7") + flat + relu("flat", "flat")
    cut = built(text, outputs=("fc7",))
    assert [layer.type for layer in cut.layers] == ["Input", "ReLU"]
    assert ("fc7", 0) in overwritten(cut)
    assert not overwritten(built(DATA + relu("data", "fc7"), outputs=("fc7",)))


def test_a_blob_to_end_in_must_exist(built):
    with pytest.raises(InputError) as caught:
        built(DATA + relu("data", "fc7"), outputs=("fc8",))
    assert str(caught.value) == (
        'there is no blob "fc8" to end the net in\n  in: net.prototxt\n  try: did you mean "fc7"?'
    )

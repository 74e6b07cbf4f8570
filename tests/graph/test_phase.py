"""Include and exclude rules, as net.cpp's FilterNet reads them."""

from __future__ import annotations

import pytest

from caffe2keras.errors import GraphError
from caffe2keras.graph.phase import TEST, TRAIN, NetState, is_included, select_layers
from caffe2keras.read.prototxt import parse_prototxt


def included(rules: str, state: NetState) -> bool:
    net = parse_prototxt(f'layer {{ name: "x" type: "ReLU" {rules} }}', "net.prototxt")
    return is_included(net.layer[0], state, "net.prototxt")


DEEP = NetState(level=3, stages=("a", "b"))


@pytest.mark.parametrize(
    ("rules", "state", "expected"),
    [
        ("", TEST, True),
        ("include { }", TEST, True),
        ("exclude { }", TEST, False),
        ("include { phase: TEST }", TEST, True),
        ("include { phase: TRAIN }", TEST, False),
        ("include { phase: TRAIN }", TRAIN, True),
        ("exclude { phase: TRAIN }", TEST, True),
        ("exclude { phase: TEST }", TEST, False),
        ("include { min_level: 3 }", DEEP, True),
        ("include { min_level: 4 }", DEEP, False),
        ("include { max_level: 3 }", DEEP, True),
        ("include { max_level: 2 }", DEEP, False),
        ("include { max_level: -1 }", TEST, False),
        ('include { stage: "a" }', DEEP, True),
        ('include { stage: "a" stage: "b" }', DEEP, True),
        ('include { stage: "a" stage: "c" }', DEEP, False),
        ('include { not_stage: "c" }', DEEP, True),
        ('include { not_stage: "c" not_stage: "b" }', DEEP, False),
        ('include { phase: TRAIN } include { stage: "a" }', DEEP, True),
        ('exclude { phase: TRAIN } exclude { stage: "a" }', DEEP, False),
        ('exclude { phase: TRAIN stage: "a" }', DEEP, True),
    ],
)
def test_a_rule_is_met_by_every_condition_and_one_rule_is_enough(rules, state, expected):
    assert included(rules, state) is expected


def test_both_kinds_of_rules_are_refused():
    with pytest.raises(GraphError) as caught:
        included("include { phase: TEST } exclude { phase: TRAIN }", TEST)
    assert str(caught.value) == (
        'layer "x" (ReLU) has both include and exclude rules\n'
        "  in: net.prototxt:1\n"
        "  why: a layer is either kept by include or dropped by exclude; Caffe refuses both\n"
        "  try: keep one of the two"
    )


def test_stages_of_the_net_itself_count():
    text = """
state { stage: "deploy" phase: TRAIN level: 9 }
layer { name: "a" type: "ReLU" include { stage: "deploy" stage: "x" } }
layer { name: "b" type: "ReLU" include { phase: TRAIN } }
layer { name: "c" type: "ReLU" include { min_level: 1 } }
"""
    net = parse_prototxt(text, "net.prototxt")
    kept, left_out = select_layers(net, NetState(stages=("x",)))
    assert [layer.name for layer in kept] == ["a"]
    assert [layer.name for layer in left_out] == ["b", "c"]


def test_layers_that_want_to_be_trained_while_testing_are_noted(built):
    text = 'input: "data" input_shape { dim: 2 dim: 6 }\n' + "".join(
        f'layer {{ name: "d{i}" type: "Dropout" bottom: "data" top: "data" phase: {phase} }}\n'
        for i, phase in enumerate(["TRAIN", "TEST", "TRAIN", "TRAIN", "TRAIN"])
    )
    assert [str(note) for note in built(text).notes] == [
        "decided: phase: TRAIN: stated in d0, d2, d3, ...; converted as in phase TEST all the same"
    ]
    assert built(text, state=TRAIN).notes == ()

"""Sums, products and powers, held against the oracle, whatever the layouts of their blobs."""

from __future__ import annotations

import pytest

from caffe2keras.layer_map import map_net

# x is an image in Keras's order, r the same axes in Caffe's.
RESHAPED = (
    'layer { name: "r" type: "Reshape" bottom: "v" top: "r" '
    "reshape_param { shape { dim: 0 dim: 3 dim: 5 dim: 4 } } }\n"
)
SHAPES = {"x": (2, 3, 5, 4), "v": (2, 60)}


def layer(kind: str, bottoms: str, params: str = "", tops: str = "y") -> str:
    wires = [f'bottom: "{b}"' for b in bottoms.split()] + [f'top: "{t}"' for t in tops.split()]
    return f'layer {{ name: "l" type: "{kind}" {" ".join(wires)} {params} }}\n'


@pytest.mark.backend
@pytest.mark.parametrize("bottoms", ["x r", "r x", "x r x"])
@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("Eltwise", ""),
        ("Eltwise", "eltwise_param { operation: MAX }"),
        ("Concat", "concat_param { axis: 2 }"),
        ("Concat", ""),
    ],
)
def test_blobs_in_several_layouts_are_brought_into_one(
    kind: str, params: str, bottoms: str, checked
) -> None:
    assert "Permute" in checked(RESHAPED + layer(kind, bottoms, params), **SHAPES).classes


@pytest.mark.backend
@pytest.mark.parametrize("bottoms", ["x r", "r x"])
@pytest.mark.parametrize(("kind", "axis"), [("Scale", 0), ("Scale", -4), ("Bias", 0)])
def test_given_factors_may_stand_in_another_layout(
    kind: str, axis: int, bottoms: str, checked
) -> None:
    params = f"{kind.lower()}_param {{ axis: {axis} }}"
    checked(RESHAPED + layer(kind, bottoms, params), **SHAPES)


@pytest.mark.backend
@pytest.mark.parametrize(
    ("params", "classes"),
    [
        ("", ("Add",)),
        ("eltwise_param { coeff: 1 coeff: 1 }", ("Add",)),
        ("eltwise_param { coeff: 1 coeff: -1 }", ("Subtract",)),
        ("eltwise_param { coeff: -1 coeff: 1 }", ("caffe2keras>WeightedSum",)),
        ("eltwise_param { coeff: 2 coeff: 1 }", ("caffe2keras>WeightedSum",)),
        ("eltwise_param { operation: PROD stable_prod_grad: false }", ("Multiply",)),
        ("eltwise_param { operation: MAX }", ("Maximum",)),
    ],
)
def test_each_operation_has_its_keras_layer(params: str, classes, checked) -> None:
    made = checked(layer("Eltwise", "x z", params), x=(2, 3, 5, 4), z=(2, 3, 5, 4))
    assert made.classes == classes


@pytest.mark.backend
@pytest.mark.parametrize(
    ("params", "classes"),
    [
        ("", ("Activation",)),  # an output that is fed and not changed
        ("power: 2", ("caffe2keras>Power",)),
        ("scale: 2", ("caffe2keras>Power",)),
        ("shift: 2", ("caffe2keras>Power",)),
        ("power: 3 scale: 0.5 shift: 2", ("caffe2keras>Power",)),
    ],
)
def test_only_the_identity_is_no_power(params: str, classes, checked) -> None:
    made = checked(layer("Power", "x", f"power_param {{ {params} }}"), x=(2, 3, 5, 4))
    assert made.classes == classes


def test_the_product_of_an_axpy_is_named_apart(net_of) -> None:
    for factors in ((2, 3), (2, 3, 1, 1)):
        net = net_of(layer("Axpy", "a x z"), a=factors, x=(2, 3, 5, 4), z=(2, 3, 5, 4))
        names = [named.name for named in map_net(net).layers]
        assert names[-2:] == ["l_scale", "l"]


def test_what_trains_a_channel_scale_is_let_pass(net_of) -> None:
    params = (
        "channel_scale_param { do_backward_feature: false do_backward_scale: false "
        "global_scale: true max_global_scale: 9 min_global_scale: 2 init_global_scale: 3 }"
    )
    net = net_of(layer("ChannelScale", "x f", params), x=(2, 3, 5, 4), f=(2, 1, 5, 4))
    assert map_net(net).layers[-1].layer.class_name == "caffe2keras>Scale"


@pytest.mark.backend
@pytest.mark.parametrize(
    ("kind", "params", "given", "batch"),
    [
        ("Scale", "scale_param { axis: 1 }", (3, 5), 2),
        ("Scale", "scale_param { axis: 0 }", (2, 3), None),
        ("Scale", "scale_param { axis: 0 bias_term: true }", (2, 3), 2),
        ("Scale", "scale_param { axis: 1 bias_term: true }", (3, 5), 2),
        ("Scale", "scale_param { axis: 0 }", (2, 3, 5, 4), None),
        ("Scale", "scale_param { axis: -2 }", (5, 4), 2),
        ("Bias", "bias_param { axis: 1 }", (3, 5), 2),
        ("Bias", "bias_param { axis: 0 }", (2, 3, 5), None),
    ],
)
def test_factors_without_a_batch_tie_it_down(kind, params, given, batch, checked) -> None:
    made = checked(layer(kind, "x g", params), x=(2, 3, 5, 4), g=given)
    assert made.report.static_batch == batch


@pytest.mark.backend
@pytest.mark.parametrize(
    ("kind", "params", "batch"),
    [
        ("Scale", "scale_param { axis: 0 bias_term: true }", 2),
        ("Scale", "scale_param { axis: 1 num_axes: 2 bias_term: true }", None),
        ("Scale", "scale_param { axis: 2 num_axes: -1 }", None),
        ("Scale", "scale_param { num_axes: 0 }", None),
        ("Bias", "bias_param { axis: 0 num_axes: 2 }", 2),
        ("Bias", "bias_param { axis: -1 }", None),
    ],
)
def test_learned_factors_of_the_batch_tie_it_down(kind, params, batch, checked) -> None:
    made = checked(layer(kind, "x", params), x=(2, 3, 5, 4))
    assert made.report.static_batch == batch


@pytest.mark.backend
def test_a_concat_of_one_blob_is_that_blob(checked) -> None:
    assert checked(layer("Concat", "x"), x=(2, 3, 5, 4)).classes == ("Activation",)

"""Arrays that layers share by name, as net.cpp's AppendParam joins them."""

from __future__ import annotations

import pytest

from caffe2keras.errors import ShapeError

DATA = 'input: "data" input_shape { dim: 2 dim: 6 }\n'


def dense(name: str, params: str, units: int = 6, bottom: str = "data", more: str = "") -> str:
    return (
        f'layer {{ name: "{name}" type: "InnerProduct" bottom: "{bottom}" top: "{name}" {params} '
        f"inner_product_param {{ num_output: {units} {more} }} }}\n"
    )


def mults(layer):
    return [(weight.lr_mult, weight.decay_mult) for weight in layer.weights]


def owners(layer):
    return [(weight.owner, weight.index, weight.param_name) for weight in layer.weights]


def test_multipliers_are_one_unless_stated(built):
    net = built(DATA + dense("a", "param { lr_mult: 3 }") + dense("b", "param { decay_mult: 0 }"))
    assert mults(net.layers[1]) == [(3.0, 1.0), (1.0, 1.0)]
    assert mults(net.layers[2]) == [(1.0, 0.0), (1.0, 1.0)]


def test_the_first_layer_that_uses_a_name_owns_the_array(built):
    net = built(
        DATA
        + dense("a", 'param { name: "w" } param { name: "v" }')
        + dense("b", 'param { name: "w" } param { name: "u" }')
    )
    assert owners(net.layers[1]) == [("a", 0, "w"), ("a", 1, "v")]
    assert owners(net.layers[2]) == [("a", 0, "w"), ("b", 1, "u")]


def test_an_array_can_be_shared_inside_one_layer_or_crosswise(built):
    net = built(
        DATA
        + dense("a", 'param { } param { name: "v" }')
        + 'layer { name: "s" type: "Bias" bottom: "a" top: "s" param { name: "v" } }'
    )
    assert owners(net.layers[2]) == [("a", 1, "v")]


def test_a_multiplier_holds_for_all_that_share_the_array(built):
    net = built(
        DATA
        + dense("a", 'param { name: "w" lr_mult: 2 }')
        + dense("b", 'param { name: "w" decay_mult: 5 }')
    )
    assert mults(net.layers[1])[0] == mults(net.layers[2])[0] == (2.0, 5.0)


def test_shared_arrays_must_have_one_shape(built):
    with pytest.raises(ShapeError) as caught:
        built(DATA + dense("a", 'param { name: "w" }', 4) + dense("b", 'param { name: "w" }', 5))
    assert str(caught.value) == (
        'layer "b" (InnerProduct) cannot share "w": its array 0 has shape (5, 6), the owner\'s '
        "has (4, 6)\n"
        "  in: net.prototxt:3\n"
        '  why: layer "a" (InnerProduct) at net.prototxt:2 named it first\n'
        "  try: share_mode: PERMISSIVE asks for equal sizes only"
    )


def test_permissive_sharing_asks_for_equal_sizes_only(built):
    first = dense("a", 'param { name: "w" }', 4)
    turned = dense("b", 'param { name: "w" share_mode: PERMISSIVE }', 6, "a")
    net = built(DATA + first + turned)
    assert [layer.weights[0].shape for layer in net.layers[1:]] == [(4, 6), (6, 4)]
    with pytest.raises(ShapeError, match='cannot share "w"'):
        built(DATA + first + turned.replace("num_output: 6", "num_output: 7"))

"""Transpose, Reverse, ReverseTime, Flip and ShuffleChannel, held against the oracle."""

from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.backend


def layer(words: str, bottoms: str = 'bottom: "x"') -> str:
    return f'layer {{ name: "l" {words} {bottoms} top: "y" }}'


CONVOLVED = """
layer {
  name: "conv" type: "Convolution" bottom: "x" top: "c"
  convolution_param { num_output: 6 kernel_size: 2 }
}
"""

LSTM = (
    'layer { name: "h" type: "LSTM" bottom: "y" bottom: "cont" top: "h" recurrent_param '
    '{ num_output: 2 weight_filler { type: "xavier" } bias_filler { value: 0.5 } } }'
)
SHUFFLE = layer('type: "ShuffleChannel" shuffle_channel_param { group: %d }')
DENSE = """
layer {
  name: "fc" type: "InnerProduct" bottom: "y" top: "z" inner_product_param { num_output: 5 }
}
"""


@pytest.mark.parametrize("order", [(3, 0, 1, 2), (0, 2, 1, 3), (2, 3, 0, 1)])
def test_transpose_moves_nothing(checked, order):
    dims = " ".join(f"dim: {axis}" for axis in order)
    param = f"transpose_param {{ {dims} }}"
    made = checked(CONVOLVED + layer(f'type: "Transpose" {param}', 'bottom: "c"'), x=(2, 3, 5, 4))
    assert made.classes == ("Conv2D",)


def test_what_stands_behind_a_transpose_sees_caffes_order(checked):
    param = "transpose_param { dim: 0 dim: 3 dim: 1 dim: 2 }"
    checked(CONVOLVED + layer(f'type: "Transpose" {param}', 'bottom: "c"') + DENSE, x=(2, 3, 5, 4))


@pytest.mark.parametrize("axis", [1, 2, 3])
def test_reverse_turns_an_axis_round(checked, axis):
    made = checked(layer(f'type: "Reverse" reverse_param {{ axis: {axis} }}'), x=(2, 3, 5, 4))
    assert made.classes == ("caffe2keras>Reverse",)
    assert made.report.static_batch is None


def test_reverse_along_the_batch_fixes_it(checked):
    made = checked(layer('type: "Reverse"'), x=(4, 3, 5))
    assert made.report.static_batch == 4


@pytest.mark.parametrize("copy", ["", "reverse_time_param { copy_remaining: true }"])
def test_reverse_time_turns_each_sequence_round(checked, copy):
    lengths = np.array([5, 2, 0], np.float32)
    x = np.random.default_rng(5).normal(size=(5, 3, 4)).astype(np.float32)
    made = checked(
        layer(f'type: "ReverseTime" {copy}', 'bottom: "x" bottom: "n"'),
        {"x": x, "n": lengths},
        x=(5, 3, 4),
        n=(3,),
    )
    assert made.classes == ("caffe2keras>ReverseSequence",)


@pytest.mark.parametrize(
    ("fields", "classes"),
    [
        ("", ("caffe2keras>Reverse",)),
        ("flip_height: true", ("caffe2keras>Reverse",)),
        ("flip_width: false flip_height: true", ("caffe2keras>Reverse",)),
        ("flip_width: false", ("Activation",)),  # which only names the output
    ],
)
def test_flip_mirrors(checked, fields, classes):
    assert (
        checked(layer(f'type: "Flip" flip_param {{ {fields} }}'), x=(2, 3, 5, 4)).classes == classes
    )


def test_shuffle_channel_is_stock_where_the_size_is_fixed(checked):
    shuffled = SHUFFLE % 3
    made = checked(shuffled + DENSE, x=(2, 6, 5, 4))
    assert made.classes[:3] == ("Reshape", "Permute", "Reshape")


def test_shuffle_channel_keeps_the_freedom_of_size(checked):
    made = checked(SHUFFLE % 3, x=(2, 6, 5, 4))
    assert made.classes == ("caffe2keras>ShuffleChannels",)
    assert made.resizable


def test_shuffle_channel_gives_a_vector_four_axes(checked):
    made = checked(SHUFFLE % 2, x=(2, 6))
    assert made.classes == ("Reshape", "Permute", "Reshape")
    checked(SHUFFLE % 2, x=(2, 6, 5))


def test_one_group_is_no_shuffle(checked):
    assert checked(layer('type: "ShuffleChannel"'), x=(2, 6, 5, 4)).classes == ("Activation",)


@pytest.mark.parametrize(
    ("group", "shape", "classes"),
    [
        (2, (2, 6, 5, 4), ("caffe2keras>ShuffleChannels",)),
        (3, (2, 6, 3, 4), ("caffe2keras>ShuffleChannels",)),
        (6, (2, 6, 5, 4), ("Activation",)),
        (2, (2, 6, 3), ("Permute", "Reshape", "Permute", "Reshape")),
    ],
)
def test_groups_of_every_size_are_shuffled(group, shape, classes, checked) -> None:
    assert checked(SHUFFLE % group, x=shape).classes == classes


@pytest.mark.parametrize(("behind", "batch"), [("", 4), (LSTM, None)])
def test_sequences_turned_round_keep_a_batch_that_is_theirs(behind, batch, checked) -> None:
    turned = (
        'layer { name: "l" type: "ReverseTime" bottom: "x" bottom: "n" top: "y" '
        "reverse_time_param { copy_remaining: true } }\n"
    )
    shapes = {"x": (4, 3, 5), "n": (3,)} | ({"cont": (4, 3)} if behind else {})
    fed = {name: np.arange(np.prod(shape)).reshape(shape) % 5 for name, shape in shapes.items()}
    assert checked(turned + behind, fed, **shapes).report.static_batch == batch

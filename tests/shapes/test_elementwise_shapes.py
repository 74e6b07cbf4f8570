"""Layers whose tops are like their bottoms, and the arrays that they learn."""

from __future__ import annotations

import pytest

B = (2, 3, 5, 7)


@pytest.mark.parametrize(
    "kind",
    ["AbsVal", "BNLL", "Clip", "Dropout", "ELU", "Exp", "Log", "Power", "ReLU", "Sigmoid",
     "Swish", "TanH", "Threshold", "Softmax", "LRN", "MVN"],
)  # fmt: skip
def test_a_top_is_like_its_bottom(inferred, refused, kind):
    answer = inferred(kind, "", B)
    assert answer.tops == (B,)
    assert answer.weights == ()
    refused("takes 1 input, received 2", kind, "", B, B)
    refused("produces 1 output, received 2", kind, "", B, tops=2)


@pytest.mark.parametrize(
    ("words", "kind", "text", "bottom"),
    [
        ("base is -2", "Exp", "exp_param { base: -2 }", B),
        ("base is 1", "Log", "log_param { base: 1 }", B),
        ("base is 0", "Log", "log_param { base: 0 }", B),
        ("axis 1 is out of range", "Softmax", "", (3,)),
        ("local_size is 4", "LRN", "lrn_param { local_size: 4 }", B),
        ("(N, C, H, W)", "LRN", "", (2, 3, 5)),
        ("at most 4 axes", "MVN", "", (1, 2, 3, 4, 5)),
        ("2 axes or more", "PReLU", "", (3,)),
        ("2 axes or more", "BatchNorm", "", (3,)),
    ],
)
def test_what_caffe_refuses_is_refused(refused, words, kind, text, bottom):
    refused(words, kind, text, bottom)


def test_mean_variance_normalisation_always_gives_four_axes(inferred):
    assert inferred("MVN", "", (2, 3)).tops == ((2, 3, 1, 1),)


def test_slopes_are_one_for_each_channel_or_a_scalar(inferred):
    assert inferred("PReLU", "", B).weights == ((3,),)
    assert inferred("PReLU", "prelu_param { channel_shared: true }", (2, 3)).weights == ((),)


def test_batch_statistics_are_one_for_each_channel_and_a_factor(inferred):
    answer = inferred("BatchNorm", "", (2, 3, 5))
    assert answer.tops == ((2, 3, 5),)
    assert answer.weights == ((3,), (3,), (1,))


def test_an_eltwise_takes_inputs_of_one_shape(inferred, refused):
    assert inferred("Eltwise", "", B, B, B).tops == (B,)
    assert inferred("Eltwise", "eltwise_param { coeff: [1, -1] }", B, B).tops == (B,)
    refused("input 0 is (2, 3, 5, 7) but input 1 is (2, 3)", "Eltwise", "", B, (2, 3))
    refused("coeff is given 1 times", "Eltwise", "eltwise_param { coeff: 1 }", B, B)
    text = "eltwise_param { operation: PROD coeff: [1, 2] }"
    refused("the operation is PROD", "Eltwise", text, B, B)
    refused("at least 2 inputs", "Eltwise", "", B)


@pytest.mark.parametrize(
    ("fields", "bottom", "operand"),
    [
        ("", B, (3,)),
        ("axis: 0 num_axes: 2", B, (2, 3)),
        ("axis: -2 num_axes: -1", B, (5, 7)),
        ("axis: 2 num_axes: 1", B, (5,)),
        ("num_axes: 0", B, ()),
    ],
)
def test_a_scale_learns_the_part_of_the_shape_that_it_covers(inferred, fields, bottom, operand):
    answer = inferred("Scale", f"scale_param {{ {fields} }}", bottom)
    assert answer.tops == (bottom,)
    assert answer.weights == (operand,)
    answer = inferred("Scale", f"scale_param {{ {fields} bias_term: true }}", bottom)
    assert answer.weights == (operand, operand)
    assert inferred("Bias", f"bias_param {{ {fields} }}", bottom).weights == (operand,)


def test_a_second_input_is_not_learned_but_its_bias_is(inferred):
    assert inferred("Scale", "scale_param { axis: 0 }", B, (2, 3)).weights == ()
    text = "scale_param { axis: 0 bias_term: true }"
    assert inferred("Scale", text, B, (2, 3)).weights == ((2, 3),)
    assert inferred("Bias", "", B, (3, 5)).weights == ()


def test_a_scalar_fits_wherever_the_axis_points_but_its_bias_does_not(inferred, refused):
    assert inferred("Scale", "scale_param { axis: 9 }", B, ()).tops == (B,)
    refused("axis 9 is out of range", "Scale", "scale_param { axis: 9 bias_term: true }", B, ())


@pytest.mark.parametrize(
    ("words", "fields", "bottoms"),
    [
        ("reach past the input's shape", "axis: 3 num_axes: 2", [B]),
        ("num_axes is -2", "num_axes: -2", [B]),
        ("axis 4 is out of range", "axis: 4", [B]),
        ("is not the part of the first", "", [B, (5,)]),
        ("is not the part of the first", "axis: 2", [B, (5, 7, 1)]),
        ("at most 2 inputs, received 3", "", [B, (3,), (3,)]),
    ],
)
def test_a_scale_beyond_its_input_is_refused(refused, words, fields, bottoms):
    refused(words, "Scale", f"scale_param {{ {fields} }}", *bottoms)

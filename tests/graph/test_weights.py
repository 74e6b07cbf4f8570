"""Numbers come by layer name; whatever disagrees is told at once."""

from __future__ import annotations

import numpy as np
import pytest

from caffe2keras.errors import WeightsMismatchError
from caffe2keras.graph.weights import attach_weights
from caffe2keras.read.weights import BlobData

DATA = 'input: "data" input_shape { dim: 2 dim: 3 dim: 9 dim: 7 }\n'
CONV = """layer { name: "conv1" type: "Convolution" bottom: "data" top: "c"
  convolution_param { num_output: 4 kernel_h: 2 kernel_w: 3 } }
"""
FC = """layer { name: "fc" type: "InnerProduct" bottom: "data" top: "f"
  inner_product_param { num_output: 5 } }
"""


RANDOM = 'weight_filler { type: "xavier" } '


def blob(shape, start=0.0, legacy=False):
    numbers = (start + np.arange(np.prod(shape), dtype=np.float32)).reshape(shape)
    return BlobData(shape, legacy, numbers.size, "w.caffemodel", lambda: numbers)


def notes(net):
    return [str(note) for note in net.notes]


def test_arrays_come_to_the_layer_of_their_name(built, stored, layer_of):
    net = attach_weights(built(DATA + CONV), stored(("conv1", (4, 3, 2, 3), (4,))))
    kernel, bias = layer_of(net, "conv1").weights
    assert kernel.array.shape == (4, 3, 2, 3)
    assert kernel.array[3, 2, 1, 2] == 71
    assert bias.array.tolist() == [0, 1, 2, 3]
    assert net.notes == ()


def test_the_net_given_stays_without_numbers(built, stored):
    net = built(DATA + CONV)
    attach_weights(net, stored(("conv1", (4, 3, 2, 3), (4,))))
    assert net.layers[1].weights[0].data is None


def test_of_two_layers_of_one_name_in_the_file_the_later_wins(built, stored, layer_of):
    first = ("conv1", (4, 3, 2, 3), blob((4,), 10))
    second = ("conv1", (4, 3, 2, 3), blob((4,), 20))
    net = attach_weights(built(DATA + CONV), stored(first, second))
    assert layer_of(net, "conv1").weights[1].array.tolist() == [20, 21, 22, 23]


def test_old_four_axes_are_compared_from_the_end(built, stored, layer_of):
    file = stored(
        ("conv1", blob((4, 3, 2, 3), legacy=True), blob((1, 1, 1, 4), legacy=True)),
        ("fc", blob((1, 1, 5, 189), legacy=True), blob((1, 1, 1, 5), legacy=True)),
    )
    net = attach_weights(built(DATA + CONV + FC), file)
    assert [weight.array.shape for weight in layer_of(net, "fc").weights] == [(5, 189), (5,)]
    assert layer_of(net, "conv1").weights[1].array.shape == (4,)


CONV_3D = """layer { name: "conv" type: "Convolution3D" bottom: "video" top: "c"
  convolution_param { num_output: 4 kernel_size: 3 kernel_depth: 2 } }
layer { name: "fc" type: "InnerProduct" bottom: "c" top: "f" inner_product_param { num_output: 5 } }
"""


def test_the_five_axes_of_c3d_are_compared_from_the_end(built, stored, layer_of):
    video = 'input: "video" input_shape { dim: 1 dim: 2 dim: 3 dim: 4 dim: 5 }\n'
    kernel, bias = blob((4, 2, 2, 3, 3), legacy=True), blob((1, 1, 1, 1, 4), legacy=True)
    rows, terms = blob((1, 1, 1, 5, 48), legacy=True), blob((1, 1, 1, 1, 5), legacy=True)
    file = stored(("conv", kernel, bias), ("fc", rows, terms))
    net = attach_weights(built(video + CONV_3D), file)
    assert [weight.array.shape for weight in layer_of(net, "fc").weights] == [(5, 48), (5,)]
    with pytest.raises(WeightsMismatchError, match="num, channels, length, height, width"):
        attach_weights(built(video + CONV_3D), stored(("conv", rows, bias), ("fc", rows, terms)))


@pytest.mark.parametrize("shape", [(1, 3), (1, 3, 1, 1)])
def test_a_bn_s_arrays_have_two_axes_or_four(built, stored, layer_of, shape):
    bn = 'layer { name: "bn" type: "BN" bottom: "data" top: "b" bn_param { frozen: true } }\n'
    net = attach_weights(built(DATA + bn), stored(("bn", *[shape] * 4)))
    assert layer_of(net, "bn").weights[3].array.ravel().tolist() == [0, 1, 2]
    with pytest.raises(WeightsMismatchError):
        attach_weights(built(DATA + bn), stored(("bn", *[(3, 1)] * 4)))


def test_the_numbers_are_a_view_of_what_is_stored(built, stored, layer_of):
    numbers = np.arange(4, dtype=np.float32)
    view = BlobData((1, 1, 1, 4), True, 4, "w.caffemodel", lambda: numbers)
    net = attach_weights(built(DATA + CONV), stored(("conv1", (4, 3, 2, 3), view)))
    assert np.shares_memory(layer_of(net, "conv1").weights[1].array, numbers)


def test_new_shapes_are_compared_exactly(built, stored):
    with pytest.raises(WeightsMismatchError):
        attach_weights(built(DATA + CONV), stored(("conv1", (4, 3, 2, 3), (1, 1, 1, 4))))


def test_everything_that_disagrees_is_told_at_once(built, stored):
    file = stored(
        ("conv1", (4, 3, 3, 2), (4,)), ("fc", (5, 189)), ("ip", (7, 2), (7,)), ("other", (2,))
    )
    ip = FC.replace('"fc"', '"ip1"').replace('"f"', '"g"').replace("num", RANDOM + "num")
    with pytest.raises(WeightsMismatchError) as caught:
        attach_weights(built(DATA + CONV + FC + ip), file)
    assert str(caught.value) == (
        "prototxt and weights disagree in 3 places\n"
        '  - layer "conv1" (Convolution), blob 0: expected shape (4, 3, 2, 3), received '
        "(4, 3, 3, 2)\n"
        '  - layer "fc" (InnerProduct): expected 2 arrays: (5, 189), (5,), received 1: (5, 189)\n'
        '  - layer "ip1" (InnerProduct): expected 2 arrays: (5, 189), (5,), but the file does not '
        'have it; did you mean "ip"?\n'
        "  in: w.caffemodel\n"
        "  try: use the prototxt that these weights were trained with; layers meant to be new can "
        "be filled instead"
    )


def test_an_old_shape_is_told_as_what_it_is(built, stored):
    file = stored(("conv1", blob((3, 4, 2, 3), legacy=True), (4,)))
    with pytest.raises(WeightsMismatchError) as caught:
        attach_weights(built(DATA + CONV), file)
    assert caught.value.mismatches == (
        'layer "conv1" (Convolution), blob 0: expected shape (4, 3, 2, 3), received (3, 4, 2, 3) '
        "(num, channels, height, width)",
    )


def test_a_blob_that_cannot_be_read_is_told_with_the_rest(built, stored):
    short = BlobData((4,), False, 3, "w.caffemodel", lambda: np.zeros(3, np.float32))
    with pytest.raises(WeightsMismatchError) as caught:
        attach_weights(built(DATA + CONV), stored(("conv1", (4, 3, 2, 3), short)))
    assert caught.value.mismatches == (
        'layer "conv1" (Convolution), blob 1: expected 4 numbers for its shape (4,), received 3',
    )


def test_arrays_for_a_layer_that_learns_nothing_are_a_mismatch(built, stored):
    relu = 'layer { name: "r" type: "ReLU" bottom: "data" top: "r" }'
    with pytest.raises(WeightsMismatchError) as caught:
        attach_weights(built(DATA + relu), stored(("r", (3,))))
    assert caught.value.mismatches == ('layer "r" (ReLU): expected no arrays, received 1: (3,)',)


def test_what_the_net_does_not_ask_for_is_noted_briefly(built, stored):
    more = [(f"x{i}", (1,)) for i in range(7)]
    net = attach_weights(built(DATA + CONV), stored(("conv1", (4, 3, 2, 3), (4,)), *more, ("r",)))
    assert notes(net) == [
        "left over: weights file: 7 layers have numbers that this net does not ask for: "
        "x0, x1, x2, x3, x4, ..."
    ]


def test_numbers_for_a_layer_without_shape_rule_are_left_over(built, stored):
    text = DATA + 'layer { name: "m" type: "Mystery" bottom: "data" top: "m" }'
    net = attach_weights(built(text), stored(("m", (3,))))
    assert notes(net) == [
        "left over: weights file: 1 layers have numbers that this net does not ask for: m"
    ]


SHARED = """
layer { name: "a" type: "InnerProduct" bottom: "data" top: "a" param { name: "w" }
  param { name: "v" } inner_product_param { num_output: 189 axis: 1 } }
layer { name: "b" type: "InnerProduct" bottom: "a" top: "b" param { name: "w" }
  inner_product_param { num_output: 189 } }
"""


def test_sharers_hold_the_same_numbers_and_the_last_in_the_file_wins(built, stored, layer_of):
    file = stored(
        ("a", blob((189, 189), 1), blob((189,), 2)), ("b", blob((189, 189), 3), blob((189,), 4))
    )
    net = attach_weights(built(DATA + SHARED), file)
    one, two = (layer_of(net, name).weights[0].array for name in "ab")
    assert np.shares_memory(one, two)
    assert one[0, 0] == two[0, 0] == 3
    assert layer_of(net, "a").weights[1].array[0] == 2


def test_hdf5_keeps_a_shared_array_at_its_owner_only(built, stored, layer_of):
    file = stored(("a", (189, 189), (189,)), ("b", None, (189,)))
    net = attach_weights(built(DATA + SHARED), file)
    assert np.shares_memory(*(layer_of(net, name).weights[0].array for name in "ab"))


def test_an_own_array_that_hdf5_does_not_have_is_a_mismatch(built, stored):
    with pytest.raises(WeightsMismatchError) as caught:
        attach_weights(built(DATA + FC), stored(("fc", (5, 189), None)))
    assert caught.value.mismatches == ('layer "fc" (InnerProduct), blob 1: it is not in the file',)


def test_permissive_sharers_see_their_own_shape(built, stored, layer_of):
    text = """input: "data" input_shape { dim: 2 dim: 6 }
layer { name: "a" type: "InnerProduct" bottom: "data" top: "a" param { name: "w" }
  inner_product_param { num_output: 4 bias_term: false } }
layer { name: "b" type: "InnerProduct" bottom: "a" top: "b"
  param { name: "w" share_mode: PERMISSIVE }
  inner_product_param { num_output: 6 bias_term: false } }
"""
    net = attach_weights(built(text), stored(("a", (4, 6))))
    assert layer_of(net, "b").weights[0].array.tolist() == np.arange(24).reshape(6, 4).tolist()


UPSAMPLING = """layer { name: "up" type: "Deconvolution" bottom: "data" top: "u"
  convolution_param { num_output: 3 group: 3 kernel_size: 4 stride: 2 bias_term: false
    weight_filler { type: "bilinear" } } }
"""


def test_what_the_prototxt_determines_is_filled_and_noted(built, stored, layer_of):
    scale = """layer { name: "s" type: "Scale" bottom: "data" top: "s"
  scale_param { bias_term: true } }"""
    file = stored(("conv1", (4, 3, 2, 3), (4,)))
    net = attach_weights(built(DATA + CONV + UPSAMPLING + scale), file)
    assert notes(net) == [
        "filled: up: the weights file does not have this Deconvolution; filled as Caffe does: "
        "array 0 with bilinear",
        "filled: s: the weights file does not have this Scale; filled as Caffe does: "
        "array 0 with constant 1; array 1 with constant 0",
    ]
    assert layer_of(net, "s").weights[0].array.tolist() == [1, 1, 1]
    assert layer_of(net, "up").weights[0].filled == "bilinear"


def test_constants_where_training_starts_are_filled_with_a_warning(built, stored):
    file = stored(("conv1", (4, 3, 2, 3), (4,)), ("fc1", (1,)))
    assert notes(attach_weights(built(DATA + CONV + FC), file)) == [
        "warning: fc: the weights file does not have this InnerProduct; filled as Caffe does: "
        'array 0 with constant 0; array 1 with constant 0; did you mean "fc1"?',
        "left over: weights file: 1 layers have numbers that this net does not ask for: fc1",
    ]


def test_random_numbers_are_not_filled_unless_asked(built, stored):
    net = built(DATA + CONV + FC.replace("num_output", RANDOM + "num_output"))
    file = stored(("conv1", (4, 3, 2, 3), (4,)))
    with pytest.raises(WeightsMismatchError) as caught:
        attach_weights(net, file)
    assert caught.value.mismatches == (
        'layer "fc" (InnerProduct): expected 2 arrays: (5, 189), (5,), but the file does not have '
        "it",
    )
    filled = attach_weights(net, file, missing="fill")
    assert [weight.filled for weight in filled.layers[2].weights] == ["xavier", "constant 0"]
    assert [weight.filled for weight in filled.layers[1].weights] == ["", ""]


def test_a_file_that_has_nothing_of_the_net_is_refused(built, stored):
    with pytest.raises(WeightsMismatchError, match="disagree in 1 place"):
        attach_weights(built(DATA + CONV), stored(("other", (1,))))


def test_a_whole_net_can_be_filled(built, layer_of):
    norm = 'layer { name: "n" type: "BatchNorm" bottom: "data" top: "n" }'
    net = attach_weights(built(DATA + CONV + norm), None)
    assert notes(net) == [
        "filled: weights: 5 arrays are filled as the prototxt says, since there is no weights "
        "file; each BatchNorm starts as the identity (mean 0, variance 1)"
    ]
    mean, variance, factor = (weight.array for weight in layer_of(net, "n").weights)
    assert (mean.tolist(), variance.tolist(), factor.tolist()) == ([0] * 3, [1] * 3, [1])


def test_a_net_that_learns_nothing_needs_no_numbers(built, stored):
    net = built(DATA + 'layer { name: "r" type: "ReLU" bottom: "data" top: "r" }')
    assert attach_weights(net, None).notes == ()
    assert attach_weights(net, stored()).notes == ()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_none_are_noted(built, stored, bad):
    numbers = np.array([1, 2, bad, 4], np.float32)
    bias = BlobData((4,), False, 4, "w.caffemodel", lambda: numbers)
    net = attach_weights(built(DATA + CONV), stored(("conv1", (4, 3, 2, 3), bias)))
    assert notes(net) == ["suspicious: conv1: its stored blob 1 holds NaN or infinity"]


def test_a_file_of_another_net_altogether_is_told_in_time(built, stored):
    fc = 'layer {{ name: "a{0}" type: "Bias" bottom: "data" top: "a{0}" bias_param {{ filler {{ '
    fc += 'type: "gaussian" }} }} }}\n'
    net = built(DATA + "".join(fc.format(i) for i in range(3_000)))
    file = stored(*[(f"b{i}", (3,)) for i in range(3_000)])
    with pytest.raises(WeightsMismatchError, match="disagree in 3000 places"):
        attach_weights(net, file)

import pytest

from caffe2keras.diagram.kinds import KINDS, kind_of
from caffe2keras.layer_map.registry import mappings

DATA = 'input: "data" input_shape { dim: 2 dim: 3 dim: 11 dim: 8 }\n'


def layer(name, kind, bottoms, tops, more=""):
    ends = "".join(f' bottom: "{b}"' for b in bottoms) + "".join(f' top: "{t}"' for t in tops)
    return f'layer {{ name: "{name}" type: "{kind}"{ends} {more} }}\n'


CONV = "convolution_param { num_output: 7 kernel_h: 2 kernel_w: 4 }"


def names(chart):
    return [[step.name for step in node.steps] for node in chart.nodes]


def test_layers_in_place_fold_into_their_producer(chart_of):
    text = DATA + layer("conv", "Convolution", ["data"], ["conv"], CONV)
    text += layer("relu", "ReLU", ["conv"], ["conv"]) + layer("drop", "Dropout", ["conv"], ["conv"])
    chart = chart_of(text + layer("prob", "Softmax", ["conv"], ["prob"]))
    assert names(chart)[1:] == [["conv", "relu", "drop"], ["prob"]]
    assert [(edge.source, edge.target, edge.shape) for edge in chart.edges] == [
        (0, 1, (2, 3, 11, 8)),
        (1, 2, (2, 7, 10, 5)),
        (2, None, (2, 7, 10, 5)),
    ]
    assert chart.nodes[1].steps[0].detail == "2x4 kernel, 7 channels"


def test_a_layer_in_place_stands_alone_where_what_it_overwrites_is_read_too(chart_of):
    text = DATA + layer("conv", "Convolution", ["data"], ["conv"], CONV)
    text += layer("pool", "Pooling", ["conv"], ["pool"], "pooling_param { kernel_size: 2 }")
    chart = chart_of(text + layer("relu", "ReLU", ["conv"], ["conv"]))
    assert names(chart)[1:] == [["conv"], ["pool"], ["relu"]]


def test_a_layer_in_place_with_a_second_bottom_makes_no_cycle(chart_of):
    text = DATA + layer("a", "ReLU", ["data"], ["a"]) + layer("b", "TanH", ["a"], ["b"])
    chart = chart_of(text + layer("sum", "Eltwise", ["a", "b"], ["a"]))
    assert names(chart)[1:] == [["a"], ["b"], ["sum"]]
    assert all(edge.target is None or edge.source < edge.target for edge in chart.edges)


def test_a_blob_read_twice_by_one_layer_is_one_line(chart_of):
    chart = chart_of(DATA + layer("sum", "Eltwise", ["data", "data"], ["sum"]))
    assert [(edge.source, edge.target) for edge in chart.edges] == [(0, 1), (1, None)]


def test_a_shape_behind_an_unknown_layer_is_a_question_mark(chart_of):
    chart = chart_of(DATA + layer("magic", "Magic", ["data"], ["magic"]))
    assert chart.edges[-1].shape is None
    assert chart.nodes[-1].kind == "other"


def test_inner_products_tell_their_outputs(chart_of):
    text = layer("fc", "InnerProduct", ["data"], ["fc"], "inner_product_param { num_output: 5 }")
    assert chart_of(DATA + text).nodes[1].steps[0].detail == "5 outputs"


@pytest.mark.parametrize(
    ("layer_type", "kind"),
    [
        ("Convolution", "convolution"),
        ("DepthwiseConv2D", "convolution"),
        ("SoftmaxWithLoss", "loss"),
        ("Softmax", "activation"),
        ("caffe2keras>MaxPooling2DWithMask", "pooling"),
        ("BatchNormalization", "normalization"),
        ("InnerProduct", "dense"),
        ("Concatenate", "joining"),
        ("ROIPooling", "detection"),
        ("InputLayer", "data"),
        ("CaffeLSTM", "recurrent"),
        ("SomebodysOwn", "other"),
    ],
)
def test_a_type_is_of_the_kind_that_its_name_says(layer_type, kind):
    assert kind_of(layer_type) == kind


def test_few_of_the_types_that_we_know_are_of_no_kind():
    strangers = [name for name in mappings() if kind_of(name) == "other"]
    assert len(strangers) < 8, strangers
    assert {kind_of(name) for name in mappings()} <= set(KINDS)

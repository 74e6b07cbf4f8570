"""Data layers become inputs; shapes that the prototxt hides are asked for."""

from __future__ import annotations

import pytest

from caffe2keras.errors import GraphError, InputError, UnsupportedError

FLATTEN = 'layer { name: "f" type: "Flatten" bottom: "data" top: "f" }\n'
LOSS = 'layer { name: "l" type: "SoftmaxWithLoss" bottom: "f" bottom: "label" top: "l" }\n'


def data(kind: str, params: str, tops: str = 'top: "data" top: "label"') -> str:
    return f'layer {{ name: "d" type: "{kind}" {tops} {params} }}\n'


def shapes(net):
    return {blob.name: blob.dims for blob in net.inputs}


@pytest.mark.parametrize(
    ("kind", "params", "expected"),
    [
        (
            "MemoryData",
            "memory_data_param { batch_size: 4 channels: 2 height: 5 width: 3 }",
            (4, 2, 5, 3),
        ),
        (
            "ImageData",
            "image_data_param { batch_size: 4 new_height: 5 new_width: 6 }",
            (4, 3, 5, 6),
        ),
        (
            "ImageData",
            "image_data_param { batch_size: 4 is_color: false new_height: 9 new_width: 8 }"
            "transform_param { crop_size: 7 }",
            (4, 1, 7, 7),
        ),
        (
            "WindowData",
            "window_data_param { batch_size: 4 } transform_param { crop_size: 7 }",
            (4, 3, 7, 7),
        ),
        (
            "Data",
            "data_param { batch_size: 4 } transform_param { crop_size: 7 }",
            (4, 3, 7, 7),
        ),
        (
            "Data",
            "data_param { batch_size: 4 } transform_param { crop_size: 7 force_gray: true }",
            (4, 1, 7, 7),
        ),
    ],
)
def test_what_a_data_layer_says_of_its_shape_is_believed(built, kind, params, expected):
    net = built(data(kind, params) + FLATTEN + LOSS)
    assert shapes(net) == {"data": expected, "label": expected[:1]}


@pytest.mark.parametrize(
    "kind", ["Data", "HDF5Data", "DenseImageData", "AnnotatedData", "VideoData", "SomeForksData"]
)
def test_every_data_layer_becomes_an_input_and_keeps_its_parameters(built, kind):
    text = data(kind, "transform_param { scale: 0.5 }", 'top: "data"') + FLATTEN
    [layer, _] = built(text, input_shapes={"data": (2, 3, 5, 4)}).layers
    assert (layer.type, layer.tops[0].shape) == ("Input", (2, 3, 5, 4))
    assert layer.params.transform_param.scale == 0.5


def test_that_a_database_holds_colour_images_is_an_assumption_and_is_told(built):
    params = "data_param { batch_size: 4 } transform_param { crop_size: 7 %s }"
    assumed = [note.text for note in built(data("Data", params % "") + FLATTEN + LOSS).notes]
    assert any("3 channels; --input-shape data=N,C,H,W" in text for text in assumed)
    known = built(data("Data", params % "force_color: true") + FLATTEN + LOSS)
    assert not any("channels" in note.text for note in known.notes)


def test_a_label_that_nobody_reads_is_dropped_with_a_note(built):
    net = built(data("Data", "") + FLATTEN, input_shapes={"data": (2, 3, 5, 4)})
    assert shapes(net) == {"data": (2, 3, 5, 4)}
    assert [str(note) for note in net.notes] == [
        'dropped: label: nothing in this net reads this top of layer "d" (Data)'
    ]


def test_labels_have_one_number_for_each_item_of_the_batch(built):
    net = built(data("Data", "") + FLATTEN + LOSS, input_shapes={"data": (6, 3, 5, 4)})
    assert shapes(net) == {"data": (6, 3, 5, 4), "label": (6,)}


def test_the_shape_of_a_label_need_not_be_told(built):
    net = built(data("HDF5Data", "") + FLATTEN + LOSS, input_shapes={"data": (6, 3, 5, 4)})
    assert shapes(net) == {"data": (6, 3, 5, 4), "label": None}


def test_labels_that_do_not_fit_the_batch_are_no_obstacle(built):
    text = (
        'input: "data" input_shape { dim: 8 dim: 5 } input: "label" input_shape { dim: 8 }'
        + FLATTEN
        + LOSS
    )
    net = built(text, input_shapes={"data": (3, 5)})
    assert net.layers[1].tops[0].shape == (3, 5)


def test_all_shapes_that_are_missing_are_asked_for_at_once(built):
    text = (
        data("HDF5Data", "", 'top: "data" top: "other"')
        + FLATTEN
        + 'layer { name: "g" type: "Flatten" bottom: "other" top: "g" }'
    )
    with pytest.raises(InputError) as caught:
        built(text)
    assert str(caught.value) == (
        'nobody has told the shape of input "data", input "other"\n'
        '  in: net.prototxt:1, layer "d" (HDF5Data)\n'
        "  why: the prototxt does not say it; a data layer finds it in its data\n"
        "  try: --input-shape data=N,C,H,W --input-shape other=N,C,H,W"
    )


def test_a_python_layer_without_bottoms_reads_data(built):
    text = data("Python", 'python_param { module: "layers" layer: "Images" }') + FLATTEN + LOSS
    with pytest.raises(InputError, match='the shape of input "data"'):
        built(text)
    net = built(text, input_shapes={"data": (4, 3, 5, 6)})
    assert shapes(net)["data"] == (4, 3, 5, 6)
    assert net.layers[0].type == "Input"


def test_a_told_shape_goes_before_the_declared_one(built):
    text = 'input: "data" input_dim: 1 input_dim: 3 input_dim: 9 input_dim: 7\n' + FLATTEN
    assert built(text, input_shapes={"data": (2, 4, 5)}).outputs[0].shape == (2, 20)


def test_a_told_name_must_be_an_input(built):
    text = 'input: "data" input_dim: 1 input_dim: 3 input_dim: 9 input_dim: 7\n' + FLATTEN
    with pytest.raises(InputError) as caught:
        built(text, input_shapes={"dota": (2, 4, 5)})
    assert str(caught.value) == (
        'a shape is given for "dota", which is no input of this net\n'
        "  in: net.prototxt\n"
        "  why: its inputs are data\n"
        '  try: did you mean "data"?'
    )
    with pytest.raises(InputError, match='"f", which is no input'):
        built(text, input_shapes={"f": (2, 4, 5)})


def test_one_shape_may_serve_all_tops_of_an_input_layer(built):
    text = (
        'layer { name: "i" type: "Input" top: "a" top: "b" input_param { %s } }'
        'layer { name: "x" type: "Eltwise" bottom: "a" bottom: "b" top: "x" }'
    )
    assert shapes(built(text % "shape { dim: 2 dim: 5 }")) == {"a": (2, 5), "b": (2, 5)}
    two = "shape { dim: 2 dim: 5 } shape { dim: 2 dim: 5 }"
    assert shapes(built(text % two)) == {"a": (2, 5), "b": (2, 5)}
    with pytest.raises(GraphError) as caught:
        built(text % (two + "shape { dim: 1 }"))
    assert str(caught.value) == (
        'layer "i" (Input) has 2 tops and 3 shapes\n'
        "  in: net.prototxt:1\n"
        "  why: Caffe takes one shape for all tops, or one for each\n"
        "  try: give every top its own shape"
    )


@pytest.mark.parametrize("dims", ["dim: 0 dim: 5", "dim: -1 dim: 5"])
def test_a_shape_with_a_hole_counts_as_untold(built, dims):
    with pytest.raises(InputError, match='nobody has told the shape of input "data"'):
        built(f'input: "data" input_shape {{ {dims} }}\n' + FLATTEN)


DUMMY = """
layer { name: "d" type: "DummyData" top: "data" top: "b" top: "c" dummy_data_param {
  shape { dim: 2 dim: 3 } shape { dim: 2 dim: 4 } shape { dim: 2 dim: 5 }
  data_filler { type: "constant" value: 1 } data_filler { type: "%s" value: 2 }
  data_filler { type: "constant" value: 3 } } }
layer { name: "x" type: "Concat" bottom: "data" bottom: "b" bottom: "c" top: "x" }
"""


FED = 'layer { name: "i" type: "Input" top: "i" input_param { shape { dim: 2 } } }\n'


def test_constant_dummy_data_stays(built):
    net = built(FED + DUMMY % "constant")
    assert shapes(net) == {"i": (2,)}
    assert [top.dims for top in net.layers[1].tops] == [(2, 3), (2, 4), (2, 5)]


def test_random_dummy_data_is_refused_with_advice(built):
    with pytest.raises(UnsupportedError) as caught:
        built(FED + DUMMY % "gaussian")
    assert str(caught.value) == (
        'layer "d" (DummyData) fills blob "b" with random numbers (gaussian)\n'
        "  in: net.prototxt:3\n"
        "  why: a converted net computes the same numbers each time\n"
        "  try: --input-shape b=N,C,H,W makes it an input"
    )


@pytest.mark.parametrize("filler", ["", 'data_filler { type: "gaussian" }'])
def test_the_largest_constant_of_a_net_that_nothing_feeds_is_its_data(built, filler):
    text = (
        'layer { name: "s" type: "DummyData" top: "state" dummy_data_param '
        "{ shape { dim: 1 dim: 4 dim: 80 } } }\n"
        'layer { name: "d" type: "DummyData" top: "data" dummy_data_param '
        f"{{ shape {{ dim: 4 dim: 3 dim: 5 dim: 6 }} {filler} }} }}\n"
    )
    net = built(text + FLATTEN)
    assert shapes(net) == {"data": (4, 3, 5, 6)}
    assert [layer.type for layer in net.layers] == ["DummyData", "Input", "Flatten"]
    (note,) = (note for note in net.notes if note.kind == "decided")
    assert note.subject == "data"
    assert "taken for its data" in note.text


def test_dummy_data_that_is_fed_becomes_an_input_beside_the_rest(built):
    net = built(DUMMY % "gaussian", input_shapes={"b": (2, 4)})
    fed, constant, _ = net.layers
    assert (fed.type, [top.name for top in fed.tops]) == ("Input", ["b"])
    assert [(top.name, top.dims) for top in constant.tops] == [("data", (2, 3)), ("c", (2, 5))]
    fillers = constant.params.dummy_data_param.data_filler
    assert [filler.value for filler in fillers] == [1, 3]
    assert net.outputs[0].shape == (2, 12)


def test_dummy_data_that_is_fed_altogether_leaves_nothing(built):
    told = {"data": (2, 3), "b": (2, 4), "c": (2, 5)}
    assert [layer.type for layer in built(DUMMY % "gaussian", input_shapes=told).layers] == [
        "Input",
        "Concat",
    ]

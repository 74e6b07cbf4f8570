"""The promise: whatever is written in a prototxt is honoured or refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from caffe2keras.convert import convert, load_net
from caffe2keras.errors import (
    GraphError,
    PluginError,
    UnsupportedCombinationError,
    UnsupportedFieldError,
    UnsupportedLayersError,
)
from caffe2keras.layer_map import map_net
from caffe2keras.layer_map.registry import maps
from caffe2keras.spec import KerasModel, line

DATA = 'layer { name: "data" type: "Input" top: "data" input_param { shape { %s } } }\n'
IMAGE = DATA % "dim: 2 dim: 3 dim: 9 dim: 7"


def mapped(text: str, folder: Path, **options: object) -> KerasModel:
    path = folder / "net.prototxt"
    path.write_text(text)
    return map_net(load_net(path), **options)


def classes(model: KerasModel) -> list[str]:
    return [named.layer.class_name for named in model.layers]


def test_all_that_cannot_be_converted_is_told_at_once(tmp_path: Path) -> None:
    text = IMAGE + (
        'layer { name: "a" type: "Mystery" bottom: "data" top: "a" }\n'
        'layer { name: "b" type: "Mystery" bottom: "a" top: "b" }\n'
        'layer { name: "c" type: "Python" bottom: "data" top: "c" }\n'
        'layer { name: "d" type: "ReLU" bottom: "data" top: "d" relu_param { fancy: 3 } }\n'
    )
    with pytest.raises(UnsupportedLayersError) as caught:
        mapped(text, tmp_path)
    mystery, python, field = caught.value.refusals
    assert mystery.startswith('Mystery x 2, first "a"')
    assert ":2)" in mystery
    assert python.startswith('Python, "c"')
    assert "relu_param.fancy = 3" in field
    assert caught.value.exit_code == 5
    assert "4 layers" in caught.value.what


def test_a_field_that_nobody_reads_is_refused_with_its_place(tmp_path: Path) -> None:
    text = IMAGE + (
        'layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"\n'
        "  convolution_param { num_output: 2 kernal_size: 3 kernel_size: 3 } }\n"
    )
    with pytest.raises(UnsupportedFieldError) as caught:
        mapped(text, tmp_path)
    assert "convolution_param.kernal_size = 3 (line 3, column" in caught.value.what
    assert "kernel_size" in caught.value.hint
    assert caught.value.where.endswith("net.prototxt:2")


def test_a_field_at_its_default_is_no_reason_to_refuse(tmp_path: Path) -> None:
    text = IMAGE + (
        'layer { name: "r" type: "ReLU" bottom: "data" top: "r"\n'
        "  softmax_param { axis: 1 } relu_param { negative_slope: 0 engine: CUDNN } }\n"
    )
    assert classes(mapped(text, tmp_path)) == ["InputLayer", "ReLU"]


def test_a_parameter_of_another_layer_type_is_refused_where_a_fork_may_read_it(
    tmp_path: Path,
) -> None:
    text = IMAGE + (
        'layer { name: "r" type: "ReLU" bottom: "data" top: "r" reorg_param { stride: 3 } }\n'
    )
    with pytest.raises(UnsupportedFieldError, match=r"reorg_param\.stride = 3"):
        mapped(text, tmp_path)


def test_a_parameter_of_another_of_bvlcs_layers_is_told(tmp_path: Path) -> None:
    text = IMAGE + (
        'layer { name: "r" type: "ReLU" bottom: "data" top: "r" pooling_param { stride: 2 } }\n'
    )
    (note,) = mapped(text, tmp_path).notes
    assert str(note).startswith('dropped: pooling_param of layer "r": no ReLU layer reads it')


def test_what_one_engine_alone_reads_is_told_and_left_to_it(tmp_path: Path) -> None:
    text = IMAGE + (
        'layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"\n'
        "  convolution_param { num_output: 2 kernel_size: 3 }\n"
        "  quantization_param { bw_layer_in: 8 scale_in: 75.3 scale_params: 1.5 } }\n"
    )
    model = mapped(text, tmp_path)
    assert classes(model) == ["InputLayer", "Conv2D"]
    (note,) = (note for note in model.notes if note.kind == "decided")
    assert note.subject == "conv"
    assert "would compute in 8 bits" in note.text


def test_fields_of_training_are_no_reason_to_refuse(tmp_path: Path) -> None:
    text = IMAGE + (
        'layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"\n'
        '  param { name: "w" lr_mult: 3 decay_mult: 2 } propagate_down: false loss_weight: 2\n'
        '  convolution_param { num_output: 2 kernel_size: 3 weight_filler { type: "msra" }\n'
        '    bias_filler { type: "constant" value: 0.5 } engine: CAFFE } }\n'
    )
    assert classes(mapped(text, tmp_path)) == ["InputLayer", "Conv2D"]


@pytest.mark.parametrize(
    "said",
    [
        "phase: TEST",
        "include { phase: TEST }",
        "exclude { phase: TRAIN }",
        "param { lr_mult: 2 decay_mult: 0 }",
        "loss_weight: 2",
        "propagate_down: false",
        "blobs { shape { dim: [2, 3, 1, 1] } data: [1, 2, 3, 4, 5, 6] }",
    ],
)
def test_what_a_layer_says_about_the_graph_is_no_reason_to_refuse(
    said: str, tmp_path: Path
) -> None:
    text = IMAGE + (
        'layer { name: "c" type: "Convolution" bottom: "data" top: "c" %s\n'
        '  convolution_param { num_output: 2 kernel_size: 1 weight_filler { type: "xavier" } } }'
    )
    assert classes(mapped(text % said, tmp_path)) == ["InputLayer", "Conv2D"]


@pytest.mark.parametrize(
    "said",
    [
        "engine: CAFFE",
        "force_nd_im2col: true",
        'weight_filler { type: "gaussian" std: 0.5 sparse: 3 }',
        'bias_filler { type: "uniform" min: -2 max: 3 }',
    ],
)
def test_how_caffe_computes_and_begins_is_no_reason_to_refuse(said: str, tmp_path: Path) -> None:
    text = IMAGE + (
        'layer { name: "c" type: "Convolution" bottom: "data" top: "c"\n'
        "  convolution_param { num_output: 2 kernel_size: 1 %s } }"
    )
    assert classes(mapped(text % said, tmp_path)) == ["InputLayer", "Conv2D"]


def test_a_net_that_only_passes_its_input_on_has_a_layer_all_the_same(tmp_path: Path) -> None:
    text = IMAGE + 'layer { name: "s" type: "Slice" bottom: "data" top: "s" }\n'
    model = mapped(text, tmp_path)
    assert classes(model) == ["InputLayer", "Activation"]
    assert [tensor.layer for tensor in model.outputs] == ["s"]


def test_a_net_without_layers_behind_its_input_computes_nothing(tmp_path: Path) -> None:
    with pytest.raises(GraphError, match="computes nothing"):
        mapped(IMAGE, tmp_path)


def test_layers_with_the_same_arrays_become_one_that_is_called_twice(tmp_path: Path) -> None:
    conv = (
        'layer { name: "%s" type: "Convolution" bottom: "%s" top: "%s" param { name: "w" }\n'
        '  param { name: "b" } convolution_param { num_output: 3 kernel_size: 3 pad: 1 } }\n'
    )
    text = IMAGE + conv % ("one", "data", "one") + conv % ("two", "one", "two")
    model = mapped(text, tmp_path)
    assert classes(model) == ["InputLayer", "Conv2D"]
    assert [node.layer for node in model.nodes] == ["one", "one"]
    assert (model.outputs[0].layer, model.outputs[0].node) == ("one", 1)


def test_layers_with_the_same_arrays_but_another_window_stay_two(tmp_path: Path) -> None:
    conv = (
        'layer { name: "%s" type: "Convolution" bottom: "data" top: "%s" param { name: "w" }\n'
        '  param { name: "b" } convolution_param { num_output: 3 kernel_size: 3 stride: %d } }\n'
    )
    text = IMAGE + conv % ("one", "one", 1) + conv % ("two", "two", 2)
    assert classes(mapped(text, tmp_path)) == ["InputLayer", "Conv2D", "Conv2D"]


def test_a_blob_is_permuted_once_for_all_who_want_it_so(tmp_path: Path) -> None:
    flat = 'layer { name: "%s" type: "Flatten" bottom: "data" top: "%s" }\n'
    model = mapped(IMAGE + flat % ("a", "a") + flat % ("b", "b"), tmp_path)
    assert classes(model) == ["InputLayer", "Permute", "Flatten", "Flatten"]


def test_channels_first_needs_no_permutation(tmp_path: Path) -> None:
    text = IMAGE + 'layer { name: "a" type: "Flatten" bottom: "data" top: "a" }\n'
    model = mapped(text, tmp_path, data_format="channels_first")
    assert classes(model) == ["InputLayer", "Flatten"]


def test_what_no_output_depends_on_is_left_out_and_told(tmp_path: Path) -> None:
    text = IMAGE + (
        'layer { name: "ref" type: "Input" top: "ref" input_param { shape { dim: 2 dim: 3 '
        "dim: 5 dim: 4 } } }\n"
        'layer { name: "crop" type: "Crop" bottom: "data" bottom: "ref" top: "crop"\n'
        "  crop_param { axis: 2 offset: 1 } }\n"
        'layer { name: "fc" type: "InnerProduct" bottom: "crop" top: "fc"\n'
        "  inner_product_param { num_output: 2 } }\n"
    )
    model = mapped(text, tmp_path)
    assert [tensor.layer for tensor in model.inputs] == ["data"]
    assert any(note.subject == "ref" and note.kind == "dropped" for note in model.notes)


def test_a_batch_that_is_mixed_stays_as_large_as_it_is_and_is_told(tmp_path: Path) -> None:
    text = IMAGE + (
        'layer { name: "s" type: "Softmax" bottom: "data" top: "s" softmax_param { axis: 0 } }\n'
    )
    model = mapped(text, tmp_path)
    assert model.static_batch == 2
    assert model.layers[0].layer.config["batch_input_shape"] == [2, 9, 7, 3]
    assert any("batch size" in note.subject for note in model.notes)


def test_convert_leaves_no_file_behind_when_it_refuses(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text(IMAGE + 'layer { name: "a" type: "Mystery" bottom: "data" top: "a" }\n')
    with pytest.raises(UnsupportedLayersError):
        convert(path, output=tmp_path / "net.h5")
    assert [entry.name for entry in tmp_path.iterdir()] == ["net.prototxt"]


ALIASED = IMAGE + (
    'layer { name: "flat" type: "Flatten" bottom: "data" top: "flat" }\n'
    'layer { name: "sig" type: "Sigmoid" bottom: "flat" top: "flat" }\n'
)


def test_a_blob_whose_memory_was_written_over_is_not_read_in_silence(tmp_path: Path) -> None:
    text = ALIASED + 'layer { name: "late" type: "TanH" bottom: "data" top: "late" }\n'
    with pytest.raises(UnsupportedCombinationError, match=r'"late" \(TanH\).*"data"'):
        mapped(text, tmp_path)


def test_a_blob_that_is_read_before_it_is_written_over_is_fine(tmp_path: Path) -> None:
    early = 'layer { name: "early" type: "TanH" bottom: "data" top: "early" }\n'
    model = mapped(
        ALIASED.replace('layer { name: "flat"', early + 'layer { name: "flat"'), tmp_path
    )
    final = {(blob.blob, blob.caffe_layer): blob.final for blob in model.blobs}
    assert not final["data", "data"]
    assert not final["flat", "flat"]
    assert final["flat", "sig"]


def test_a_layer_in_place_behind_a_split_writes_over_what_was_split(tmp_path: Path) -> None:
    text = (
        IMAGE
        + 'layer { name: "a" type: "Power" bottom: "data" top: "a" power_param { scale: 2 } }\n'
        + 'layer { name: "s" type: "Split" bottom: "a" top: "b" }\n'
        + 'layer { name: "r" type: "ReLU" bottom: "b" top: "b" }\n'
        + 'layer { name: "t" type: "TanH" bottom: "a" top: "t" }\n'
    )
    with pytest.raises(UnsupportedCombinationError, match='it reads blob "a" after'):
        mapped(text, tmp_path)


def test_a_single_number_is_no_input(tmp_path: Path) -> None:
    text = IMAGE + (
        'layer { name: "g" type: "Input" top: "gain" input_param { shape { } } }\n'
        'layer { name: "s" type: "Scale" bottom: "data" bottom: "gain" top: "s" }\n'
    )
    with pytest.raises(UnsupportedCombinationError, match='input "gain" has no axes'):
        mapped(text, tmp_path)


@pytest.mark.parametrize(
    ("dims", "static_batch"),
    [("1 dim: -1 dim: 7", 1), ("0 dim: -1 dim: 7", None), ("1 dim: 189", None)],
)
def test_a_reshape_to_one_sample_is_not_one_that_keeps_the_batch(
    dims: str, static_batch: int | None, tmp_path: Path
) -> None:
    one = IMAGE.replace("dim: 2", "dim: 1")
    reshape = 'layer { name: "r" type: "Reshape" bottom: "data" top: "r" reshape_param { shape '
    model = mapped(f"{one}{reshape}{{ dim: {dims} }} }} }}\n", tmp_path)
    assert model.static_batch == static_batch


def test_inputs_in_several_layouts_are_brought_into_the_first_ones_or_left(tmp_path: Path) -> None:
    reshaped = (
        DATA.replace("data", "v")
        % "dim: 2 dim: 189"
        + 'layer { name: "r" type: "Reshape" bottom: "v" top: "r" '
        "reshape_param { shape { dim: [0, 3, 9, 7] } } }\n"
    )
    total = 'layer { name: "y" type: "Eltwise" bottom: "data" bottom: "r" top: "y" }\n'
    assert "Permute" in classes(mapped(IMAGE + reshaped + total, tmp_path))
    free = (
        DATA.replace("data", "s")
        % "dim: 2"
        + 'layer { name: "y" type: "Filter" bottom: "data" bottom: "r" bottom: "s" '
        'top: "a" top: "b" }\n'
    )
    assert "Permute" not in classes(mapped(IMAGE + reshaped + free, tmp_path))


def test_a_mapping_is_told_what_it_maps() -> None:
    with pytest.raises(TypeError, match="@maps takes Caffe types"):
        maps()


def test_a_second_mapping_of_a_type_is_refused() -> None:
    with pytest.raises(PluginError, match="ReLU"):
        maps("ReLU")(lambda layer: line())

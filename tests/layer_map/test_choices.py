"""Which Keras layers a Caffe layer becomes: stock ones wherever they are exact, ours elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from caffe2keras.convert import load_net
from caffe2keras.layer_map import map_net
from caffe2keras.spec import KerasModel

IMAGE = "dim: 2 dim: 6 dim: 9 dim: 12"
FC = ' layer { type: "InnerProduct" name: "fc" bottom: "y" top: "fc" %s }'
FIXED = FC % "inner_product_param { num_output: 2 }"


def mapped(layers: str, folder: Path, shape: str = IMAGE, **options: object) -> KerasModel:
    path = folder / "net.prototxt"
    head = f'layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ {shape} }} }} }}\n'
    path.write_text(head + layers)
    return map_net(load_net(path), **options)


def classes(model: KerasModel) -> list[str]:
    return [named.layer.class_name.removeprefix("caffe2keras>") for named in model.layers[1:]]


def one(kind: str, params: str = "") -> str:
    return f'layer {{ name: "y" type: "{kind}" bottom: "x" top: "y" {params} }}'


def conv(params: str, kind: str = "Convolution") -> str:
    return one(kind, f"convolution_param {{ {params} }}")


def deconv(params: str) -> str:
    return conv(params, "Deconvolution")


def dense(params: str) -> str:
    return one("InnerProduct", f"inner_product_param {{ num_output: 2 {params} }}")


def pool(params: str) -> str:
    return one("Pooling", f"pooling_param {{ {params} }}")


OWN_STATISTICS = "batch_norm_param { use_global_stats: false }"

CASES = [
    (conv("num_output: 4 kernel_size: 3"), ["Conv2D"]),
    (conv("num_output: 4 kernel_h: 3 kernel_w: 5 pad_h: 1 pad_w: 2"), ["Conv2D"]),
    (conv("num_output: 4 kernel_h: 3 kernel_w: 5 pad: 1"), ["ZeroPadding2D", "Conv2D"]),
    (conv("num_output: 4 kernel_size: 3 pad: 1 stride: 2"), ["ZeroPadding2D", "Conv2D"]),
    (conv("num_output: 4 kernel_size: 3 pad: 2 dilation: 2"), ["Conv2D"]),
    (conv("num_output: 4 kernel_size: 2 stride: 2 dilation: 3"), ["Conv"]),
    (conv("num_output: 4 kernel_size: 3 group: 2"), ["Conv2D"]),
    (conv("num_output: 12 kernel_size: 3 group: 6"), ["DepthwiseConv2D"]),
    (conv("num_output: 6 kernel_size: 3 group: 6 stride_h: 2 stride_w: 1"), ["Conv2D"]),
    (deconv("num_output: 4 kernel_size: 3"), ["Conv2DTranspose"]),
    (deconv("num_output: 4 kernel_size: 3 pad: 1"), ["Conv2DTranspose", "Cropping2D"]),
    (deconv("num_output: 4 kernel_size: 3 group: 2"), ["ConvTranspose"]),
    (deconv("num_output: 4 kernel_size: 2 stride: 3"), ["ConvTranspose"]),
    (deconv("num_output: 4 kernel_size: 3 stride: 2 dilation: 2"), ["ConvTranspose"]),
    (pool("kernel_size: 3 stride: 1") + FIXED, ["MaxPooling2D", "Flatten", "Dense"]),
    (pool("kernel_size: 3 stride: 3") + FIXED, ["MaxPooling2D", "Flatten", "Dense"]),
    (pool("kernel_size: 3 stride: 3"), ["Pooling2D"]),
    (pool("kernel_size: 3 stride: 3 round_mode: FLOOR"), ["MaxPooling2D"]),
    (pool("kernel_size: 3 stride: 1 pad: 1"), ["MaxPooling2D"]),
    (pool("kernel_size: 3 stride: 2 pad: 1") + FIXED, ["Pooling2D", "Flatten", "Dense"]),
    (pool("kernel_size: 2 stride: 2") + FIXED, ["Pooling2D", "Flatten", "Dense"]),
    (
        pool("kernel_size: 2 stride: 2").replace('bottom: "x"', 'bottom: "r"').join(
            ['layer { name: "r" type: "ReLU" bottom: "x" top: "r" }', FIXED]
        ),
        ["ReLU", "ZeroPadding2D", "MaxPooling2D", "Flatten", "Dense"],
    ),
    (pool("pool: AVE kernel_size: 3 stride: 1 pad: 1"), ["Pooling2D"]),
    (pool("pool: AVE kernel_size: 3 stride: 3") + FIXED, ["AveragePooling2D", "Flatten", "Dense"]),
    (pool("pool: AVE global_pooling: true"), ["GlobalAveragePooling2D", "Reshape"]),
    (pool("pool: STOCHASTIC kernel_size: 2"), ["StochasticPooling2D"]),
    (one("ReLU"), ["ReLU"]),
    (one("ReLU", "relu_param { negative_slope: 0.25 }"), ["LeakyReLU"]),
    (one("ReLU", "relu_param { negative_slope: -0.25 }"), ["PReLU"]),
    (one("PReLU"), ["PReLU"]),
    (one("Power", "power_param { power: 2 shift: 1 }"), ["Power"]),
    (one("Flatten"), ["Permute", "Flatten"]),
    (one("Permute", "permute_param { order: 0 order: 2 order: 3 order: 1 }"), ["Activation"]),
    (one("BatchNorm"), ["BatchNormalization"]),
    (one("BatchNorm", OWN_STATISTICS), ["BatchStatisticsNormalization"]),
    (one("Scale", "scale_param { bias_term: true }"), ["Scale"]),
    (one("Softmax"), ["Softmax"]),
    (dense(""), ["Flatten", "Dense"]),
    (dense("axis: 3"), ["Permute", "Dense"]),
    (dense("axis: 2"), ["Permute", "Reshape", "Dense"]),
]  # fmt: skip


@pytest.mark.parametrize(("layers", "expected"), CASES, ids=lambda case: str(case)[:90])
def test_a_layer_becomes_these(layers: str, expected: list[str], tmp_path: Path) -> None:
    assert classes(mapped(layers, tmp_path)) == expected


ELTWISE = (
    'layer { name: "y" type: "Eltwise" bottom: "x" bottom: "x" top: "y" eltwise_param { %s } }'
)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ("", "Add"),
        ("operation: PROD", "Multiply"),
        ("operation: MAX", "Maximum"),
        ("coeff: 1 coeff: 1", "Add"),
        ("coeff: 1 coeff: -1", "Subtract"),
        ("coeff: 2 coeff: -0.5", "WeightedSum"),
    ],
)
def test_eltwise_is_a_stock_layer_unless_it_has_weights(
    params: str, expected: str, tmp_path: Path
) -> None:
    assert classes(mapped(ELTWISE % params, tmp_path)) == [expected]


def test_batch_norm_and_scale_become_one_layer_with_all_four_arrays(tmp_path: Path) -> None:
    text = one("BatchNorm") + (
        ' layer { name: "s" type: "Scale" bottom: "y" top: "s" scale_param { bias_term: true } }'
    )
    model = mapped(text, tmp_path)
    assert classes(model) == ["BatchNormalization"]
    variables = model.layers[1].layer.variables
    assert [v.name for v in variables] == ["gamma", "beta", "moving_mean", "moving_variance"]
    assert [v.trainable for v in variables] == [True, True, False, False]
    assert [v.weight.owner for v in variables] == ["s", "s", "y", "y"]


def test_caffes_epsilon_is_a_hair_above_what_theano_refuses(tmp_path: Path) -> None:
    (_, named) = mapped(one("BatchNorm"), tmp_path).layers
    epsilon = np.float32(named.layer.config["epsilon"])
    assert epsilon >= 1e-5
    assert epsilon == np.nextafter(np.float32(1e-5), np.float32(1))


def test_an_unusual_epsilon_is_left_alone(tmp_path: Path) -> None:
    (_, named) = mapped(one("BatchNorm", "batch_norm_param { eps: 0.01 }"), tmp_path).layers
    assert np.float32(named.layer.config["epsilon"]) == np.float32(0.01)


def test_groups_are_only_said_where_there_are_some(tmp_path: Path) -> None:
    for groups in (1, 3):
        text = conv(f"num_output: 12 kernel_size: 3 group: {groups}")
        (_, named) = mapped(text, tmp_path).layers
        assert named.layer.config.get("groups", 1) == groups
        assert ("groups" in named.layer.config) == (groups > 1)


WIDE = "num_output: %d kernel_size: 3 pad: 1 bias_term: %s"


@pytest.mark.parametrize(
    ("outputs", "bias", "data_format", "warned"),
    [
        (12, "true", "channels_first", True),
        (12, "false", "channels_first", False),
        (12, "true", "channels_last", False),
        (9, "true", "channels_first", False),
    ],
)
def test_tensorflows_fault_is_told_where_width_and_channels_agree(
    outputs: int, bias: str, data_format: str, warned: bool, tmp_path: Path
) -> None:
    model = mapped(conv(WIDE % (outputs, bias)), tmp_path, data_format=data_format)
    assert any(note.kind == "warning" for note in model.notes) is warned


def test_three_axes_are_an_image_where_a_convolution_reads_them(tmp_path: Path) -> None:
    model = mapped(conv("num_output: 4 kernel_size: 3"), tmp_path, "dim: 2 dim: 6 dim: 9")
    assert classes(model) == ["Conv1D"]
    assert model.layers[0].layer.config["batch_input_shape"] == [None, 9, 6]
    model = mapped(one("Softmax"), tmp_path, "dim: 2 dim: 6 dim: 9")
    assert model.layers[0].layer.config["batch_input_shape"] == [None, 6, 9]


def test_no_config_names_a_function_of_keras(tmp_path: Path) -> None:
    """Reading HDF5, Keras takes a string that names one of its layers' functions for it."""
    import keras

    for layers, _ in CASES:
        for named in mapped(layers, tmp_path).layers:
            words = [v for v in named.layer.config.values() if isinstance(v, str)]
            assert not [word for word in words if hasattr(keras.layers, word)]


def test_across_channels_in_place_normalization_is_told_to_differ_from_the_cpu(
    tmp_path: Path,
) -> None:
    in_place = one("LRN", "lrn_param { alpha: 0.1 }").replace('"y"', '"x"')
    texts = [note.text for note in mapped(in_place, tmp_path).notes if note.kind == "warning"]
    assert texts == [
        "in place, Caffe's CPU code loses its input; this is what its GPU code computes"
    ]
    assert "warning" not in {note.kind for note in mapped(one("LRN"), tmp_path).notes}

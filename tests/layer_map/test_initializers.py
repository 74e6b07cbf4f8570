"""What a file brings is not drawn at random first: the arrays of stock layers begin as zeros."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import pytest

from caffe2keras.convert import load_net
from caffe2keras.layer_map import map_net
from caffe2keras.spec import KerasLayer

FIXTURES = Path(__file__).parents[1] / "fixtures"
FAMILIES = (
    "convolution", "convolution3d", "deconvolution", "inner_product", "prelu", "batch_norm",
    "embed", "lstm", "rnn", "unrolled_lstm", "relu",
)  # fmt: skip
CASES = [case for family in FAMILIES for case in (FIXTURES / "layers").glob(f"{family}-*")]

DEPTHWISE = (
    'layer { name: "x" type: "Input" top: "x" '
    "input_param { shape { dim: 2 dim: 3 dim: 5 dim: 4 } } }\n"
    'layer { name: "y" type: "ConvolutionDepthwise" bottom: "x" top: "y" '
    "convolution_param { kernel_size: 3 } }\n"
)


def with_arrays(prototxt: Path) -> Iterator[KerasLayer]:
    weights = prototxt.with_name("net.caffemodel")
    model = map_net(load_net(prototxt, weights if weights.exists() else None))
    for named in model.layers:
        if named.layer.variables and ">" not in named.layer.class_name:
            yield named.layer


def initializers(layer: KerasLayer) -> Mapping[str, Any]:
    """The names of the initializers of those arrays that the file brings."""
    config = getattr(keras.layers, layer.class_name)(**layer.config).get_config()
    brought = [variable.name for variable in layer.variables]
    return {
        key: value["class_name"]
        for key, value in config.items()
        if key.endswith("_initializer")
        and any(name.startswith(key.removesuffix("_initializer")) for name in brought)
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_arrays_of_stock_layers_begin_as_zeros(case: Path) -> None:
    for layer in with_arrays(case / "net.prototxt"):
        assert set(initializers(layer).values()) == {"Zeros"}, layer.class_name


def test_arrays_of_depthwise_convolutions_begin_as_zeros(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text(DEPTHWISE)
    [layer] = with_arrays(path)
    assert layer.class_name == "DepthwiseConv2D"
    assert initializers(layer)["depthwise_initializer"] == "Zeros"

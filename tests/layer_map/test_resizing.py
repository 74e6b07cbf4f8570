"""Freedom of size: kept where every layer holds for other heights and widths, else not."""

from __future__ import annotations

from pathlib import Path

import pytest

from caffe2keras.convert import load_net
from caffe2keras.layer_map import map_net

HEAD = (
    'layer { name: "data" type: "Input" top: "data"\n'
    "  input_param { shape { dim: 1 dim: 3 dim: 13 dim: 10 } } }\n"
)
POOL = (
    'layer { name: "pool" type: "Pooling" bottom: "data" top: "pool"\n'
    "  pooling_param { kernel_size: 3 stride: 2 %s } }\n"
)

TAILS = {
    "nothing": ("", True),
    "global pooling and a dense layer": (
        'layer { name: "g" type: "Pooling" bottom: "pool" top: "g" '
        "pooling_param { pool: AVE global_pooling: true } }\n"
        'layer { name: "fc" type: "InnerProduct" bottom: "g" top: "fc" '
        "inner_product_param { num_output: 2 } }\n",
        True,
    ),
    "a dense layer over the whole image": (
        'layer { name: "fc" type: "InnerProduct" bottom: "pool" top: "fc" '
        "inner_product_param { num_output: 2 } }\n",
        False,
    ),
    "a window as large as the image": (
        'layer { name: "g" type: "Pooling" bottom: "pool" top: "g" '
        "pooling_param { pool: AVE kernel_h: 6 kernel_w: 5 } }\n"
        'layer { name: "fc" type: "InnerProduct" bottom: "g" top: "fc" '
        "inner_product_param { num_output: 2 } }\n",
        False,
    ),
    "a reshape that infers the rest": (
        'layer { name: "r" type: "Reshape" bottom: "pool" top: "r" '
        "reshape_param { shape { dim: 0 dim: 3 dim: -1 } } }\n",
        True,
    ),
    "a reshape that counts what it finds into the batch": (
        'layer { name: "r" type: "Reshape" bottom: "pool" top: "r" '
        "reshape_param { shape { dim: -1 dim: 3 dim: 1 dim: 2 } } }\n",
        False,
    ),
    "a reshape that copies a height": (
        'layer { name: "r" type: "Reshape" bottom: "pool" top: "r" '
        "reshape_param { shape { dim: 0 dim: -1 dim: 0 } } }\n",
        False,
    ),
    "an image for channels, and a slope for each": (
        'layer { name: "r" type: "Reshape" bottom: "pool" top: "r" '
        "reshape_param { shape { dim: 0 dim: -1 dim: 1 dim: 1 } } }\n"
        'layer { name: "p" type: "PReLU" bottom: "r" top: "p" }\n',
        False,
    ),
    "places in the whole image": (
        'layer { name: "g" type: "Pooling" bottom: "pool" top: "g" top: "mask" '
        "pooling_param { global_pooling: true } }\n",
        False,
    ),
    "a factor for each column": (
        'layer { name: "s" type: "Scale" bottom: "pool" top: "s" scale_param { axis: 3 } }\n',
        False,
    ),
}


def resizable(tail: str, folder: Path, pool: str = "") -> bool:
    path = folder / "net.prototxt"
    path.write_text(HEAD + POOL % pool + tail)
    return map_net(load_net(path)).resizable


@pytest.mark.parametrize("name", TAILS)
def test_the_last_layers_decide(name: str, tmp_path: Path) -> None:
    tail, expected = TAILS[name]
    assert resizable(tail, tmp_path) is expected


def test_the_last_piece_of_a_slice_grows_with_the_image(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    cut = (
        'layer { name: "s" type: "Slice" bottom: "data" top: "a" top: "b" '
        "slice_param { axis: 2 slice_point: 4 } }\n"
    )
    path.write_text(HEAD + cut)
    configs = [named.layer.config for named in map_net(load_net(path)).layers[1:]]
    assert [(c["starts"], c["stops"]) for c in configs] == [([0], [4]), ([4], [None])]


def test_a_net_of_vectors_has_no_size_to_change(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text(
        'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 } } }\n'
        'layer { name: "r" type: "ReLU" bottom: "data" top: "r" }\n'
    )
    assert not map_net(load_net(path)).resizable


def test_stock_pooling_is_used_only_where_the_size_is_fixed(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    odd = (HEAD + POOL % "pad: 1").replace("dim: 10", "dim: 11")  # "same" pads as Caffe does there
    kinds = []
    for tail in ("nothing", "a dense layer over the whole image"):
        path.write_text(odd + TAILS[tail][0])
        kinds += [n.layer.class_name for n in map_net(load_net(path)).layers if n.name == "pool"]
    assert kinds == ["caffe2keras>Pooling2D", "MaxPooling2D"]

"""Nets that nobody wrote in good faith: one clear error, in bounded time and memory."""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from caffe2keras.errors import Caffe2KerasError
from caffe2keras.graph.build import build_net
from caffe2keras.graph.weights import attach_weights
from caffe2keras.proto import caffe_pb2
from caffe2keras.read.prototxt import parse_prototxt

Convert = Callable[[str], tuple[int, str]]
Run = Callable[..., tuple[int, str]]

LARGEST, VAST = 2**32 - 1, 2**62

DATA = """
layer {
  name: "data" type: "Input" top: "data"
  input_param { shape { dim: 2 dim: 3 dim: 11 dim: 8 } }
}
"""


def layer(
    kind: str, params: str = "", bottom: str = "data", top: str = "y", name: str = "x"
) -> str:
    head = f'name: "{name}" type: "{kind}" bottom: "{bottom}" top: "{top}"'
    return f"layer {{ {head} {params} }}\n"


def conv(field: str) -> str:
    return layer("Convolution", f"convolution_param {{ num_output: 5 {field} }}")


@pytest.mark.parametrize(
    ("net", "words"),
    [
        (conv(f"kernel_size: {LARGEST}"), "does not fit"),
        (conv("kernel_size: 2000000001 pad: 1000000000"), "numbers"),
        (conv(f"kernel_size: 1 pad: {LARGEST}"), "numbers"),
        (conv("kernel_size: 1 stride: 0"), "cannot be zero"),
        (conv(f"kernel_size: 1 group: {LARGEST}"), "does not divide"),
        (conv("kernel_size: 1 group: 0"), "group is zero"),
        (
            layer("Convolution", f"convolution_param {{ num_output: {LARGEST} kernel_size: 1 }}"),
            "numbers",
        ),
        (layer("InnerProduct", f"inner_product_param {{ num_output: {LARGEST} }}"), "numbers"),
        (layer("Pooling", f"pooling_param {{ kernel_size: {LARGEST} }}"), "does not fit"),
        (layer("Tile", "tile_param { tiles: 2147483647 }"), "numbers"),
        (layer("Embed", f"embed_param {{ input_dim: {LARGEST} num_output: 9 }}"), "numbers"),
        (layer("SPP", f"spp_param {{ pyramid_height: {LARGEST} }}"), "1 to 30"),
        (layer("Upsample", "upsample_param { scale: 2147483647 }"), "numbers"),
        (
            layer("Reshape", f"reshape_param {{ shape {{ dim: {VAST} dim: {VAST} }} }}"),
            "numbers",
        ),
        (layer("Softmax", "softmax_param { axis: -2147483648 }"), "out of range"),
    ],
)
def test_absurd_sizes_are_refused_before_anything_is_allocated(
    converted: Convert, net: str, words: str
) -> None:
    code, shown = converted(DATA + net)
    assert code == 4
    assert words in shown


@pytest.mark.parametrize("field", [f"stride: {LARGEST}", f"dilation: {LARGEST}"])
def test_absurd_steps_that_lead_nowhere_cost_nothing(converted: Convert, field: str) -> None:
    assert converted(DATA + conv(f"kernel_size: 1 {field}"))[0] == 0


@pytest.mark.parametrize("dims", [(VAST, VAST), (2**31, 8), (100_000, 100_000)])
def test_inputs_of_terabytes_are_refused(converted: Convert, dims: tuple[int, int]) -> None:
    declared = DATA.replace("dim: 11 dim: 8", f"dim: {dims[0]} dim: {dims[1]}")
    code, shown = converted(declared + layer("ReLU"))
    assert code == 4
    assert "2,147,483,647 at most" in shown


def test_arrays_to_fill_that_exceed_the_memory_are_refused_together() -> None:
    # Each of them fits; a thousand do not, and nothing is allocated to find that out.
    text = DATA + layer("Flatten", top="t0")
    for i in range(1000):
        params = "inner_product_param { num_output: 40000 }"
        text += layer("InnerProduct", params, f"t{i}", f"t{i + 1}", f"fc{i}")
    from caffe2keras.upgrade import upgrade

    net = build_net(upgrade(parse_prototxt(text, "net"), "net"), source="net")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(Caffe2KerasError, match=r"6,\d\d\d GB"):
        attach_weights(net, None)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB


def test_a_layer_that_feeds_itself_is_told(converted: Convert) -> None:
    code, shown = converted(DATA + layer("ReLU", bottom="y"))
    assert code == 4
    assert "which it produces itself" in shown


def test_layers_in_a_circle_are_told(converted: Convert) -> None:
    circle = layer("Eltwise", 'bottom: "z"', name="a") + layer("ReLU", "", "y", "z", "b")
    code, shown = converted(DATA + circle)
    assert code == 4
    assert "wait for each other" in shown


def test_two_layers_of_one_name_with_weights_are_told(converted: Convert) -> None:
    params = "inner_product_param { num_output: 5 }"
    net = DATA + layer("InnerProduct", params) + layer("InnerProduct", params, "y", "z")
    code, shown = converted(net)
    assert code == 4
    assert 'called "x"' in shown


def test_a_blob_that_is_produced_twice_is_told(converted: Convert) -> None:
    code, shown = converted(DATA + layer("ReLU") + layer("TanH", name="other"))
    assert code == 4
    assert "exists already" in shown


def test_an_input_without_a_top_is_told(converted: Convert) -> None:
    code, shown = converted('layer { name: "data" type: "Input" }' + DATA + layer("ReLU"))
    assert code == 4
    assert "produces nothing" in shown


@pytest.mark.parametrize(
    "text",
    [
        "layer { " * 50_000,
        "layer { " + "a { " * 50_000 + "} " * 50_000 + "}",
        DATA + "layer { x: " + "[" * 50_000,
    ],
)
def test_thousands_of_nested_messages_end_in_one_error(converted: Convert, text: str) -> None:
    assert converted(text)[0] == 3


def test_thousands_of_nested_binary_messages_end_in_one_error(tmp_path: Path, run: Run) -> None:
    data = b""
    for _ in range(5000):
        head, size = b"\xa2\x06", len(data)
        length = bytearray()
        while size >= 0x80:
            length.append(size & 0x7F | 0x80)
            size >>= 7
        data = head + bytes([*length, size]) + data
    (tmp_path / "net.caffemodel").write_bytes(b"\n\x01\x00" + data)
    (tmp_path / "net.prototxt").write_text(DATA + conv("kernel_size: 2"))
    assert run("convert", "net.prototxt", "net.caffemodel")[0] == 3
    assert run("convert", "net.caffemodel")[0] in (3, 4, 5)


def test_thousands_of_unknown_fields_take_no_time(converted: Convert) -> None:
    unknown = " ".join(f"abcdefgh{i}: 3" for i in range(20_000))
    assert converted(f"{DATA}layer {{ {unknown} }}")[0] in (4, 5)


def weights(tmp_path: Path, *numbers: float) -> None:
    net = caffe_pb2.NetParameter()
    fc = net.layer.add(name="x", type="InnerProduct")
    fc.blobs.add(data=np.resize(np.array(numbers, "f4"), 5 * 264)).shape.dim.extend([5, 264])
    fc.blobs.add(data=[0.0] * 5).shape.dim.append(5)
    (tmp_path / "net.caffemodel").write_bytes(net.SerializeToString())
    params = "inner_product_param { num_output: 5 }"
    (tmp_path / "net.prototxt").write_text(DATA + layer("InnerProduct", params))


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers_are_reported(tmp_path: Path, run: Run, number: float) -> None:
    weights(tmp_path, 1.0, 2.0, number)
    code, shown = run("convert", "net.prototxt", "net.caffemodel")
    assert code == 0
    assert "suspicious: x: its stored blob 0 holds NaN or infinity" in shown


def test_huge_weights_are_numbers_like_others(tmp_path: Path, run: Run) -> None:
    weights(tmp_path, 3e38, 2e38)
    code, shown = run("convert", "net.prototxt", "net.caffemodel")
    assert code == 0
    assert "NaN" not in shown

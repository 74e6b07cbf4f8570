"""Every net recorded from genuine Caffe: its blobs and its weights have the inferred shapes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from google.protobuf import text_format

from caffe2keras.params import Params
from caffe2keras.proto.caffe_pb2 import BlobProto, LayerParameter, NetParameter
from caffe2keras.shapes.registry import Inferred, infer

FIXTURES = Path(__file__).parents[1] / "fixtures"
NETS = sorted(path.parent for path in FIXTURES.glob("layers*/*/net.prototxt"))

Shape = tuple[int, ...]


def read(folder: Path) -> NetParameter:
    return text_format.Parse((folder / "net.prototxt").read_text(), NetParameter())


def ask(layer: LayerParameter, dims: dict[str, Shape]) -> Inferred:
    return infer(layer.type, Params(layer), [dims[b] for b in layer.bottom], len(layer.top))


def walk(net: NetParameter, fed: dict[str, Shape]) -> tuple[dict[str, Shape], dict[str, Inferred]]:
    """The last shape of each blob, and what was inferred for each layer."""
    dims = dict(fed)
    answers = {}
    for layer in net.layer:
        if layer.type == "Input" and all(top in fed for top in layer.top):
            continue
        answers[layer.name] = ask(layer, dims)
        dims.update(zip(layer.top, answers[layer.name].tops, strict=True))
    return dims, answers


def recorded(folder: Path, kind: str) -> dict[str, Shape]:
    with np.load(folder / "blobs.npz") as blobs:
        keys = [key.partition("/") for key in blobs.files]
        return {name: blobs[f"{kind}/{name}"].shape for k, _, name in keys if k == kind}


def shape_of(blob: BlobProto) -> Shape:
    # A scalar is written without any shape (blob.cpp: ToProto).
    return tuple(blob.shape.dim)


def test_there_are_nets_of_either_caffe():
    assert {path.parent.name for path in NETS} == {"layers", "layers_ssd"}


@pytest.mark.parametrize("folder", NETS, ids=lambda path: path.name)
def test_blobs_have_the_shapes_that_caffe_gave_them(folder):
    net = read(folder)
    dims, _ = walk(net, recorded(folder, "input"))
    expected = recorded(folder, "output")
    for layer in net.layer:
        if layer.type == "DetectionOutput":
            # Only the numbers tell how many boxes there are; until then SSD says one.
            (top,) = layer.top
            expected[top] = (*expected[top][:2], 1, *expected[top][3:])
    assert {name: dims[name] for name in expected} == expected


@pytest.mark.parametrize(
    "folder", [p for p in NETS if (p / "net.caffemodel").exists()], ids=lambda path: path.name
)
def test_weights_have_the_shapes_that_caffe_saved(folder):
    _, answers = walk(read(folder), recorded(folder, "input"))
    saved = NetParameter.FromString((folder / "net.caffemodel").read_bytes())
    for layer in saved.layer:
        if layer.blobs:
            assert answers[layer.name].weights == tuple(shape_of(blob) for blob in layer.blobs)


@pytest.mark.parametrize("folder", NETS, ids=lambda path: path.name)
def test_inputs_have_the_shapes_that_the_net_declares(folder):
    fed = recorded(folder, "input")
    for layer in read(folder).layer:
        if layer.type == "Input":
            assert ask(layer, {}).tops == tuple(fed[top] for top in layer.top)

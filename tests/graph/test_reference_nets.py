"""Every net recorded from genuine Caffe is built, and takes its weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from caffe2keras.graph.build import build_net
from caffe2keras.graph.weights import attach_weights
from caffe2keras.read.caffemodel import read_weights
from caffe2keras.read.prototxt import read_net
from caffe2keras.upgrade import upgrade

FIXTURES = Path(__file__).parents[1] / "fixtures"
NETS = sorted(path.parent for path in FIXTURES.glob("layers*/*/net.prototxt"))


@pytest.mark.parametrize("folder", NETS, ids=lambda folder: f"{folder.parent.name}/{folder.name}")
def test_blobs_have_the_recorded_shapes_and_weights_fit(folder):
    net = build_net(upgrade(read_net(folder / "net.prototxt")), source="net.prototxt")
    last = {
        top.name: top.dims
        for layer in net.layers
        if layer.type != "DetectionOutput"  # it has as many rows as it finds boxes
        for top in layer.tops
    }
    with np.load(folder / "blobs.npz") as blobs:
        recorded = {
            key.removeprefix("output/"): blobs[key].shape
            for key in blobs.files
            if key.startswith("output/")
        }
    assert last == {name: shape for name, shape in recorded.items() if name in last}
    assert {blob.name for blob in net.outputs} <= set(recorded)

    if (folder / "net.caffemodel").exists():
        net = attach_weights(net, read_weights(folder / "net.caffemodel"))
        assert net.notes == ()
    else:
        assert not any(layer.weights for layer in net.layers)
    assert all(weight.data is not None for layer in net.layers for weight in layer.weights)

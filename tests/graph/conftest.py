"""Nets from text, and weights files that exist only in memory."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from caffe2keras.graph.build import build_net
from caffe2keras.graph.net import Layer, Net
from caffe2keras.read.prototxt import parse_prototxt
from caffe2keras.read.weights import BlobData, LayerBlobs, WeightsFile
from caffe2keras.upgrade import upgrade

Shape = tuple[int, ...]


@pytest.fixture
def built() -> Callable[..., Net]:
    """The net of a text; keyword arguments go to ``build_net``."""

    def build(text: str, **options: object) -> Net:
        net = upgrade(parse_prototxt(text, "net.prototxt"), "net.prototxt")
        return build_net(net, source="net.prototxt", **options)

    return build


@pytest.fixture
def layer_of() -> Callable[[Net, str], Layer]:
    """The one layer of this name."""

    def find(net: Net, name: str) -> Layer:
        [layer] = [layer for layer in net.layers if layer.name == name]
        return layer

    return find


def counting(shape: Shape, start: float = 0.0) -> np.ndarray:
    return (start + np.arange(math.prod(shape), dtype=np.float32)).reshape(shape)


def blob(shape: Shape, start: float = 0.0, legacy: bool = False) -> BlobData:
    numbers = counting(shape, start)
    return BlobData(shape, legacy, numbers.size, "w.caffemodel", lambda: numbers)


@pytest.fixture
def stored() -> Callable[..., WeightsFile]:
    """A weights file: ``stored(("conv1", blob, blob), ("relu1",))``; a blob may be a shape."""

    def make(*layers: tuple[object, ...]) -> WeightsFile:
        return WeightsFile(
            Path("w.caffemodel"),
            "net",
            tuple(
                LayerBlobs(name, "", tuple(blob(b) if isinstance(b, tuple) else b for b in blobs))
                for name, *blobs in layers
            ),
        )

    return make

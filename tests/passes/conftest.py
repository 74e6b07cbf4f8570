"""Nets from text, before the passes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from caffe2keras.graph.build import build_net
from caffe2keras.graph.net import Net
from caffe2keras.read.prototxt import parse_prototxt
from caffe2keras.upgrade import upgrade

HEAD = 'input: "data" input_shape { dim: 4 dim: 3 dim: 9 dim: 7 }\n'


@pytest.fixture
def built() -> Callable[..., Net]:
    """The net of a text behind an input ``data`` of shape (4, 3, 9, 7)."""

    def build(text: str, **options: object) -> Net:
        net = upgrade(parse_prototxt(HEAD + text, "net.prototxt"), "net.prototxt")
        return build_net(net, source="net.prototxt", **options)

    return build


@pytest.fixture
def drawn() -> Callable[[Net], list[str]]:
    """A net as lines: ``type name: bottoms -> tops``, versions behind a dot."""

    def draw(net: Net) -> list[str]:
        return [
            f"{layer.type} {layer.name}: {_names(layer.bottoms)} -> {_names(layer.tops)}"
            for layer in net.layers
        ]

    def _names(blobs) -> str:
        return " ".join(f"{b.name}.{b.version}" if b.version else b.name for b in blobs)

    return draw

"""Nets as the pipeline builds them, and a net of a few lines computed on the spot."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from caffe2keras.graph.build import build_net
from caffe2keras.graph.net import Layer, Net, Weight
from caffe2keras.graph.weights import attach_weights
from caffe2keras.read.caffemodel import read_weights
from caffe2keras.read.prototxt import parse_prototxt, read_net
from caffe2keras.upgrade import upgrade
from caffe2keras.verify.oracle import run

Arrays = Mapping[str, npt.ArrayLike]


@pytest.fixture(scope="session")
def rng() -> np.random.Generator:
    return np.random.default_rng(20260814)


@pytest.fixture(scope="session")
def recorded_net() -> Callable[[Path, Path], Net]:
    """The net of a prototxt with the weights of a file, if there is one."""

    def build(prototxt: Path, weights: Path) -> Net:
        net = build_net(upgrade(read_net(prototxt)), source=str(prototxt))
        stored = read_weights(weights) if weights.exists() else None
        return attach_weights(net, stored, missing="fill")

    return build


@pytest.fixture(scope="session")
def net_of() -> Callable[..., Net]:
    """The net of a prototxt's text; weights by layer name."""

    def build(text: str, weights: Mapping[str, Sequence[npt.ArrayLike]] | None = None) -> Net:
        net = build_net(upgrade(parse_prototxt(text, "test.prototxt")), source="test.prototxt")
        given = weights or {}
        layers = (_with(layer, given.get(layer.name)) for layer in net.layers)
        return replace(net, layers=tuple(layers))

    return build


def _with(layer: Layer, arrays: Sequence[npt.ArrayLike] | None) -> Layer:
    if arrays is None:
        return layer
    numbers = [np.asarray(array, np.float32) for array in arrays]
    weights = (Weight(layer.name, i, a.shape, a) for i, a in enumerate(numbers))
    return replace(layer, weights=tuple(weights))


@pytest.fixture(scope="session")
def compute(net_of: Callable[..., Net]) -> Callable[..., dict[str, np.ndarray]]:
    """One layer's tops, in float64, from the layer's text without name, bottom and top.

    ``compute('type: "ReLU"', x)`` feeds x as blob "b0" and so on; tops are "t0" and so on. A list
    of weights goes to the layer.
    """

    def evaluate(
        layer: str,
        *bottoms: npt.ArrayLike,
        weights: Sequence[npt.ArrayLike] | None = None,
        tops: int = 1,
    ) -> list[np.ndarray]:
        arrays = {f"b{i}": np.asarray(bottom, np.float64) for i, bottom in enumerate(bottoms)}
        lines = [_input(name, array.shape) for name, array in arrays.items()]
        wires = [f'bottom: "{name}"' for name in arrays]
        wires += [f'top: "t{i}"' for i in range(tops)]
        lines.append(f'layer {{ name: "layer" {" ".join(wires)} {layer} }}')
        net = net_of("\n".join(lines), {"layer": weights} if weights is not None else None)
        read = {bottom.name for made in net.layers for bottom in made.bottoms}
        blobs = run(net, {k: a for k, a in arrays.items() if k in read}, np.float64)
        return [blobs[f"t{i}", 0] for i in range(tops)]

    return evaluate


def _input(name: str, shape: Sequence[int]) -> str:
    dims = " ".join(f"dim: {extent}" for extent in shape)
    return (
        f'layer {{ name: "{name}" type: "Input" top: "{name}" '
        f"input_param {{ shape {{ {dims} }} }} }}"
    )

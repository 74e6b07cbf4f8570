"""Layers without a bottom, and layers without a top."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from caffe2keras.graph.net import Layer, Shape
from caffe2keras.params import Params
from caffe2keras.verify.oracle.registry import Arrays, Tops, computes

__all__ = ["dummy_data", "parameter", "silence"]

T = TypeVar("T")


@computes("DummyData")
def dummy_data(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """Constant blobs; without a filler they are 0 (dummy_data_layer.cpp).

    Random ones never come here, the graph has refused them.
    """
    p = layer.params.dummy_data_param
    fillers = _spread(p.data_filler, len(layer.tops))
    for filler in fillers:
        filler.honoured("type")
    values = (filler.value for filler in fillers) if fillers else (0.0,) * len(layer.tops)
    shapes = _shapes(p, len(layer.tops))
    return tuple(np.full(s, v) for s, v in zip(shapes, values, strict=True))


def _shapes(p: Params, tops: int) -> Sequence[Shape]:
    if p.shape:
        return [shape.dim for shape in _spread(p.shape, tops)]
    legacy = (_spread(field, tops) for field in (p.num, p.channels, p.height, p.width))
    return list(zip(*legacy, strict=True))


def _spread(items: tuple[T, ...], tops: int) -> tuple[T, ...]:
    """One for every top, or one for each."""
    return items * tops if len(items) == 1 else items


@computes("Parameter")
def parameter(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """The learned array itself (parameter_layer.hpp)."""
    return (weights[0].reshape(layer.params.parameter_param.shape.dim),)


@computes("ContinuationIndicator")
def continuation_indicator(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """A cont that begins every sequence at the first step: (T, N), 0 there and 1 behind.

    N is batch_size (yalecyu's crnn.caffe) or what the bottom has along the axis (jolibrain's).
    """
    p = layer.params.continuation_indicator_param
    streams = p.batch_size or bottoms[0].shape[p.axis]
    cont = np.ones((p.time_step, streams))
    cont[0] = 0
    return (cont,)


@computes("Silence", "HDF5Output")
def silence(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """Nothing; what HDF5Output would write to a file are its bottoms."""
    return ()

"""Blobs that the net makes itself."""

from __future__ import annotations

import numpy as np

from caffe2keras.layer_map.registry import Placed, maps
from caffe2keras.layout import DataFormat, Layout, caffe_order, image
from caffe2keras.params import Params
from caffe2keras.spec import Call, Fragment, FragmentInput, FragmentOutput, KerasLayer, Variable

__all__ = ["dummy_data", "parameter"]


@maps("DummyData")
def dummy_data(layer: Placed) -> Fragment:
    """Blobs filled with a constant; the Keras layer hangs on the net's first input.

    Caffe    shape, or num, channels, height, width; data_filler, one for each top or one for all
    Keras    caffe2keras>Constant, one for each top
    Differs  the batch size is fixed
    Refuses  fillers that draw random numbers
    """
    p = layer.params.dummy_data_param
    p.honoured("shape", "num", "channels", "height", "width")  # the inferred shapes say them
    fillers = p.data_filler
    calls, layouts = [], []
    for i, shape in enumerate(layer.outputs):
        value = _value(fillers[min(i, len(fillers) - 1)] if fillers else None)
        layout = _layout(len(shape), layer.data_format)
        keras_shape = layout.keras_shape(shape)
        array = np.full(keras_shape, value, np.float32)
        constant = KerasLayer(
            "caffe2keras>Constant",
            {"shape": list(keras_shape)},
            (Variable("value", keras_shape, array, trainable=False),),
            suffix=f"_{i}" if len(layer.outputs) > 1 else "",
        )
        calls.append(Call(constant, (FragmentInput(0),)))
        layouts.append(layout)
    outputs = tuple(FragmentOutput(i) for i in range(len(calls)))
    return Fragment(tuple(calls), outputs, tuple(layouts), ties_batch=True)


@maps("Parameter")
def parameter(layer: Placed) -> Fragment:
    """A learned blob that is no layer's weight.

    Caffe    one array of the given shape
    Keras    caffe2keras>Constant, on the net's first input
    Differs  the batch size is fixed; training does not change it
    """
    layer.params.parameter_param.honoured("shape")  # the array's shape says it
    (weight,) = layer.weights
    layout = _layout(len(weight.shape), layer.data_format)
    shape = layout.keras_shape(weight.shape)
    value = Variable("value", shape, layout.to_keras(weight.array), weight, trainable=False)
    constant = KerasLayer("caffe2keras>Constant", {"shape": list(shape)}, (value,))
    call = Call(constant, (FragmentInput(0),))
    return Fragment((call,), (FragmentOutput(0),), (layout,), ties_batch=True)


def _layout(rank: int, data_format: DataFormat) -> Layout:
    """An image's for what can be one."""
    return image(rank, data_format) if rank in (4, 5) else caffe_order(rank)


def _value(filler: Params | None) -> float:
    if filler is None:
        return 0.0
    filler.honoured("type")  # constant: the graph has refused any other (graph/sources.py)
    return float(filler.value)

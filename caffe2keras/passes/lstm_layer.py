"""The layers that stand for an LSTM that was written out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from caffe2keras.graph.net import Blob, Layer, Net, Weight
from caffe2keras.params import Params
from caffe2keras.passes.lstm_parts import Parts
from caffe2keras.passes.lstm_steps import Step

__all__ = ["lstm_layers", "slice_into_steps"]


def lstm_layers(
    net: Net, chain: Sequence[Step], parts: Parts, top: Blob | None, exposed: bool
) -> list[Layer]:
    """The LSTM, and before it what says where its sequences begin and brings it its inputs."""
    old = chain[0].layers[0]
    taken = {layer.name for layer in net.layers} | {b.name for la in net.layers for b in la.tops}
    name = _free("lstm", taken)
    beside: list[Layer] = []
    if parts.cont is None:
        beside.append(_cont(old, _free(f"{name}_cont", taken), parts))
    cont = parts.cont or beside[0].tops[0]
    static: tuple[Blob, ...] = () if parts.static is None else (parts.static,)
    if parts.static is not None and _has_time(parts):
        beside.append(_without_time(old, _free(f"{name}_static", taken), parts.static))
        static = beside[-1].tops
    message = type(old.params.message)(
        name=name, type="LSTM", source_line=old.params.message.source_line
    )
    state = chain[0].hidden.shape
    message.recurrent_param.num_output = state[2]
    message.recurrent_param.expose_hidden = exposed
    sequence = top or Blob(name, 0, (len(chain), *state[1:]))
    last = (Blob(_free(f"{name}_last", taken), 0, state), chain[-1].cell) if exposed else ()
    lstm = Layer(
        name,
        "LSTM",
        Params(message),
        (parts.x, cont, *static, *(parts.states if exposed else ())),
        (sequence, *last),
        _weights(name, chain[0].order, parts),
        old.where,
    )
    return [*beside, lstm]


def _has_time(parts: Parts) -> bool:
    """Whether the static input is (1, N, ...) and not (N, ...)."""
    if parts.resting is None or parts.static is None:
        return False
    axis = parts.resting.params.fresh().inner_product_param.axis
    return int(axis) % len(parts.static.shape) == 2


def _without_time(old: Layer, name: str, static: Blob) -> Layer:
    """(1, N, ...) -> (N, ...)."""
    message = type(old.params.message)(
        name=name, type="Reshape", source_line=old.params.message.source_line
    )
    shape = static.shape[1:]
    message.reshape_param.shape.dim.extend((-1, *shape[1:]))
    return Layer(
        name, "Reshape", Params(message), (static,), (Blob(name, 0, shape),), where=old.where
    )


def _cont(old: Layer, name: str, parts: Parts) -> Layer:
    """0 at the first step where that begins with zeros, so that no state need be fed; else 1."""
    kind = "ContinuationIndicator" if parts.from_zeros else "DummyData"
    message = type(old.params.message)(
        name=name, type=kind, source_line=old.params.message.source_line
    )
    shape = parts.x.shape[:2]
    if parts.from_zeros:
        message.continuation_indicator_param.time_step = shape[0]
        message.continuation_indicator_param.axis = 1
    else:
        message.dummy_data_param.shape.add(dim=shape)
        message.dummy_data_param.data_filler.add(type="constant", value=1)
    bottoms = (parts.x,) if parts.from_zeros else ()
    return Layer(name, kind, Params(message), bottoms, (Blob(name, 0, shape),), where=old.where)


def _free(name: str, taken: set[str]) -> str:
    candidate, count = name, 2
    while candidate in taken:
        candidate, count = f"{name}_{count}", count + 1
    return candidate


def _weights(name: str, order: tuple[int, ...], parts: Parts) -> tuple[Weight, ...]:
    """W_xc, b_c, W_xc_static and W_hc with their rows in Caffe's order i, f, o, g."""
    products = [parts.driving, parts.resting, parts.recurring]
    held = [[_upright(layer, weight) for weight in layer.weights] for layer in products if layer]
    kernel, *further = (weights[0] for weights in held)
    biases = [bias for weights in held for bias in weights[1:]]
    if not biases:
        # There is none; it stays at zero in training too.
        zeros = np.zeros(kernel.shape[:1], np.float32)
        biases = [Weight(name, 1, zeros.shape, zeros, 0.0, 0.0, filled="constant")]
    total = replace(biases[0], data=sum((b.array for b in biases[1:]), biases[0].array))
    return tuple(_in_order(weight, order) for weight in (kernel, total, *further))


def _upright(layer: Layer, weight: Weight) -> Weight:
    """(out, in), however the InnerProduct holds it."""
    if len(weight.shape) < 2 or not layer.params.fresh().inner_product_param.transpose:
        return weight
    return replace(weight, shape=weight.shape[::-1], data=weight.array.T)


def _in_order(weight: Weight, order: tuple[int, ...]) -> Weight:
    if order == (0, 1, 2, 3):
        return weight
    blocks = np.split(weight.array, 4)
    return replace(weight, data=np.concatenate([blocks[place] for place in order]))


def slice_into_steps(lstm: Layer, hidden: Sequence[Blob]) -> Layer:
    """The Slice that gives each step its hidden state back, under its own name."""
    old = lstm.params.message
    message = type(old)(name=f"{lstm.name}_steps", type="Slice", source_line=old.source_line)
    message.slice_param.axis = 0
    return Layer(
        message.name, "Slice", Params(message), lstm.tops[:1], tuple(hidden), where=lstm.where
    )

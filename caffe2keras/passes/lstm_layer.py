"""The layers that stand for an LSTM that was written out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from caffe2keras.graph.net import Blob, Layer, Net, Weight
from caffe2keras.params import Params
from caffe2keras.passes.lstm_steps import Step

__all__ = ["Parts", "lstm_layers", "slice_into_steps"]


@dataclass(frozen=True)
class Parts:
    """What surrounds the steps.

    Attributes:
        x: the whole input (T, N, ...).
        driving: the InnerProduct on it, or on one of its steps.
        recurring: the InnerProduct on a hidden state.
        layers: those that only serve the steps.
        optional: those that may serve others too.
        states: h and c before the first step.
        from_zeros: whether those are zeros.
    """

    x: Blob
    driving: Layer
    recurring: Layer
    layers: tuple[Layer, ...]
    optional: tuple[Layer, ...]
    states: tuple[Blob, Blob]
    from_zeros: bool


def lstm_layers(
    net: Net, chain: Sequence[Step], parts: Parts, top: Blob | None, exposed: bool
) -> list[Layer]:
    """The LSTM and what says where its sequences begin."""
    old = chain[0].layers[0]
    taken = {layer.name for layer in net.layers} | {b.name for la in net.layers for b in la.tops}
    name = _free("lstm", taken)
    cont = _cont(old, _free(f"{name}_cont", taken), parts)
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
        (parts.x, *cont.tops, *(parts.states if exposed else ())),
        (sequence, *last),
        _weights(name, chain[0].order, parts),
        old.where,
    )
    return [cont, lstm]


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
    """W_xc, b_c and W_hc with their rows in Caffe's order i, f, o, g."""
    (kernel, *biases), (recurrent, *more) = (
        [_upright(layer, weight) for weight in layer.weights]
        for layer in (parts.driving, parts.recurring)
    )
    biases += more
    if not biases:
        # There is none; it stays at zero in training too.
        zeros = np.zeros(kernel.shape[:1], np.float32)
        biases = [Weight(name, 1, zeros.shape, zeros, 0.0, 0.0, filled="constant")]
    total = replace(biases[0], data=sum((b.array for b in biases[1:]), biases[0].array))
    return tuple(_in_order(weight, order) for weight in (kernel, total, recurrent))


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
    return Layer(message.name, "Slice", Params(message), lstm.tops, tuple(hidden), where=lstm.where)

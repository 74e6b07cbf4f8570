"""LSTMs that were written out step by step: found by their wiring, never by their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from caffe2keras.graph.net import Blob, Layer, Net, Note, Weight
from caffe2keras.params import Params
from caffe2keras.passes.lstm_steps import Step, Wiring, chains_of_steps

__all__ = ["roll_lstms"]

Key = tuple[str, int]


def roll_lstms(net: Net) -> Net:
    """Let one LSTM stand for all the steps of an unrolled one.

    Given:  X ─ Slice ─▶ x_t;  SUM(W x_t + b, U h_{t-1}) ─ Slice ─▶ gates;
            c_t = SUM(PROD(sigmoid f, c_{t-1}), PROD(sigmoid i, tanh g));
            h_t = PROD(sigmoid o, tanh c_t);  h_0, h_1, ... ─ Concat ─▶ H
    Result: X ─ ContinuationIndicator ─▶ c;  X, c ─ LSTM ─▶ H

    Not where anyone else reads a blob inside, where steps have weights of their own, or where the
    states before the first step are not zeros; a note says why.
    """
    for chain in chains_of_steps(Wiring(net)):
        net = _rolled(net, chain)
    return net


class _StaysUnrolledError(Exception):
    """Why a chain of steps is left as it is."""


def _rolled(net: Net, chain: Sequence[Step]) -> Net:
    """The net with this chain as one layer, or with a note why not."""
    wiring = Wiring(net)
    first = chain[0].layers[0]
    try:
        parts = _parts(wiring, chain)
        _check_inside(wiring, chain, parts)
    except _StaysUnrolledError as reason:
        text = f"the LSTM written out from here on stays as it is: {reason}"
        return replace(net, notes=(*net.notes, Note("decided", first.name, text)))
    return _with_lstm(wiring, chain, parts)


@dataclass(frozen=True)
class _Parts:
    """What surrounds the steps.

    Attributes:
        x: the whole input (T, N, ...).
        driving: the InnerProduct on it, or on one of its steps.
        recurring: the InnerProduct on a hidden state.
        layers: those that only serve the steps.
        optional: those that may serve others too.
    """

    x: Blob
    driving: Layer
    recurring: Layer
    layers: tuple[Layer, ...]
    optional: tuple[Layer, ...]


def _parts(wiring: Wiring, chain: Sequence[Step]) -> _Parts:
    before = [_initial_hidden(wiring, chain[0]), *(step.hidden for step in chain[:-1])]
    recurring, driven = [], []
    for step, hidden in zip(chain, before, strict=True):
        products = [(blob, wiring.maker(blob, "InnerProduct")) for blob in step.driven]
        mine = [p for _, p in products if p is not None and p.bottoms[0].key == hidden.key]
        others = [blob for blob, p in products if p is None or p.bottoms[0].key != hidden.key]
        if len(mine) != 1 or len(others) != 1:
            raise _StaysUnrolledError("a step is not the sum of one input and the state before")
        recurring += mine
        driven += others
    if len({step.order for step in chain}) != 1:
        raise _StaysUnrolledError("its steps have their gates in different orders")
    x, driving, optional = _input(wiring, driven)
    _check_same(recurring)
    _check_same(driving)
    constants = tuple(
        layer
        for blob in (before[0], chain[0].cell_before)
        if (layer := wiring.maker(blob, "DummyData")) is not None
    )
    return _Parts(x, driving[0], recurring[0], tuple(recurring), (*optional, *constants))


def _initial_hidden(wiring: Wiring, first: Step) -> Blob:
    """The state before the first step, which must be zero, as the cell."""
    products = [wiring.maker(blob, "InnerProduct") for blob in first.driven]
    states = [p.bottoms[0] for p in products if p and wiring.maker(p.bottoms[0], "DummyData")]
    if len(states) != 1 or not all(
        _is_zero(wiring, blob) for blob in (states[0], first.cell_before)
    ):
        raise _StaysUnrolledError("the states before its first step are not zeros")
    return states[0]


def _is_zero(wiring: Wiring, blob: Blob) -> bool:
    layer = wiring.maker(blob, "DummyData")
    if layer is None:
        return False
    fillers = layer.params.fresh().dummy_data_param.data_filler
    place = [top.key for top in layer.tops].index(blob.key)
    return not fillers or fillers[min(place, len(fillers) - 1)].value == 0


def _input(wiring: Wiring, driven: Sequence[Blob]) -> tuple[Blob, list[Layer], tuple[Layer, ...]]:
    """The whole input, the products on it, and the layers between it and the steps."""
    products = [wiring.maker(blob, "InnerProduct") for blob in driven]
    if all(products):
        each = [product for product in products if product is not None]
        cut = _cut_into(wiring, [product.bottoms[0] for product in each])
        return cut.bottoms[0], each, (*each, cut)
    cut = _cut_into(wiring, driven)
    product = wiring.maker(cut.bottoms[0], "InnerProduct")
    if product is None:
        raise _StaysUnrolledError("its input does not come through a matrix product")
    return product.bottoms[0], [product], (product, cut)


def _cut_into(wiring: Wiring, steps: Sequence[Blob]) -> Layer:
    """The Slice that cuts the input into these steps, in order of time."""
    cut = wiring.maker(steps[0], "Slice")
    whole = cut.bottoms[0].shape if cut else ()
    if (
        cut is None
        or [top.key for top in cut.tops] != [blob.key for blob in steps]
        or any(top.shape != (1, *whole[1:]) for top in cut.tops)
    ):
        raise _StaysUnrolledError("its steps do not read the steps of one input, in their order")
    return cut


def _check_same(products: Sequence[Layer]) -> None:
    """All steps must use the same arrays, with axes (T, N) kept."""
    for product in products:
        p = product.params.fresh().inner_product_param
        if p.axis % len(product.bottoms[0].shape) != 2:
            raise _StaysUnrolledError(f"{product} does not work along axis 2")
        if (_arrays(product), p.transpose) != (
            _arrays(products[0]),
            products[0].params.fresh().inner_product_param.transpose,
        ):
            raise _StaysUnrolledError(f"{product} has other weights than the step before")


def _arrays(layer: Layer) -> list[tuple[str, int]]:
    return [(weight.owner, weight.index) for weight in layer.weights]


def _check_inside(wiring: Wiring, chain: Sequence[Step], parts: _Parts) -> None:
    """Nobody else may read what will not be there any more."""
    inside = [*parts.layers, *(layer for step in chain for layer in step.layers)]
    names = {id(layer) for layer in inside}
    hidden = {step.hidden.key for step in chain}
    ends = {blob.key for blob in wiring.net.outputs}
    for layer in inside:
        for top in layer.tops:
            read = any(id(reader) not in names for reader in wiring.readers.get(top.key, ()))
            if top.key not in hidden and (read or top.key in ends):
                raise _StaysUnrolledError(f'blob "{top.name}" inside a step is read elsewhere too')


def _with_lstm(wiring: Wiring, chain: Sequence[Step], parts: _Parts) -> Net:
    """One LSTM in place of the steps; their states are cut from its sequence where needed."""
    net = wiring.net
    inside = {id(layer) for step in chain for layer in step.layers}
    inside |= {id(layer) for layer in parts.layers}
    hidden = [step.hidden for step in chain]
    joined = _joined(wiring, hidden)
    if joined is not None:
        inside.add(id(joined))
    lstm = _lstm(net, chain, parts, joined.tops[0] if joined else None)
    new = [*lstm, _steps(lstm[-1], hidden)] if _needed(wiring, hidden, inside) else lstm
    layers: list[Layer] = []
    for layer in net.layers:
        if id(layer) not in inside:
            layers.append(layer)
        if any(top.key == parts.x.key for top in layer.tops):
            layers += new
    text = f"{len(inside)} layers, an LSTM written out over {len(chain)} steps, become one layer"
    notes = (*net.notes, Note("decided", lstm[-1].name, text))
    left = _without_unread(layers, net, parts.optional)
    return replace(net, layers=left, notes=notes)


def _joined(wiring: Wiring, hidden: Sequence[Blob]) -> Layer | None:
    """The Concat of all hidden states over time."""
    keys = [blob.key for blob in hidden]
    for reader in wiring.readers.get(keys[-1], ()):
        if reader.type == "Concat" and [b.key for b in reader.bottoms] == keys:
            steps = (len(hidden), *hidden[0].shape[1:])
            if reader.tops[0].shape == steps:
                return reader
    return None


def _needed(wiring: Wiring, hidden: Sequence[Blob], inside: set[int]) -> bool:
    ends = {blob.key for blob in wiring.net.outputs}
    return any(
        blob.key in ends or any(id(r) not in inside for r in wiring.readers.get(blob.key, ()))
        for blob in hidden
    )


def _lstm(net: Net, chain: Sequence[Step], parts: _Parts, top: Blob | None) -> list[Layer]:
    """The LSTM and what says that its sequences begin at the first step."""
    first = chain[0].layers[0]
    taken = {layer.name for layer in net.layers} | {b.name for la in net.layers for b in la.tops}
    name, cont = _free("lstm", taken), _free("lstm_cont", taken)
    width = chain[0].hidden.shape[2]
    shape = (len(chain), *chain[0].hidden.shape[1:])
    kind = type(first.params.message)
    line = first.params.message.source_line
    says = kind(name=cont, type="ContinuationIndicator", source_line=line)
    says.continuation_indicator_param.time_step = len(chain)
    says.continuation_indicator_param.axis = 1
    message = kind(name=name, type="LSTM", source_line=line)
    message.recurrent_param.num_output = width
    indicator = Layer(
        cont,
        "ContinuationIndicator",
        Params(says),
        (parts.x,),
        (Blob(cont, 0, parts.x.shape[:2]),),
        where=first.where,
    )
    lstm = Layer(
        name,
        "LSTM",
        Params(message),
        (parts.x, *indicator.tops),
        (top or Blob(name, 0, shape),),
        _weights(name, chain[0].order, parts),
        first.where,
    )
    return [indicator, lstm]


def _free(name: str, taken: set[str]) -> str:
    candidate, count = name, 2
    while candidate in taken:
        candidate, count = f"{name}_{count}", count + 1
    return candidate


def _weights(name: str, order: tuple[int, ...], parts: _Parts) -> tuple[Weight, ...]:
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


def _steps(lstm: Layer, hidden: Sequence[Blob]) -> Layer:
    """The Slice that gives each step its hidden state back, under its own name."""
    old = lstm.params.message
    message = type(old)(name=f"{lstm.name}_steps", type="Slice", source_line=old.source_line)
    message.slice_param.axis = 0
    return Layer(message.name, "Slice", Params(message), lstm.tops, tuple(hidden), where=lstm.where)


def _without_unread(
    layers: Sequence[Layer], net: Net, optional: Sequence[Layer]
) -> tuple[Layer, ...]:
    """Without those of the optional layers that nobody reads any more."""
    candidates = {id(layer) for layer in optional}
    wanted: set[Key] = {blob.key for blob in net.outputs}
    kept: list[Layer] = []
    for layer in reversed(layers):
        if id(layer) not in candidates or any(top.key in wanted for top in layer.tops):
            wanted.update(bottom.key for bottom in layer.bottoms)
            kept.append(layer)
    return tuple(reversed(kept))

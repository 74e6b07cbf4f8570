"""LSTMs that were written out step by step: found by their wiring, never by their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from caffe2keras.graph.constants import constants
from caffe2keras.graph.net import Blob, Layer, Net, Note
from caffe2keras.passes.lstm_layer import Parts, lstm_layers, slice_into_steps
from caffe2keras.passes.lstm_steps import Step, Wiring, chains_of_steps

__all__ = ["roll_lstms"]

Key = tuple[str, int]


def roll_lstms(net: Net) -> Net:
    """Let one LSTM stand for all the steps of an unrolled one.

    Given:  X ─ Slice ─▶ x_t;  SUM(W x_t + b, U h_{t-1}) ─ Slice ─▶ gates;
            c_t = SUM(PROD(sigmoid f, c_{t-1}), PROD(sigmoid i, tanh g));
            h_t = PROD(sigmoid o, tanh c_t);  h_0, h_1, ... ─ Concat ─▶ H
    Result: X ─ ContinuationIndicator ─▶ c;  X, c ─ LSTM ─▶ H

    States before the first step that are not zeros, and a last cell that is read, make it an LSTM
    with expose_hidden. Not where anyone else reads a blob inside, or where steps have weights of
    their own; a note says why.
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


def _parts(wiring: Wiring, chain: Sequence[Step]) -> Parts:
    before = [_initial_hidden(wiring, chain), *(step.hidden for step in chain[:-1])]
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
    states = before[0], chain[0].cell_before
    makers = (wiring.maker(blob, "DummyData") for blob in states)
    optional = (*optional, *(maker for maker in makers if maker is not None))
    known = constants(wiring.net)
    from_zeros = all(known.get(blob.key) == 0 for blob in states)
    return Parts(x, driving[0], recurring[0], tuple(recurring), optional, states, from_zeros)


def _initial_hidden(wiring: Wiring, chain: Sequence[Step]) -> Blob:
    """The state before the first step: it meets the weights that later states meet."""
    made = [wiring.maker(blob, "InnerProduct") for step in chain[:2] for blob in step.driven]
    products = [product for product in made if product is not None]
    later = [_arrays(p) for p in products if p.bottoms[0].key == chain[0].hidden.key]
    first = [p for p in products if p.tops[0].key in {blob.key for blob in chain[0].driven}]
    states = [p.bottoms[0] for p in first if _arrays(p) in later]
    states = states or [
        p.bottoms[0] for p in first if wiring.maker(p.bottoms[0], "DummyData") is not None
    ]
    if len(states) != 1 or states[0].shape != chain[0].hidden.shape:
        raise _StaysUnrolledError("no state before its first step can be told from its input")
    return states[0]


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


def _check_inside(wiring: Wiring, chain: Sequence[Step], parts: Parts) -> None:
    """Nobody else may read what will not be there any more."""
    inside = [*parts.layers, *(layer for step in chain for layer in step.layers)]
    names = {id(layer) for layer in inside}
    given = {step.hidden.key for step in chain} | {chain[-1].cell.key}
    ends = {blob.key for blob in wiring.net.outputs}
    for layer in inside:
        for top in layer.tops:
            read = any(id(reader) not in names for reader in wiring.readers.get(top.key, ()))
            if top.key not in given and (read or top.key in ends):
                raise _StaysUnrolledError(f'blob "{top.name}" inside a step is read elsewhere too')


def _with_lstm(wiring: Wiring, chain: Sequence[Step], parts: Parts) -> Net:
    """One LSTM in place of the steps; their states are cut from its sequence where needed."""
    net = wiring.net
    inside = {id(layer) for step in chain for layer in step.layers}
    inside |= {id(layer) for layer in parts.layers}
    hidden = [step.hidden for step in chain]
    joined = _joined(wiring, hidden)
    if joined is not None:
        inside.add(id(joined))
    exposed = not parts.from_zeros or _needed(wiring, [chain[-1].cell], inside)
    lstm = lstm_layers(net, chain, parts, joined.tops[0] if joined else None, exposed)
    new = [*lstm, slice_into_steps(lstm[-1], hidden)] if _needed(wiring, hidden, inside) else lstm
    read = {blob.key for blob in lstm[-1].bottoms}
    last = max(i for i, la in enumerate(net.layers) if any(top.key in read for top in la.tops))
    layers: list[Layer] = []
    for index, layer in enumerate(net.layers):
        if id(layer) not in inside:
            layers.append(layer)
        if index == last:
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

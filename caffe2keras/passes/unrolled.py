"""LSTMs that were written out step by step: found by their wiring, never by their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from caffe2keras.graph.net import Blob, Layer, Net, Note
from caffe2keras.passes.lstm_layer import lstm_layers, slice_into_steps
from caffe2keras.passes.lstm_parts import Parts, StaysUnrolledError, parts_around
from caffe2keras.passes.lstm_steps import Step, Wiring, chains_of_steps

__all__ = ["roll_lstms"]

Key = tuple[str, int]


def roll_lstms(net: Net) -> Net:
    """Let one LSTM stand for all the steps of an unrolled one.

    Given:  X ─ Slice ─▶ x_t;  SUM(W x_t + b, U h_{t-1}) ─ Slice ─▶ gates;
            c_t = SUM(PROD(sigmoid f, c_{t-1}), PROD(sigmoid i, tanh g));
            h_t = PROD(sigmoid o, tanh c_t);  h_0, h_1, ... ─ Concat ─▶ H
    Result: X ─ ContinuationIndicator ─▶ c;  X, c ─ LSTM ─▶ H

    The product with W may stand before the Slice, an LSTMUnit in place of gates, c_t and h_t, and
    a static input in the sum. A cont that scales both states is the LSTM's; states before the
    first step that are not zeros, and a last cell that is read, make it one with expose_hidden.
    Not where anyone else reads a blob inside, or where steps have weights of their own; a note
    says why.
    """
    for chain in chains_of_steps(Wiring(net)):
        net = _rolled(net, chain)
    return net


def _rolled(net: Net, chain: Sequence[Step]) -> Net:
    """The net with this chain as one layer, or with a note why not."""
    wiring = Wiring(net)
    first = chain[0].layers[0]
    try:
        parts = parts_around(wiring, chain)
        _check_inside(wiring, chain, parts)
    except StaysUnrolledError as reason:
        text = f"the LSTM written out from here on stays as it is: {reason}"
        return replace(net, notes=(*net.notes, Note("decided", first.name, text)))
    return _with_lstm(wiring, chain, parts)


def _check_inside(wiring: Wiring, chain: Sequence[Step], parts: Parts) -> None:
    """Nobody else may read what will not be there any more, nor may the LSTM itself."""
    inside = [*parts.layers, *(layer for step in chain for layer in step.layers)]
    names = {id(layer) for layer in inside}
    given = {step.hidden.key for step in chain} | {chain[-1].cell.key}
    ends = {blob.key for blob in wiring.net.outputs}
    made = {top.key for layer in inside for top in layer.tops}
    if any(state.key in made for state in parts.states):
        raise StaysUnrolledError("the state before its first step is computed in that step")
    for layer in inside:
        for top in layer.tops:
            read = any(id(reader) not in names for reader in wiring.readers.get(top.key, ()))
            if top.key not in given and (read or top.key in ends):
                raise StaysUnrolledError(f'blob "{top.name}" inside a step is read elsewhere too')


def _with_lstm(wiring: Wiring, chain: Sequence[Step], parts: Parts) -> Net:
    """One LSTM in place of the steps; their states are cut from its sequence where needed."""
    net = wiring.net
    inside = {id(layer) for step in chain for layer in step.layers}
    inside |= {id(layer) for layer in parts.layers}
    hidden = [step.hidden for step in chain]
    joined = _joined(wiring, hidden)
    if joined is not None:
        inside.add(id(joined))
    last_read = _needed(wiring, [chain[-1].cell], inside)
    # With a cont, Caffe's LSTM would go on from the pass before; the steps begin with their states.
    exposed = not parts.from_zeros or parts.cont is not None or last_read
    lstm = lstm_layers(net, chain, parts, joined.tops[0] if joined else None, exposed)
    new = [*lstm, slice_into_steps(lstm[-1], hidden)] if _needed(wiring, hidden, inside) else lstm
    read = {blob.key for layer in lstm for blob in layer.bottoms}
    last = max(i for i, la in enumerate(net.layers) if any(top.key in read for top in la.tops))
    layers: list[Layer] = []
    for index, layer in enumerate(net.layers):
        if id(layer) not in inside:
            layers.append(layer)
        if index == last:
            layers += new
    text = f"{len(inside)} layers, an LSTM written out over {len(chain)} steps, become one layer"
    text += "" if parts.tied else "; their weights are equal, but were not shared till now"
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

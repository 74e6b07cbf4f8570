"""Where sequences begin, if the net or the user says it: Keras's own layers can take over then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from caffe2keras.graph.constants import constants
from caffe2keras.graph.net import Blob, Layer, Net, Note
from caffe2keras.params import Params

__all__ = ["assume_full_sequences", "keep_states", "settle_continuation"]

Key = tuple[str, int]
Array = npt.NDArray[np.float32]

_RECURRENT = ("LSTM", "RNN")


def settle_continuation(net: Net) -> Net:
    """Let a ContinuationIndicator say where sequences begin, if constants say the same.

    Given:  DummyData 0 (1, N), DummyData 1 (T - 1, N) ─ Concat ─▶ cont;  x, cont ─ LSTM ─▶ h
    Result: x ─ ContinuationIndicator ─▶ c;  x, c ─ LSTM ─▶ h

    It takes N from x, and so leaves the batch size free. A cont of ones alone is the same where
    no state is given, or zeros, since the state before a prediction is zero.
    """
    cont, single = _constants(net), constants(net)
    return _with_indicators(
        net,
        {
            index
            for index, layer in enumerate(net.layers)
            if layer.type in _RECURRENT
            and _begins_once(layer, cont.get(layer.bottoms[1].key), single)
        },
    )


def assume_full_sequences(net: Net) -> Net:
    """Let every sequence begin at the first step and nowhere else, whatever is fed as cont.

    Given:  x, cont ─ LSTM ─▶ h
    Result: x ─ ContinuationIndicator ─▶ c;  x, c ─ LSTM ─▶ h
    """
    recurrent = {i for i, layer in enumerate(net.layers) if layer.type in _RECURRENT}
    text = "taken to be 0 at the first step and 1 at all others, as you said"
    subjects = dict.fromkeys(net.layers[i].bottoms[1].name for i in sorted(recurrent))
    notes = tuple(Note("decided", name, text) for name in subjects)
    return _with_indicators(replace(net, notes=(*net.notes, *notes)), recurrent)


def keep_states(net: Net) -> Net:
    """Let recurrent layers go on from where the pass before ended, where Caffe does.

    That is where their states are not fed, and sequences do not all begin at the first step
    (recurrent_layer.cpp; junhyukoh's lstm_layer.cpp with marks).
    """
    layers = tuple(replace(la, keeps_state=_may_go_on(la)) for la in net.layers)
    kept = [layer.name for layer in layers if layer.keeps_state]
    text = "its state is kept from one prediction to the next; reset_state() makes it zero"
    notes = [Note("decided", name, text) for name in kept]
    if not kept:
        notes = [Note("decided", "stateful", "no layer of this net keeps a state in Caffe")]
    return replace(net, layers=layers, notes=(*net.notes, *notes))


def _may_go_on(layer: Layer) -> bool:
    if layer.type == "Lstm":
        return len(layer.bottoms) > 1
    return layer.type in _RECURRENT and len(layer.tops) == 1


def _begins_once(layer: Layer, cont: Array | None, single: Mapping[Key, float]) -> bool:
    if cont is None or not (cont[1:] == 1).all():
        return False
    if layer.keeps_state:
        return bool((cont[0] == 0).all())
    states = layer.bottoms[len(layer.bottoms) - len(layer.tops) + 1 :]
    fed = any(single.get(state.key) != 0 for state in states)
    return bool((cont[0] == 0).all() or (not fed and (cont[0] == 1).all()))


def _with_indicators(net: Net, places: set[int]) -> Net:
    """The net with an indicator of its own before each of these layers."""
    if not places:
        return net
    taken = {layer.name for layer in net.layers}
    taken.update(top.name for layer in net.layers for top in layer.tops)
    layers: list[Layer] = []
    for index, layer in enumerate(net.layers):
        if index in places:
            indicator = _indicator(layer, taken)
            layers.append(indicator)
            x, _, *rest = layer.bottoms
            layer = replace(layer, bottoms=(x, *indicator.tops, *rest))
        layers.append(layer)
    return replace(net, layers=_without_unread(net, layers))


def _indicator(layer: Layer, taken: set[str]) -> Layer:
    x = layer.bottoms[0]
    name = f"{layer.name}_cont"
    while name in taken:
        name += "_"
    taken.add(name)
    old = layer.params.message
    message = type(old)(name=name, type="ContinuationIndicator", source_line=old.source_line)
    message.continuation_indicator_param.time_step = x.shape[0]
    message.continuation_indicator_param.axis = 1
    top = Blob(name, 0, x.shape[:2])
    return Layer(name, "ContinuationIndicator", Params(message), (x,), (top,), where=layer.where)


def _without_unread(net: Net, layers: list[Layer]) -> tuple[Layer, ...]:
    """Without what only made the old cont: constants that nobody reads any more."""
    wanted = {blob.key for blob in net.outputs}
    kept: list[Layer] = []
    for layer in reversed(layers):
        makes_constants = layer.type in ("ContinuationIndicator", "Concat", "DummyData")
        if not makes_constants or any(top.key in wanted for top in layer.tops):
            wanted.update(bottom.key for bottom in layer.bottoms)
            kept.append(layer)
    return tuple(reversed(kept))


def _constants(net: Net) -> Mapping[Key, Array]:
    """The blobs whose numbers the net itself says: one value each, or such joined over time."""
    value = constants(net)
    known: dict[Key, Array] = {}
    for layer in net.layers:
        params = layer.params.fresh()
        if layer.type == "DummyData":
            for top in layer.tops:
                known[top.key] = np.broadcast_to(np.float32(value[top.key]), top.shape)
        elif layer.type == "ContinuationIndicator":
            known[layer.tops[0].key] = np.ones(layer.tops[0].shape, np.float32)
            known[layer.tops[0].key][0] = 0
        elif layer.type == "Concat" and all(_is_part(b, known) for b in layer.bottoms):
            p = params.concat_param
            axis = p.concat_dim if p.has("concat_dim") else p.axis
            known[layer.tops[0].key] = np.concatenate([known[b.key] for b in layer.bottoms], axis)
    return known


def _is_part(blob: Blob, known: Mapping[Key, Array]) -> bool:
    """Whether it may be a part of a cont; anything larger is not worth its memory."""
    return blob.key in known and len(blob.shape) == 2

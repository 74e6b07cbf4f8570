"""Recurrent layers, Caffe's own and junhyukoh's; time is the first axis, the batch the second.

Caffe keeps the state from one forward pass to the next until cont is 0. A pass here begins with
a state of zeros, unless the net feeds one (expose_hidden).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe2keras.graph.net import Layer
from caffe2keras.verify.oracle.registry import Array, Arrays, Tops, computes

__all__ = ["lstm", "lstm_unit", "rnn"]


def _unit(cell: Array, gates: Array, cont: Array) -> tuple[Array, Array]:
    """One step of the cell: (N, H), (N, 4H) and (N,) -> the new cell and hidden state.

    Gates stand in the order input, forget, output, candidate; cont scales the forget gate, and
    where it is 0 not even a NaN of the old cell survives (lstm_unit_layer.cpp).
    """
    i, f, o = (1 / (1 + np.exp(-gate)) for gate in np.split(gates, 4, axis=-1)[:3])
    candidate = np.tanh(np.split(gates, 4, axis=-1)[3])
    goes_on = cont[:, np.newaxis]
    remembered = np.where(goes_on == 0, 0, goes_on * f * cell)
    cell = remembered + i * candidate
    return cell, o * np.tanh(cell)


@computes("LSTMUnit")
def lstm_unit(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """One step: cell (1, N, H), gates (1, N, 4H), cont (1, N) -> cell, hidden (1, N, H)."""
    cell, gates, cont = (bottom[0] for bottom in bottoms)
    return tuple(top[np.newaxis] for top in _unit(cell, gates, cont))


def _driven(x: Array, static: Array | None, weights: Sequence[Array]) -> Array:
    """What the inputs contribute at every step: (T, N, D) [and (N, S)] -> (T, N, G).

    Weights: (G, D), bias (G,) and, with a static input, (G, S).
    """
    driven = x.reshape(*x.shape[:2], -1) @ weights[0].T + weights[1]
    if static is not None:
        driven += static.reshape(len(static), -1) @ weights[2].T
    return driven


def _arranged(
    layer: Layer, bottoms: Sequence[Array], states: int
) -> tuple[Array, Array, Array | None, list[Array]]:
    """x, cont, the static input if there is one, and the states to begin with (N, H)."""
    p = layer.params.recurrent_param
    x, cont, *rest = bottoms
    fed = states if p.expose_hidden else 0
    static = rest[0] if len(rest) > fed else None
    if fed:
        return x, cont, static, [state[0] for state in rest[-fed:]]
    return x, cont, static, [np.zeros((x.shape[1], p.num_output), x.dtype)] * states


@computes("LSTM")
def lstm(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """A layer of LSTM: x (T, N, ...), cont (T, N)[, static (N, ...)][, h_0, c_0] -> h[, h_T, c_T].

    Weights: input (4H, D), bias (4H,)[, static (4H, S)], hidden (4H, H) (lstm_layer.cpp).
    """
    x, cont, static, (hidden, cell) = _arranged(layer, bottoms, states=2)
    recurrent = weights[-1]
    steps = []
    for driven, goes_on in zip(_driven(x, static, weights), cont, strict=True):
        gates = driven + (goes_on[:, np.newaxis] * hidden) @ recurrent.T
        cell, hidden = _unit(cell, gates, goes_on)
        steps.append(hidden)
    tops = (np.stack(steps), hidden[np.newaxis], cell[np.newaxis])
    return tops[: len(layer.tops)]


@computes("RNN")
def rnn(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """A plain recurrent layer: x (T, N, ...), cont (T, N)[, static][, h_0] -> o (T, N, H)[, h_T].

    Weights: input (H, D), bias (H,)[, static (H, S)], hidden (H, H), output (H, H), its bias (H,);
    both the hidden state and the output pass through tanh (rnn_layer.cpp).
    """
    x, cont, static, (hidden,) = _arranged(layer, bottoms, states=1)
    recurrent, outward, shift = weights[len(weights) - 3 :]
    steps = []
    for driven, goes_on in zip(_driven(x, static, weights), cont, strict=True):
        hidden = np.tanh(driven + (goes_on[:, np.newaxis] * hidden) @ recurrent.T)
        steps.append(np.tanh(hidden @ outward.T + shift))
    return (np.stack(steps), hidden[np.newaxis])[: len(layer.tops)]


@computes("Lstm")
def junhyukoh_lstm(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """An LSTM of the same mathematics with its own weights, shapes and beginning.

    Weights: input (4H, D), hidden (4H, H), bias (4H,). x is (T·N, ...), batch_size being N, and
    the top (T·N, H) (lstm_layer.cpp in junhyukoh's caffe-lstm); or, with three axes, (T, N, D)
    and the top (T, N, H) (senlinuc's and tianzhi0549's forks). Without the second bottom, clip,
    a sequence begins at the first step; with it, wherever clip is 0.
    """
    p = layer.params.lstm_param
    x = bottoms[0]
    flat = x.ndim != 3
    batch = p.batch_size if flat else x.shape[1]
    driven = x.reshape(len(x) // batch if flat else len(x), batch, -1) @ weights[0].T + weights[2]
    hidden = cell = np.zeros((batch, p.num_output), x.dtype)
    steps = []
    for step, goes_on in zip(driven, _clips(bottoms, len(driven), batch), strict=True):
        gates = step + goes_on[:, np.newaxis] * (hidden @ weights[1].T)
        cell, hidden = _unit(cell, gates, goes_on)
        steps.append(hidden)
    answer = np.stack(steps)
    return (answer.reshape(-1, p.num_output) if flat else answer,)


def _clips(bottoms: Arrays, steps: int, batch: int) -> Array:
    """Whether each sequence goes on at each step, (T, N) of 0 and 1."""
    if len(bottoms) == 1:
        return np.repeat((np.arange(steps) > 0)[:, np.newaxis], batch, 1).astype(bottoms[0].dtype)
    # The sources step through clip by one, not by N, from one time step to the next.
    places = np.arange(steps)[:, np.newaxis] + np.arange(batch)
    clips: Array = (bottoms[1].reshape(-1)[places] != 0).astype(bottoms[0].dtype)
    return clips

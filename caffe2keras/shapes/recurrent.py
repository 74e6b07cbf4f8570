"""Layers that step through time."""

from __future__ import annotations

from collections.abc import Sequence

from caffe2keras.graph.net import Shape
from caffe2keras.params import Params
from caffe2keras.shapes.demands import blobs, canonical_axis, count, demand
from caffe2keras.shapes.registry import Inferred, infers

__all__ = ["continuation_indicator", "lstm", "lstm_junhyukoh", "lstm_unit", "rnn"]


@infers("LSTM")
@blobs(bottoms=(2, 5), tops=(1, 3))
def lstm(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """Input x (T, N, *in), cont (T, N), x_static (N, *in) -> h (T, N, D).

    With expose_hidden also h_0 and c_0, both (1, N, D), to h_T and c_T. Weights: W_xc (4D, in),
    b_c (4D,), W_xc_static (4D, in) where there is a static input, W_hc (4D, D); the four gates
    are i, f, o, g (lstm_layer.cpp).
    """
    out, top, inputs = _unrolled(params, bottoms, tops, states=2)
    first, *static = ((4 * out, size) for size in inputs)
    return Inferred(top, (first, (4 * out,), *static, (4 * out, out)))


@infers("RNN")
@blobs(bottoms=(2, 4), tops=(1, 2))
def rnn(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """Input x (T, N, *in), cont (T, N), x_static (N, *in) -> o (T, N, D).

    With expose_hidden also h_0, (1, N, D), to h_T. Weights: W_xh (D, in), b_h (D,), W_xh_static
    (D, in) where there is a static input, W_hh (D, D), W_ho (D, D), b_o (D,) (rnn_layer.cpp).
    """
    out, top, inputs = _unrolled(params, bottoms, tops, states=1)
    first, *static = ((out, size) for size in inputs)
    return Inferred(top, (first, (out,), *static, (out, out), (out, out), (out,)))


@infers("LSTMUnit")
@blobs(bottoms=3, tops=2)
def lstm_unit(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """c_{t-1} (1, N, D), gates (1, N, 4D), cont (1, N) -> c_t, h_t, both (1, N, D)."""
    cell, gates, cont = bottoms
    demand(len(cell) == 3 and cell[0] == 1, f"the cell state takes (1, N, D), received {cell}")
    expected = (1, cell[1], 4 * cell[2])
    demand(gates == expected, f"the gates take {expected}, received {gates}")
    demand(cont == cell[:2], f"the third input takes {cell[:2]}, received {cont}")
    return Inferred((cell, cell))


@infers("Lstm")
@blobs(bottoms=(1, 2))
def lstm_junhyukoh(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """Rows (T·N, *in), or (T, N, in) in the forks of it -> h (T·N, D) or (T, N, D).

    Weights: W_i (4D, in), W_h (4D, D), b (4D,). A second input says where sequences go on, one
    number a row. junhyukoh's lstm_layer.cpp takes the rows of N = batch_size streams in one
    axis, senlinuc's and CTPN's take steps and streams as two and do not read batch_size: three
    axes mean theirs, any other number junhyukoh's.
    """
    p, x = params.lstm_param, bottoms[0]
    demand(p.num_output > 0, "num_output is missing or zero")
    demand(len(x) >= 2, f"it takes an input of 2 axes or more, received {x}")
    rows = x[:2] if len(x) == 3 else x[:1]
    demand(
        len(rows) == 2 or (p.batch_size > 0 and rows[0] % p.batch_size == 0),
        f"batch_size {p.batch_size} does not divide the {x[0]} rows",
    )
    for clip in bottoms[1:]:
        expected = f"the marks take {count(rows)} numbers along the first axis, got {clip}"
        demand(count(clip) == clip[0] == count(rows), expected)
    gates = 4 * p.num_output
    weights = ((gates, count(x, len(rows))), (gates, p.num_output), (gates,))
    return Inferred(((*rows, p.num_output),), weights)


@infers("ContinuationIndicator")
@blobs(bottoms=(0, 1))
def continuation_indicator(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """(T, N), 0 in the first step and 1 in all others.

    N is batch_size (yalecyu), or the extent of the input's ``axis`` (jolibrain).
    """
    p = params.continuation_indicator_param
    streams: int = p.batch_size
    if not streams and bottoms:
        streams = bottoms[0][canonical_axis(p.axis, bottoms[0])]
    demand(p.time_step > 0, "time_step is missing or zero")
    demand(streams > 0, "batch_size is missing or zero")
    return Inferred(((p.time_step, streams),))


def _unrolled(
    params: Params, bottoms: Sequence[Shape], tops: int, *, states: int
) -> tuple[int, tuple[Shape, ...], tuple[int, ...]]:
    """What recurrent_layer.cpp asks of its blobs, whatever the cell.

    Returns:
        The width D, the shapes of the tops, and the numbers that x, and x_static if there is
        one, hold for each stream and step.
    """
    p = params.recurrent_param
    exposed = states if p.expose_hidden else 0
    x, cont, *rest = bottoms
    demand(p.num_output > 0, "num_output is missing or zero")
    demand(
        exposed <= len(rest) <= exposed + 1,
        f"it takes {2 + exposed} inputs, and one more if that is static, received {len(bottoms)}",
    )
    demand(tops == 1 + exposed, f"it produces {1 + exposed} outputs, received {tops}")
    demand(len(x) >= 3, f"the input takes (steps, streams, ...), 3 axes or more, received {x}")
    demand(cont == x[:2], f"the continuation indicators take {x[:2]}, received {cont}")
    static, initial = rest[: len(rest) - exposed], rest[len(rest) - exposed :]
    state = (1, x[1], p.num_output)
    _check_beside(x[1], static, initial, state)
    inputs = (count(x, 2), *(count(shape, 1) for shape in static))
    return p.num_output, ((*x[:2], p.num_output), *(state,) * exposed), inputs


def _check_beside(
    streams: int, static: Sequence[Shape], initial: Sequence[Shape], state: Shape
) -> None:
    for shape in static:
        demand(
            len(shape) >= 2 and shape[0] == streams,
            f"the static input takes ({streams}, ...), 2 axes or more, received {shape}",
        )
    for shape in initial:
        demand(shape == state, f"the initial states take {state}, received {shape}")

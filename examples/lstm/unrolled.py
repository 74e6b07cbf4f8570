"""An LSTM written out step by step with NetSpec, as one did before Caffe had an LSTM layer.

Usage: python unrolled.py [STEPS BATCH UNITS SHAPE...] > lstm.prototxt

STEPS (2 or more), BATCH and UNITS are 3, 10 and 500 unless given, a step has SHAPE 128 10 10.
"""

from __future__ import annotations

import sys
from typing import Any

from caffe2keras.netspec import NetSpec
from caffe2keras.netspec import layers as L
from caffe2keras.netspec import params as P
from caffe2keras.proto.caffe_pb2 import NetParameter

WEIGHTS = dict(type="uniform", min=-0.05, max=0.05)
BIAS = dict(type="constant", value=0)


def shared(step: str, name: str, *, bias: bool = False) -> dict[str, Any]:
    """A parameter that all steps share by its name, with Caffe's usual rates."""
    rates = dict(lr_mult=2, decay_mult=0) if bias else dict(lr_mult=1, decay_mult=1)
    return dict(name=f"w_{step}/{name}", **rates)


def product(bottom: Any, units: int, *params: dict[str, Any]) -> Any:
    """All four gates of each sequence at once: (1, N, ...) -> (1, N, 4 * units)."""
    return L.InnerProduct(
        bottom,
        num_output=4 * units,
        axis=2,
        bias_term=len(params) == 2,
        weight_filler=WEIGHTS,
        bias_filler=BIAS,
        param=list(params),
    )


def single_time_step_lstm(
    n: NetSpec, prefix: str, x: Any, state: tuple[Any, Any], units: int, first: str
) -> tuple[Any, Any]:
    """One step.

    Args:
        n: the net; the step's blobs are called prefix/...
        prefix: the step's name.
        x: the step's input, (1, N, ...).
        state: the output and the cell of the step before, (1, N, units) each.
        units: how many cells.
        first: the name of the step whose parameters all steps share.

    Returns:
        the output and the cell of this step.
    """
    before, cell_before = state
    mx = n[f"{prefix}/Mx"] = product(
        x, units, shared(first, "Mxw"), shared(first, "Mxb", bias=True)
    )
    mh = n[f"{prefix}/Mh"] = product(before, units, shared(first, "Mhw"))
    both = n[f"{prefix}/Mx+Mh"] = L.Eltwise(mx, mh, operation=P.Eltwise.SUM)
    raw = L.Slice(both, axis=2, slice_point=[units, 2 * units, 3 * units], ntop=4)
    n[f"{prefix}/raw_i"], n[f"{prefix}/raw_f"], n[f"{prefix}/raw_o"], n[f"{prefix}/raw_g"] = raw
    i, f, o = (L.Sigmoid(top, in_place=True) for top in raw[:3])
    g = L.TanH(raw[3], in_place=True)
    kept = n[f"{prefix}/c_f"] = L.Eltwise(f, cell_before, operation=P.Eltwise.PROD)
    new = n[f"{prefix}/c_i"] = L.Eltwise(i, g, operation=P.Eltwise.PROD)
    cell = n[f"{prefix}/c"] = L.Eltwise(kept, new, operation=P.Eltwise.SUM)
    squashed = n[f"{prefix}/act_c"] = L.TanH(cell)
    hidden = n[f"{prefix}/h"] = L.Eltwise(o, squashed, operation=P.Eltwise.PROD)
    return hidden, cell


def network(steps: int, batch: int, units: int, shape: list[int]) -> NetParameter:
    """The whole net: X (steps, batch, *shape) -> H (steps, batch, units)."""
    n = NetSpec()
    n.X = L.DummyData(shape=dict(dim=[steps, batch, *shape]))
    zeros = dict(shape=dict(dim=[1, batch, units]), data_filler=BIAS)
    n.h0, n.c0 = L.DummyData(**zeros), L.DummyData(**zeros)
    xs = L.Slice(n.X, axis=0, slice_point=list(range(1, steps)), ntop=steps, name="slice_X")
    state, outputs = (n.h0, n.c0), []
    for t, x in enumerate(xs):
        state = single_time_step_lstm(n, f"t{t}/lstm", x, state, units, first="t0")
        outputs.append(state[0])
    n.H = L.Concat(*outputs, axis=0)
    net = n.to_proto()
    net.name = "LSTM using NetSpec"
    return net


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]] or [3, 10, 500, 128, 10, 10]
    if len(given) < 4 or given[0] < 2:
        sys.exit(__doc__)
    steps, batch, units, *shape = given
    print(network(steps, batch, units, shape))

"""The LSTM of junhyukoh's fork and of those that took it over: Caffe's cell in other blobs."""

from __future__ import annotations

from math import prod
from typing import Any

from caffe2keras.errors import UnsupportedCombinationError
from caffe2keras.graph.net import Layer, Note
from caffe2keras.layer_map.recurrent import begins_with_zeros, stateful_layer
from caffe2keras.layer_map.registry import Layouts, Placed, maps
from caffe2keras.layer_map.wiring import fixed_reshape, reshape
from caffe2keras.layout import caffe_order, ifog_rows_to_ifgo_columns, time_major
from caffe2keras.spec import (
    Call,
    Fragment,
    FragmentInput,
    FragmentOutput,
    FragmentTensor,
    KerasLayer,
    Variable,
)

__all__ = ["lstm_junhyukoh"]


def _rows_or_sequences(layer: Layer, given: Layouts) -> Layouts:
    """Rows in Caffe's order; of three axes the first is time, and the marks' likewise."""
    if given[0].rank != 3:
        return tuple(caffe_order(layout.rank) for layout in given)
    return tuple(time_major(layout.rank) if layout.rank > 1 else layout for layout in given)


@maps("Lstm", wants=_rows_or_sequences, any_batch_axis=True)
def lstm_junhyukoh(layer: Placed) -> Fragment:
    """A layer of long short-term memory in one axis of rows, or in steps and streams.

    Caffe    W_i (4H, D), W_h (4H, H), b (4H,), gates i, f, o, g; rows (T·N, ...) with N =
             batch_size, or (T, N, D); marks, 0 where a sequence begins, in their order
    Keras    LSTM without marks, else caffe2keras>CaffeLSTM; around rows caffe2keras>FixedReshape,
             caffe2keras>Transpose and caffe2keras>StepMarks
    Differs  with marks every prediction begins with a state of zeros, unless the net is
             converted to be stateful; marks but 0 and 1 are
             factors, as on Caffe's GPU (its CPU takes them for 1); rows fix the batch size
    Refuses  marks beside several streams in an axis of their own
    Source   lstm_layer.cpp in junhyukoh's caffe-lstm, senlinuc's caffe_ocr and CTPN's fork
    """
    p = layer.params.lstm_param
    p.honoured("num_output")  # the inferred shape says it
    p.honoured("clipping_threshold")  # of gradients
    x = layer.inputs[0]
    in_rows = x.rank != 3
    streams = p.batch_size if in_rows else x.shape[1]
    p.honoured("batch_size")
    steps = x.shape[0] // streams if in_rows else x.shape[0]
    calls: list[Call] = []
    sequences = _sequences(layer, calls, steps, streams) if in_rows else FragmentInput(0)
    inputs = (sequences, *_marks(layer, calls, steps, streams))
    keras = _keras(layer)
    calls.append(Call(stateful_layer(keras, streams, 2) if layer.keeps_state else keras, inputs))
    if in_rows:
        _append(calls, *_turned(streams), fixed_reshape(layer.outputs[0]))
    layout = caffe_order(2) if in_rows else time_major(3)
    top = FragmentOutput(len(calls) - 1)
    ties_batch = in_rows or layer.keeps_state
    return Fragment(tuple(calls), (top,), (layout,), _notes(layer), ties_batch=ties_batch)


def _append(calls: list[Call], *layers: KerasLayer) -> FragmentTensor:
    """Let these follow on the last call; the tensor that comes out."""
    for keras in layers:
        calls.append(Call(keras, (FragmentOutput(len(calls) - 1),)))
    return FragmentOutput(len(calls) - 1)


def _sequences(layer: Placed, calls: list[Call], steps: int, streams: int) -> FragmentTensor:
    """(T·N, ...) as (N, T, D)."""
    width = prod(layer.inputs[0].shape[1:])
    shape = (steps, streams, width) if streams > 1 else (1, steps, width)
    calls.append(Call(fixed_reshape(shape, "_steps"), (FragmentInput(0),)))
    return _append(calls, *_turned(streams))


def _turned(streams: int) -> tuple[KerasLayer, ...]:
    """Time and streams exchanged; of a single stream a reshape does that."""
    config = {"permutation": [1, 0, 2]}
    turn = KerasLayer("caffe2keras>Transpose", config, suffix="_turn")
    return (turn,) if streams > 1 else ()


def _marks(
    layer: Placed, calls: list[Call], steps: int, streams: int
) -> tuple[FragmentTensor, ...]:
    """The second input as (N, T), if there is one."""
    if len(layer.inputs) == 1:
        return ()
    marks, in_rows = layer.inputs[1], layer.inputs[0].rank != 3
    if not in_rows and (streams > 1 or marks.rank < 2):
        raise UnsupportedCombinationError(
            what=f"marks {marks.shape} beside an input {layer.inputs[0].shape}",
            why="their first axis would be the model's batch here, and the streams there",
            hint="let the input have two axes, and say the number of streams with batch_size",
        )
    if not in_rows and marks.rank == 2:
        return (FragmentInput(1),)
    keras = reshape((steps,), "_marks")
    if in_rows:
        config = {"steps": steps, "streams": streams}
        keras = KerasLayer("caffe2keras>StepMarks", config, suffix="_marks")
    calls.append(Call(keras, (FragmentInput(1),)))
    return (FragmentOutput(len(calls) - 1),)


def _keras(layer: Placed) -> KerasLayer:
    kernel, recurrent, bias = (
        Variable(name, array.shape, array, weight)
        for name, weight in zip(("kernel", "recurrent_kernel", "bias"), layer.weights, strict=True)
        for array in [ifog_rows_to_ifgo_columns(weight.array)]
    )
    units = layer.outputs[0][-1]
    if len(layer.inputs) > 1:
        return KerasLayer("caffe2keras>CaffeLSTM", {"units": units}, (kernel, bias, recurrent))
    config: dict[str, Any] = {
        "units": units,
        "recurrent_activation": "sigmoid",
        "return_sequences": True,
        "kernel_initializer": "zeros",
        "recurrent_initializer": "zeros",
    }
    return KerasLayer("LSTM", config, (kernel, recurrent, bias))


def _notes(layer: Placed) -> tuple[Note, ...]:
    goes_on = len(layer.inputs) > 1 and not layer.keeps_state
    return (begins_with_zeros(layer),) if goes_on else ()

"""LSTM, RNN and one step of an LSTM: Caffe's layers with a memory.

Caffe has the time first, (T, N, ...), Keras the batch: the layouts say so, and nothing is moved
where the blobs come so already.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from caffe2keras.graph.net import Layer, Note, Weight
from caffe2keras.layer_map.registry import Layouts, Operand, Placed, maps
from caffe2keras.layer_map.wiring import flatten, reshape
from caffe2keras.layout import Array, caffe_order, ifog_rows_to_ifgo_columns, time_major
from caffe2keras.spec import (
    Call,
    Fragment,
    FragmentInput,
    FragmentOutput,
    FragmentTensor,
    KerasLayer,
    Variable,
)

__all__ = [
    "begins_with_zeros",
    "continuation_indicator",
    "lstm",
    "lstm_unit",
    "rnn",
    "stateful_layer",
]


def _batch_major(layer: Layer, given: Layouts) -> Layouts:
    """x, cont, the static input and the states, as Keras has a sequence: the batch first."""
    exposed = len(layer.tops) - 1
    static = len(layer.bottoms) - 2 - exposed
    return tuple(
        caffe_order(layout.rank) if 2 <= place < 2 + static else time_major(layout.rank)
        for place, layout in enumerate(given)
    )


@maps("LSTM", wants=_batch_major, any_batch_axis=True)
def lstm(layer: Placed) -> Fragment:
    """A layer of long short-term memory.

    Caffe    W_xc (4H, D), b_c (4H,), W_xc_static (4H, S), W_hc (4H, H), gates i, f, o, g; cont 0
             where a sequence begins; expose_hidden
    Keras    LSTM where cont is 0 at the first step alone, whatever is fed, and no input is
             static; else caffe2keras>CaffeLSTM
    Differs  without expose_hidden every prediction begins with a state of zeros, unless the net
             is converted to be stateful; that fixes the batch size, and caffe2keras>CaffeLSTM
             cannot be so in Keras 2 on Theano
    """
    names = ("kernel", "bias", "static_kernel", "recurrent_kernel")
    variables = _variables(layer, names, ifog_rows_to_ifgo_columns)
    if not _is_plain(layer):
        return _general(layer, "caffe2keras>CaffeLSTM", variables)
    kernel, bias, recurrent = variables
    config = {"recurrent_activation": "sigmoid", **_config(layer)}
    keras = KerasLayer("LSTM", config, (kernel, recurrent, bias))
    return _plain(layer, keras)


@maps("RNN", wants=_batch_major, any_batch_axis=True)
def rnn(layer: Placed) -> Fragment:
    """A plain recurrent layer, and a dense one on its states.

    Caffe    W_xh (H, D), b_h (H,), W_xh_static (H, S), W_hh (H, H), W_ho (H, H), b_o (H,); cont 0
             where a sequence begins; expose_hidden
    Keras    SimpleRNN and Dense where cont is 0 at the first step alone, whatever is fed, and no
             input is static; else caffe2keras>CaffeRNN
    Differs  without expose_hidden every prediction begins with a state of zeros, unless the net
             is converted to be stateful; that fixes the batch size, and caffe2keras>CaffeRNN
             cannot be so in Keras 2 on Theano
    """
    names = (
        "kernel", "bias", "static_kernel", "recurrent_kernel", "output_kernel", "output_bias",
    )  # fmt: skip
    variables = _variables(layer, names, np.transpose)
    if not _is_plain(layer):
        *first, recurrent, out_kernel, out_bias = variables
        return _general(layer, "caffe2keras>CaffeRNN", (*first, out_kernel, out_bias, recurrent))
    kernel, bias, recurrent, out_kernel, out_bias = variables
    keras = KerasLayer("SimpleRNN", _config(layer), (kernel, recurrent, bias))
    config = {
        "units": _units(layer), "activation": "tanh", "kernel_initializer": "zeros",
    }  # fmt: skip
    dense = KerasLayer("Dense", config, (_named(out_kernel), _named(out_bias)), suffix="_output")
    return _plain(layer, keras, dense)


def _same_order(layer: Layer, given: Layouts) -> Layouts:
    """The cell as it comes, with its values last, and the others likewise."""
    first = given[0] if given[0].permutation[-1] == 2 else caffe_order(3)
    leading = type(first)(first.permutation[:2])
    return first, first, leading


@maps("LSTMUnit", wants=_same_order, any_batch_axis=True)
def lstm_unit(layer: Placed) -> Fragment:
    """One step of an LSTM, the matrix products left out.

    Caffe    cell (1, N, H), gates (1, N, 4H) in the order i, f, o, g, cont (1, N)
    Keras    caffe2keras>LSTMUnit
    """
    call = Call(KerasLayer("caffe2keras>LSTMUnit", {}), tuple(FragmentInput(i) for i in range(3)))
    layout = layer.inputs[0].layout
    return Fragment((call,), (FragmentOutput(0, 0), FragmentOutput(0, 1)), (layout, layout))


@maps("ContinuationIndicator", wants="free")
def continuation_indicator(layer: Placed) -> Fragment:
    """The cont of sequences that begin at the first step and go on at all others.

    Caffe    0 in the first row of (T, N), 1 in all others; time_step, batch_size, axis
    Keras    nothing at all before LSTM and RNN, else caffe2keras>Constant
    Differs  the batch size is fixed where another layer reads it
    Source   yalecyu's and jolibrain's forks, continuation_indicator_layer.cpp
    """
    layer.params.honoured("continuation_indicator_param")  # the inferred shape says it
    layout = time_major(2)
    steps, streams = layer.outputs[0]
    value = np.ones((streams, steps), np.float32)
    value[:, 0] = 0
    variable = Variable("value", value.shape, value, trainable=False)
    constant = KerasLayer("caffe2keras>Constant", {"shape": list(value.shape)}, (variable,))
    call = Call(constant, (FragmentInput(0),))
    return Fragment((call,), (FragmentOutput(0),), (layout,), ties_batch=True)


def _is_plain(layer: Placed) -> bool:
    """Whether stock Keras can say it: nothing before the first step matters, and nothing beside."""
    return _begins_once(layer) and _static(layer) is None


def _begins_once(layer: Placed) -> bool:
    return layer.inputs[1].origin == "ContinuationIndicator"


def _units(layer: Placed) -> int:
    p = layer.params.recurrent_param
    p.honoured("debug_info")  # what is printed (recurrent_layer.cpp)
    return int(p.num_output)


def _exposed(layer: Placed) -> int:
    """How many states go in, and out."""
    layer.params.recurrent_param.honoured("expose_hidden")
    return len(layer.outputs) - 1


def _takes_states(layer: Placed) -> bool:
    """Whether states go in that are not zeros by the net's own word."""
    states = layer.inputs[len(layer.inputs) - _exposed(layer) :]
    return any(state.constant != 0 for state in states)


def _static(layer: Placed) -> Operand | None:
    return layer.inputs[2] if len(layer.inputs) > 2 + _exposed(layer) else None


def _config(layer: Placed) -> dict[str, Any]:
    return {
        "units": _units(layer),
        "return_sequences": True,
        "return_state": _exposed(layer) > 0,
        "kernel_initializer": "zeros",
        "recurrent_initializer": "zeros",
    }


def _plain(layer: Placed, keras: KerasLayer, *after: KerasLayer) -> Fragment:
    """A stock layer on x alone; its states leave as (N, 1, H)."""
    calls, x = _flat(layer, 0, 2)
    calls.append(Call(keras, (x,)))
    main = len(calls) - 1
    tops: list[FragmentTensor] = [FragmentOutput(main)]
    for further in after:
        calls.append(Call(further, (tops[0],)))
        tops[0] = FragmentOutput(len(calls) - 1)
    for i in range(_exposed(layer)):
        calls.append(
            Call(reshape((1, _units(layer)), f"_state_{i}"), (FragmentOutput(main, 1 + i),))
        )
        tops.append(FragmentOutput(len(calls) - 1))
    return Fragment(tuple(calls), tuple(tops), (time_major(3),) * len(tops))


def _general(layer: Placed, class_name: str, variables: tuple[Variable, ...]) -> Fragment:
    """Our own layer: cont, a static input and states as they are given."""
    begins_once, static, exposed = _begins_once(layer), _static(layer), _exposed(layer)
    use_cont = not begins_once and layer.inputs[1].constant != 1
    config = {
        "units": _units(layer),
        "use_cont": use_cont,
        "use_static": static is not None,
        "use_initial_states": _takes_states(layer) and not begins_once,
        "return_states": exposed > 0,
    }
    calls, x = _flat(layer, 0, 2)
    inputs = [x] + [FragmentInput(1)] * use_cont
    if static is not None:
        flat, tensor = _flat(layer, 2, 1, already=len(calls))
        calls += flat
        inputs.append(tensor)
    if config["use_initial_states"]:
        inputs += [FragmentInput(len(layer.inputs) - exposed + i) for i in range(exposed)]
    keras = KerasLayer(class_name, config, variables)
    stateful = layer.keeps_state and not begins_once
    calls.append(Call(_stateful(keras, layer) if stateful else keras, tuple(inputs)))
    tops = tuple(FragmentOutput(len(calls) - 1, i) for i in range(1 + exposed))
    notes = () if begins_once or exposed or stateful else (begins_with_zeros(layer),)
    return Fragment(tuple(calls), tops, (time_major(3),) * len(tops), notes, ties_batch=stateful)


def _stateful(keras: KerasLayer, layer: Placed) -> KerasLayer:
    """The layer with the states that it carries from one prediction to the next."""
    states = 1 if layer.type == "RNN" else 2
    return stateful_layer(keras, layer.inputs[0].shape[1], states)


def stateful_layer(keras: KerasLayer, streams: int, states: int) -> KerasLayer:
    """A layer of ours with states (N, H) among its variables, zero to begin with."""
    config = {**keras.config, "stateful": True}
    zeros = np.zeros((streams, config["units"]), np.float32)
    kept = (
        Variable(f"state_{place}", zeros.shape, zeros, trainable=False) for place in range(states)
    )
    return KerasLayer(keras.class_name, config, (*keras.variables, *kept), keras.suffix)


def _flat(
    layer: Placed, place: int, axis: int, already: int = 0
) -> tuple[list[Call], FragmentTensor]:
    """An input with everything from an axis on in one; what it takes, and the tensor."""
    x = layer.inputs[place]
    if x.rank <= axis + 1:
        return [], FragmentInput(place)
    target = (x.shape[0], prod(x.shape[2:]))
    keras = flatten() if axis == 1 else reshape(target, "_flatten")
    return [Call(keras, (FragmentInput(place),))], FragmentOutput(already)


def begins_with_zeros(layer: Placed) -> Note:
    """What the user must know of a layer that Caffe lets go on where it stopped."""
    text = (
        "each prediction begins with a state of zeros; Caffe keeps the state from one forward "
        "pass to the next where cont is not 0 at the first step, and so does --stateful"
    )
    return Note("decided", layer.name, text)


def _variables(layer: Placed, names: tuple[str, ...], turn: Any) -> tuple[Variable, ...]:
    """The learned arrays in Caffe's order, under Keras's names, (in, out)."""
    if _static(layer) is None:
        names = tuple(name for name in names if name != "static_kernel")
    return tuple(
        _variable(name, weight, turn(weight.array))
        for name, weight in zip(names, layer.weights, strict=True)
    )


def _variable(name: str, weight: Weight, array: Array) -> Variable:
    return Variable(name, array.shape, array, weight)


def _named(variable: Variable) -> Variable:
    name = variable.name.removeprefix("output_")
    return Variable(name, variable.shape, variable.view, variable.weight)

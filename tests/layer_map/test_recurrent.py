"""LSTM, RNN and LSTMUnit: stock layers where a sequence begins at the first step, else our own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from caffe2keras.convert import ConversionReport, convert, load_net
from caffe2keras.layer_map import map_net
from caffe2keras.spec import KerasModel
from caffe2keras.verify import verify

T, N, D, H = 4, 3, 5, 2

FILLERS = 'weight_filler { type: "gaussian" std: 0.4 } bias_filler { type: "gaussian" std: 0.4 }'
X = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 4 dim: 3 dim: 5 } } }
"""
IMAGES = """
layer {
  name: "x" type: "Input" top: "x" input_param { shape { dim: 4 dim: 3 dim: 2 dim: 3 dim: 1 } }
}
"""
CONT = """
layer { name: "cont" type: "Input" top: "cont" input_param { shape { dim: 4 dim: 3 } } }
"""
INDICATOR = """
layer {
  name: "cont" type: "ContinuationIndicator" top: "cont"
  continuation_indicator_param { time_step: 4 batch_size: 3 }
}
"""
STATIC = """
layer { name: "static" type: "Input" top: "static" input_param { shape { dim: 3 dim: 2 dim: 3 } } }
"""
STATES = """
layer { name: "h0" type: "Input" top: "h0" input_param { shape { dim: 1 dim: 3 dim: 2 } } }
layer { name: "c0" type: "Input" top: "c0" input_param { shape { dim: 1 dim: 3 dim: 2 } } }
"""
STEP = """
layer { name: "cell" type: "Input" top: "cell" input_param { shape { dim: 1 dim: 3 dim: 2 } } }
layer { name: "gates" type: "Input" top: "gates" input_param { shape { dim: 1 dim: 3 dim: 8 } } }
layer { name: "on" type: "Input" top: "on" input_param { shape { dim: 1 dim: 3 } } }
layer {
  name: "step" type: "LSTMUnit" bottom: "cell" bottom: "gates" bottom: "on" top: "c" top: "h"
}
"""


def recurrent(kind: str, *, static: bool = False, exposed: bool = False) -> str:
    """A layer on x, cont and what else is asked for."""
    states = (("h0", "c0") if kind == "LSTM" else ("h0",)) if exposed else ()
    bottoms = ("x", "cont", *(("static",) if static else ()), *states)
    tops = ("y", *(f"last_{state}" for state in states))
    wires = [f'bottom: "{name}"' for name in bottoms] + [f'top: "{name}"' for name in tops]
    param = f"num_output: 2 expose_hidden: {str(exposed).lower()} {FILLERS}"
    return (
        f'layer {{ name: "memory" type: "{kind}" {" ".join(wires)} recurrent_param {{ {param} }} }}'
    )


def write(folder: Path, text: str) -> Path:
    path = folder / "net.prototxt"
    path.write_text(text)
    return path


def mapped(folder: Path, text: str, **options: bool) -> KerasModel:
    return map_net(load_net(write(folder, text), **options))


def classes(model: KerasModel) -> list[str]:
    return [named.layer.class_name for named in model.layers]


def verified(folder: Path, text: str, data_format: str, **options: bool) -> ConversionReport:
    path = write(folder, text)
    report = convert(path, None, folder / "net.h5", data_format=data_format, **options)
    result = verify(report.output, oracle=(path, None), options=options)
    assert result.ok, str(result)
    return report


NETS = {
    "cont": X + CONT + recurrent("%s"),
    "frames": IMAGES + CONT + recurrent("%s"),
    "static": X + CONT + STATIC + recurrent("%s", static=True),
    "frames, static": IMAGES + CONT + STATIC + recurrent("%s", static=True),
    "begins once": X + INDICATOR + recurrent("%s"),
    "frames, begins once": IMAGES + INDICATOR + recurrent("%s"),
    "static, begins once": X + INDICATOR + STATIC + recurrent("%s", static=True),
}


@pytest.mark.backend
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("kind", ["LSTM", "RNN"])
@pytest.mark.parametrize("net", NETS)
def test_a_recurrent_layer_computes_what_the_oracle_does(
    net: str, kind: str, data_format: str, tmp_path: Path
) -> None:
    verified(tmp_path, NETS[net].replace("%s", kind), data_format)


@pytest.mark.backend
@pytest.mark.parametrize("cont", [CONT, INDICATOR], ids=["cont", "begins once"])
@pytest.mark.parametrize("kind", ["LSTM", "RNN"])
@pytest.mark.parametrize("static", [False, True])
def test_states_are_exposed(kind: str, cont: str, static: bool, tmp_path: Path) -> None:
    text = X + cont + STATIC + STATES + recurrent(kind, static=static, exposed=True)
    verified(tmp_path, text, "channels_last")


@pytest.mark.backend
def test_an_indicator_may_be_read_by_other_layers(tmp_path: Path) -> None:
    product = 'layer { name: "y" type: "Scale" bottom: "x" bottom: "cont" top: "y" %s }'
    report = verified(
        tmp_path, X + INDICATOR + product % "scale_param { axis: 0 }", "channels_last"
    )
    assert report.static_batch is not None


@pytest.mark.backend
def test_one_step_alone(tmp_path: Path) -> None:
    verified(tmp_path, STEP, "channels_last")


def test_stock_layers_serve_where_a_sequence_begins_once(tmp_path: Path) -> None:
    assert "LSTM" in classes(mapped(tmp_path, X + INDICATOR + recurrent("LSTM")))
    rnn = classes(mapped(tmp_path, X + INDICATOR + recurrent("RNN")))
    assert {"SimpleRNN", "Dense"} <= set(rnn)
    assert "caffe2keras>Constant" not in rnn
    model = mapped(tmp_path, X + INDICATOR + recurrent("RNN"))
    assert [named.name for named in model.layers] == ["x", "memory", "memory_output"]
    assert model.layers[-1].layer.config["kernel_initializer"] == "zeros"
    assert "caffe2keras>CaffeLSTM" in classes(mapped(tmp_path, X + CONT + recurrent("LSTM")))


def test_the_gates_come_in_keras_order(tmp_path: Path) -> None:
    net = load_net(write(tmp_path, X + INDICATOR + recurrent("LSTM")))
    (lstm,) = [n.layer for n in map_net(net).layers if n.layer.class_name == "LSTM"]
    i, f, o, g = np.split(net.layers[-1].weights[0].array, 4)
    kernel = lstm.variables[0]
    assert kernel.shape == (D, 4 * H)
    np.testing.assert_array_equal(kernel.view, np.concatenate([i, f, g, o]).T)


def test_the_report_says_that_caffe_keeps_the_state(tmp_path: Path) -> None:
    kept = "Caffe keeps the state"
    assert any(kept in n.text for n in mapped(tmp_path, X + CONT + recurrent("LSTM")).notes)
    for silent in (
        X + INDICATOR + recurrent("RNN"),
        X + CONT + STATES + recurrent("RNN", exposed=True),
    ):
        assert not any(kept in note.text for note in mapped(tmp_path, silent).notes)


ONES = """
layer {
  name: "cont" type: "DummyData" top: "cont"
  dummy_data_param { shape { dim: 4 dim: 3 } data_filler { value: 1 } }
}
"""


@pytest.mark.backend
@pytest.mark.parametrize("kind", ["LSTM", "RNN"])
def test_sequences_may_be_said_to_be_full(kind: str, tmp_path: Path) -> None:
    text = X + CONT + recurrent(kind)
    report = verified(tmp_path, text, "channels_last", assume_full_sequences=True)
    assert any(n.kind == "dropped" and n.subject == "cont" for n in report.notes)
    assert classes(mapped(tmp_path, text, assume_full_sequences=True)).count("InputLayer") == 1


@pytest.mark.backend
@pytest.mark.parametrize("exposed", [False, True])
def test_a_constant_cont(exposed: bool, tmp_path: Path) -> None:
    text = X + ONES + STATES + recurrent("LSTM", exposed=exposed)
    verified(tmp_path, text, "channels_last")
    kinds = classes(mapped(tmp_path, text))
    assert ("LSTM" in kinds) is not exposed

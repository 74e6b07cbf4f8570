"""The LSTM of junhyukoh's fork: rows of one or several streams, or steps and streams; marks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from caffe2keras.convert import convert, load_net
from caffe2keras.errors import UnsupportedCombinationError
from caffe2keras.layer_map import map_net
from caffe2keras.spec import KerasModel
from caffe2keras.verify import verify

FILLERS = 'weight_filler { type: "gaussian" std: 0.5 } bias_filler { type: "gaussian" std: 0.5 }'


def an_input(name: str, *shape: int) -> str:
    dims = " ".join(f"dim: {size}" for size in shape)
    return (
        f'layer {{ name: "{name}" type: "Input" top: "{name}" '
        f"input_param {{ shape {{ {dims} }} }} }}\n"
    )


def lstm(*bottoms: str, name: str = "memory", fields: str = "") -> str:
    wires = " ".join(f'bottom: "{bottom}"' for bottom in bottoms)
    said = f"num_output: 4 clipping_threshold: 0.1 {fields} {FILLERS}"
    return (
        f'layer {{ name: "{name}" type: "Lstm" {wires} top: "{name}" lstm_param {{ {said} }} }}\n'
    )


BATCH = "batch_size: 3"
NETS = {
    "rows of one stream": an_input("x", 5, 3) + lstm("x"),
    "rows of three streams": an_input("x", 6, 5) + lstm("x", fields=BATCH),
    "rows of images": an_input("x", 6, 2, 3, 1) + lstm("x", fields=BATCH),
    "steps and streams": an_input("x", 5, 3, 2) + lstm("x"),
    "rows and marks": an_input("x", 5, 3) + an_input("clip", 5, 1) + lstm("x", "clip"),
    "rows of three streams and marks": (
        an_input("x", 6, 5) + an_input("clip", 6) + lstm("x", "clip", fields=BATCH)
    ),
    "steps of one stream and marks": (
        an_input("x", 5, 1, 3) + an_input("clip", 5, 1) + lstm("x", "clip")
    ),
    "steps of one stream and marks of four axes": (
        an_input("x", 5, 1, 3) + an_input("clip", 5, 1, 1, 1) + lstm("x", "clip")
    ),
    "two layers": (
        an_input("x", 5, 3) + an_input("clip", 5, 1)
        + lstm("x", "clip") + lstm("memory", "clip", name="second")
    ),
    "a dense layer behind": (
        an_input("x", 6, 5) + lstm("x", fields=BATCH)
        + 'layer { name: "y" type: "InnerProduct" bottom: "memory" top: "y" '
        f"inner_product_param {{ num_output: 2 {FILLERS} }} }}"
    ),
    "forwards and backwards": (
        an_input("x", 5, 3, 2) + lstm("x")
        + 'layer { name: "r" type: "Reverse" bottom: "x" top: "r" reverse_param { axis: 0 } }\n'
        + lstm("r", name="back")
    ),
}  # fmt: skip


def write(folder: Path, text: str) -> Path:
    path = folder / "net.prototxt"
    path.write_text(text)
    return path


def mapped(folder: Path, text: str) -> KerasModel:
    return map_net(load_net(write(folder, text)))


def classes(model: KerasModel) -> list[str]:
    return [named.layer.class_name for named in model.layers]


@pytest.mark.backend
@pytest.mark.parametrize("net", NETS)
def test_it_computes_what_the_oracle_does(net: str, tmp_path: Path) -> None:
    path = write(tmp_path, NETS[net])
    report = convert(path, None, tmp_path / "net.h5")
    result = verify(report.output, oracle=(path, None))
    assert result.ok, str(result)
    in_rows = "steps" not in net and net != "forwards and backwards"
    assert (report.static_batch is not None) is in_rows


def test_without_marks_keras_own_layer_serves(tmp_path: Path) -> None:
    model = mapped(tmp_path, NETS["steps and streams"])
    assert classes(model) == ["InputLayer", "LSTM"]
    assert not any("state of zeros" in note.text for note in model.notes)


def test_marks_need_a_layer_of_ours_and_a_word(tmp_path: Path) -> None:
    model = mapped(tmp_path, NETS["rows and marks"])
    assert "caffe2keras>CaffeLSTM" in classes(model)
    assert any("state of zeros" in note.text for note in model.notes)


def test_the_gates_come_in_keras_order(tmp_path: Path) -> None:
    net = load_net(write(tmp_path, NETS["steps and streams"]))
    (lstm,) = [n.layer for n in map_net(net).layers if n.layer.class_name == "LSTM"]
    i, f, o, g = np.split(net.layers[-1].weights[1].array, 4)
    recurrent = lstm.variables[1]
    assert recurrent.name == "recurrent_kernel"
    np.testing.assert_array_equal(recurrent.view, np.concatenate([i, f, g, o]).T)


@pytest.mark.parametrize(("streams", "marks"), [(3, (6,)), (1, (2,))])
def test_marks_of_another_batch_are_refused(
    streams: int, marks: tuple[int, ...], tmp_path: Path
) -> None:
    text = an_input("x", 2, streams, 4) + an_input("clip", *marks) + lstm("x", "clip")
    with pytest.raises(UnsupportedCombinationError, match="marks"):
        mapped(tmp_path, text)

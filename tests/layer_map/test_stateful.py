"""A stateful model goes on where the prediction before ended, as genuine Caffe does."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from caffe2keras import load_model
from caffe2keras.convert import convert, load_net
from caffe2keras.errors import InputError
from caffe2keras.layer_map import map_net
from caffe2keras.verify import verify

FIXTURES = Path(__file__).parents[1] / "fixtures" / "stateful"
WRITES_NOTHING = keras.backend.backend() == "openvino"
BATCHES = 4

Arrays = dict[str, np.ndarray]


def batches(case: str) -> list[tuple[Arrays, np.ndarray]]:
    """What was fed, as Keras wants it, and the recorded output, (N, T, H)."""
    with np.load(FIXTURES / case / "batches.npz") as stored:
        return [
            (
                {
                    name.rpartition("/")[2]: stored[name]
                    if name.endswith("/s")
                    else np.swapaxes(stored[name], 0, 1)
                    for name in stored.files
                    if name.startswith(f"{place}/input/")
                },
                np.swapaxes(stored[f"{place}/output/y"], 0, 1),
            )
            for place in range(BATCHES)
        ]


def converted(case: str, folder: Path, **options: bool) -> Path:
    files = FIXTURES / case / "net.prototxt", FIXTURES / case / "net.caffemodel"
    return convert(*files, folder / "net.h5", **options).output


def predicted(model: keras.Model, fed: Arrays) -> np.ndarray:
    answer = model.predict(fed, batch_size=len(fed["x"]), verbose=0)
    (array,) = answer.values() if isinstance(answer, dict) else [answer]
    return np.asarray(array)


@pytest.mark.backend
@pytest.mark.parametrize("case", ["stateful_lstm", "stateful_rnn"])
def test_every_batch_has_caffes_numbers(case: str, tmp_path: Path) -> None:
    if WRITES_NOTHING:
        pytest.skip("Keras's openvino backend keeps no state; another test says what it answers")
    model = load_model(converted(case, tmp_path, stateful=True))
    recorded = batches(case)
    for _ in range(2):
        for fed, expected in recorded:
            np.testing.assert_allclose(predicted(model, fed), expected, rtol=1e-5, atol=1e-6)
        model.get_layer("memory").reset_state()


@pytest.mark.backend
@pytest.mark.parametrize("case", ["stateful_lstm", "stateful_rnn"])
def test_by_default_every_batch_begins_with_zeros(case: str, tmp_path: Path) -> None:
    model = load_model(converted(case, tmp_path))
    (first, expected), (second, differs), *_ = batches(case)
    np.testing.assert_allclose(predicted(model, first), expected, rtol=1e-5, atol=1e-6)
    assert not np.allclose(predicted(model, second), differs, atol=1e-3)
    again = predicted(model, second)
    np.testing.assert_allclose(predicted(model, second), again)


@pytest.mark.backend
def test_the_first_batch_verifies_and_openvino_says_that_it_keeps_nothing(tmp_path: Path) -> None:
    path = converted("stateful_lstm", tmp_path, stateful=True)
    if WRITES_NOTHING:
        with pytest.raises(InputError, match="keeps nothing"):
            load_model(path)
    else:
        case = FIXTURES / "stateful_lstm"
        files = case / "net.prototxt", case / "net.caffemodel"
        assert verify(path, oracle=files).ok


X = 'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 3 dim: 2 dim: 4 } } }\n'
ONES = """
layer {
  name: "cont" type: "DummyData" top: "cont"
  dummy_data_param { shape { dim: 3 dim: 2 } data_filler { value: 1 } }
}
"""
INDICATOR = """
layer {
  name: "cont" type: "ContinuationIndicator" top: "cont"
  continuation_indicator_param { time_step: 3 batch_size: 2 }
}
"""
ROWS = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 4 dim: 3 } } }
layer { name: "clip" type: "Input" top: "clip" input_param { shape { dim: 4 dim: 1 } } }
layer { name: "y" type: "Lstm" bottom: "x" bottom: "clip" top: "y" lstm_param { num_output: 5 } }
"""
LSTM = (
    'layer { name: "y" type: "LSTM" bottom: "x" bottom: "cont" top: "y" '
    "recurrent_param { num_output: 5 } }"
)


@pytest.mark.parametrize(
    ("text", "stateful"),
    [(X + ONES + LSTM, True), (X + INDICATOR + LSTM, False), (ROWS, True)],
    ids=["a cont of ones", "a cont that begins anew", "junhyukoh's"],
)
def test_a_layer_is_stateful_where_caffe_goes_on(text: str, stateful: bool, tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text(text)
    model = map_net(load_net(path, stateful=True))
    configs = [named.layer.config for named in model.layers]
    assert any(config.get("stateful") for config in configs) is stateful
    assert (model.static_batch is not None) is stateful
    plain = map_net(load_net(path))
    assert not any(named.layer.config.get("stateful") for named in plain.layers)


def test_a_net_that_keeps_nothing_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text(X + 'layer { name: "y" type: "ReLU" bottom: "x" top: "y" }')
    notes = load_net(path, stateful=True).notes
    assert any("no layer of this net keeps a state" in note.text for note in notes)


def test_a_state_that_is_never_taken_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text(X + INDICATOR + LSTM)
    with pytest.raises(InputError, match="full sequences"):
        load_net(path, stateful=True, assume_full_sequences=True)

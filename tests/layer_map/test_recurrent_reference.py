"""Numbers worked out elsewhere: Caffe's LSTM layer, and the LSTM that NetSpec writes out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np
import pytest

from caffe2keras.convert import convert
from caffe2keras.verify import verify

FIXTURES = Path(__file__).parents[1] / "fixtures" / "runtime"

pytestmark = pytest.mark.backend

Arrays = Mapping[str, np.ndarray]


def write_weights(path: Path, weights: Mapping[str, list[np.ndarray]]) -> Path:
    """As Caffe's HDF5 format has them; shared arrays stand with the first layer alone."""
    with h5py.File(path, "w") as file:
        for layer, arrays in weights.items():
            for index, array in enumerate(arrays):
                file[f"data/{layer}/{index}"] = array.astype("float32")
    return path


def write_blobs(path: Path, fed: Arrays, expected: Arrays) -> Path:
    inputs = {f"input/{name}": array.astype("float32") for name, array in fed.items()}
    np.savez(path, **inputs, **{f"output/{name}": array for name, array in expected.items()})
    return path


def an_input(name: str, array: np.ndarray) -> str:
    shape = " ".join(f"dim: {size}" for size in array.shape)
    return (
        f'layer {{ name: "{name}" type: "Input" top: "{name}" '
        f"input_param {{ shape {{ {shape} }} }} }}\n"
    )


@pytest.mark.parametrize("case", ["basic", "cont", "static"])
def test_the_lstm_layer_computes_the_recorded_numbers(case: str, tmp_path: Path) -> None:
    numbers = np.load(FIXTURES / f"caffe_lstm_layer_{case}.npz")
    fed = {name: numbers[name] for name in ("x", "cont", "x_static") if name in numbers}
    bottoms = " ".join(f'bottom: "{name}"' for name in fed)
    (tmp_path / "net.prototxt").write_text(
        "".join(an_input(name, array) for name, array in fed.items())
        + f'layer {{ name: "lstm" type: "LSTM" {bottoms} top: "h" '
        "recurrent_param { num_output: 5 } }"
    )
    arrays = [numbers[name] for name in sorted(numbers.files) if name.startswith("blob")]
    weights = write_weights(tmp_path / "net.caffemodel.h5", {"lstm": arrays})
    report = convert(tmp_path / "net.prototxt", weights, tmp_path / "net.h5")
    blobs = write_blobs(tmp_path / "blobs.npz", fed, {"h": numbers["output_h"]})
    result = verify(report.output, blobs)
    assert result.ok, str(result)
    assert report.static_batch is None


@pytest.mark.parametrize("recurrent", ["roll", "keep"])
@pytest.mark.parametrize("case", ["zero", "nonzero"])
def test_netspecs_lstm_computes_the_recorded_numbers(
    case: str, recurrent: str, tmp_path: Path
) -> None:
    numbers = np.load(FIXTURES / f"netspec_lstm_{case}_state.npz")
    config = json.loads((FIXTURES / f"netspec_lstm_{case}_state.json").read_text())["config"]
    (tmp_path / "net.prototxt").write_text(config["prototxt"])
    arrays = {
        "t0/lstm/Mx": [numbers["caffe_Mxw"], numbers["caffe_Mxb"]],
        "t0/lstm/Mh": [numbers["caffe_Mhw"]],
    }
    weights = write_weights(tmp_path / "net.caffemodel.h5", arrays)
    # NetSpec's loop leaves these names to the tops of the states' layers, h0 and c0.
    states = {"DummyData1": numbers["h0"], "DummyData2": numbers["c0"]}
    fed = {"X": numbers["X"], **(states if case == "nonzero" else {})}
    shapes = {name: array.shape for name, array in fed.items()}
    files = tmp_path / "net.prototxt", weights, tmp_path / "net.h5"
    report = convert(*files, input_shapes=shapes, recurrent=recurrent)
    blobs = write_blobs(tmp_path / "blobs.npz", fed, {"H": numbers["output_H"]})
    result = verify(report.output, blobs)
    assert result.ok, str(result)
    assert (report.layers < 6) == (recurrent == "roll")

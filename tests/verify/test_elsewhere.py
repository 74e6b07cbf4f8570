"""Verification by another interpreter; here one that knows the answers, or none."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from caffe2keras import convert, verify
from caffe2keras.errors import BackendError, InputError, UnsupportedError
from caffe2keras.record import read_record
from caffe2keras.verify import Elsewhere
from caffe2keras.verify.elsewhere import predict_elsewhere

NET = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 dim: 4 dim: 5 } } }
layer { name: "y" type: "Power" bottom: "x" top: "y" power_param { scale: 3 shift: 1 } }
"""

# As caffe2keras.runtime.evaluate, for this net alone; PARTS are put in.
ANSWERS = """#!{python}
import json, os, sys
import numpy as np
assert sys.argv[1:3] == ["-m", "caffe2keras.runtime.evaluate"], sys.argv
assert os.environ["KERAS_BACKEND"] == "theano"
assert "PYTHONPATH" not in os.environ
model, question, answer = sys.argv[3:]
arrays = np.load(question)
asked = json.loads(str(arrays["question"]))
assert asked == {{"inputs": ["x"], "wanted": [["y", 0, 0]]}}, asked
np.savez(answer, keras="Keras 2.3.1 on theano", blob_0=arrays["input_0"] * 3 + {shift})
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "net.prototxt").write_text(NET)
    convert(tmp_path / "net.prototxt", None, tmp_path / "net.h5")
    return tmp_path / "net.h5"


@pytest.fixture
def blobs(tmp_path: Path) -> Path:
    x = np.random.default_rng(7).normal(size=(2, 3, 4, 5)).astype("float32")
    np.savez(tmp_path / "blobs.npz", **{"input/x": x, "output/y": x * 3 + 1})
    return tmp_path / "blobs.npz"


def interpreter(folder: Path, text: str) -> Elsewhere:
    path = folder / "python"
    path.write_text(text)
    path.chmod(0o755)
    return Elsewhere("theano", path)


@pytest.mark.parametrize(("shift", "ok"), [(1, True), (2, False)])
def test_its_numbers_are_compared(model, blobs, tmp_path, monkeypatch, shift, ok):
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    text = ANSWERS.format(python=sys.executable, shift=shift)
    report = verify(model, blobs, elsewhere=interpreter(tmp_path, text))
    assert (report.ok, report.backend) == (ok, "Keras 2.3.1 on theano")


def test_an_interpreter_that_is_not_there_is_an_error(model, blobs, tmp_path):
    with pytest.raises(BackendError, match="cannot be started"):
        verify(model, blobs, elsewhere=Elsewhere("theano", tmp_path / "no" / "python"))


def test_what_it_says_last_is_the_reason(model, blobs, tmp_path):
    text = "#!/bin/sh\necho First >&2\necho \"No module named 'caffe2keras'\" >&2\nexit 1\n"
    with pytest.raises(BackendError) as caught:
        verify(model, blobs, elsewhere=interpreter(tmp_path, text))
    assert caught.value.why == "No module named 'caffe2keras'"
    assert 'pip install "caffe2keras-runtime[theano]"' in caught.value.hint


def test_a_layer_that_needs_keras_3_is_unsupported(model, blobs, tmp_path):
    text = (
        "#!/bin/sh\necho Using Theano >&2\necho 'ReNet needs Keras 3. Load it there' >&2\nexit 5\n"
    )
    with pytest.raises(UnsupportedError) as caught:
        verify(model, blobs, elsewhere=interpreter(tmp_path, text))
    assert str(tmp_path / "python") in caught.value.what
    assert (caught.value.why, caught.value.hint) == ("ReNet needs Keras 3", "Load it there")


def test_it_reads_hdf5_only(model, tmp_path):
    (tmp_path / "net.keras").write_bytes(b"PK")
    with pytest.raises(InputError, match="is not HDF5"):
        predict_elsewhere(
            tmp_path / "net.keras", read_record(model), {}, (), Elsewhere("theano", sys.executable)
        )

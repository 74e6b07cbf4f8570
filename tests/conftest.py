"""Golden files, the marks that scripts/check selects by, and a Keras that leaves no traces."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

# Keras writes its settings when it is imported; not into the home of whoever runs the tests.
_KERAS_HOME = tempfile.TemporaryDirectory(prefix="keras-")
os.environ.setdefault("KERAS_HOME", _KERAS_HOME.name)

from caffe2keras.backend import choose_backend  # noqa: E402  not before the line above

choose_backend()

GOLDEN = Path(__file__).with_name("golden")
DIGITS = Path(__file__).parents[1] / "examples" / "digits"


def pytest_addoption(parser: pytest.Parser) -> None:
    text = "rewrite the golden files; the diff is yours to read"
    parser.addoption("--write-golden", action="store_true", help=text)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "golden: compares with a file in tests/golden")
    config.addinivalue_line("markers", "backend: computes with Keras, so worth any backend")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "golden" in getattr(item, "fixturenames", ()):
            item.add_marker("golden")
        if "runtime" in item.path.parts:
            item.add_marker("backend")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """``golden("help/convert", text)``: the text is that of tests/golden/help/convert.txt."""

    def check(name: str, text: str) -> None:
        path = GOLDEN / f"{name}.txt"
        if request.config.getoption("--write-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"{path} is missing: pytest --write-golden makes it"
        assert text == path.read_text(encoding="utf-8")

    return check


@pytest.fixture
def digits() -> Path:
    """The folder of the digits net."""
    return DIGITS


LOPSIDED = """
name: "lopsided"
layer {
  name: "data" type: "Input" top: "data"
  input_param { shape { dim: 2 dim: 3 dim: 11 dim: 8 } }
}
layer {
  name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param {
    num_output: 7 kernel_h: 2 kernel_w: 4 stride_h: 2 stride_w: 1 pad_h: 1 pad_w: 0
    weight_filler { type: "gaussian" std: 0.3 } bias_filler { type: "gaussian" std: 0.3 }
  }
}
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer {
  name: "pool" type: "Pooling" bottom: "conv" top: "pool"
  pooling_param { pool: AVE kernel_h: 3 kernel_w: 2 stride_h: 2 stride_w: 1 }
}
"""

HEAD = """
layer {
  name: "fc" type: "InnerProduct" bottom: "pool" top: "fc"
  inner_product_param { num_output: 5 weight_filler { type: "gaussian" std: 0.3 } }
}
layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" }
"""


@pytest.fixture
def lopsided(tmp_path: Path) -> Path:
    """A prototxt in which no two extents of a blob are equal; without weights it is filled."""
    path = tmp_path / "lopsided.prototxt"
    path.write_text(LOPSIDED + HEAD)
    return path


@pytest.fixture
def resizable(tmp_path: Path) -> Path:
    """The same without the InnerProduct, so that other heights and widths fit too."""
    path = tmp_path / "resizable.prototxt"
    path.write_text(LOPSIDED)
    return path

"""Layers whose output depends on numbers that say where to look, against the oracle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from caffe2keras.convert import convert
from caffe2keras.verify import verify

pytestmark = pytest.mark.backend

FILTER = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 4 dim: 3 dim: 5 dim: 2 } } }
layer { name: "s" type: "Input" top: "s" input_param { shape { dim: 4 } } }
layer { name: "f" type: "Filter" bottom: "x" bottom: "s" top: "y" }
"""

PARAMETER = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 dim: 5 dim: 4 } } }
layer {
  name: "p" type: "Parameter" top: "p"
  parameter_param { shape { dim: 2 dim: 3 dim: 5 dim: 4 } }
}
layer { name: "sum" type: "Eltwise" bottom: "x" bottom: "p" top: "y" }
"""


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_filter_keeps_the_samples_that_the_selector_marks(data_format: str, tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text(FILTER)
    report = convert(path, output=tmp_path / "net.h5", data_format=data_format)
    images = np.random.default_rng(7).normal(size=(4, 3, 5, 2)).astype(np.float32)
    fed = {"x": images, "s": np.array([1, 0, 0, 2], np.float32)}
    result = verify(report.output, oracle=(path, None), inputs=fed)
    assert result.ok, str(result)
    assert [blob.shape for blob in result.results] == [(2, 3, 5, 2)]


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_a_learned_blob_is_added_like_any_other(data_format: str, tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text(PARAMETER)
    report = convert(path, output=tmp_path / "net.h5", data_format=data_format)
    assert report.static_batch == 2
    result = verify(report.output, oracle=(path, None))
    assert result.ok, str(result)

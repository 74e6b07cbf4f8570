"""Odd names are no obstacle to any backend."""

from __future__ import annotations

from pathlib import Path

import pytest

from caffe2keras.convert import convert
from caffe2keras.verify import verify

NET = """
name: "%(name)s net"
layer { name: "%(name)s in" type: "Input" top: "%(name)s x"
  input_param { shape { dim: 2 dim: 3 dim: 5 dim: 4 } } }
layer { name: "%(name)s" type: "Convolution" bottom: "%(name)s x" top: "%(name)s y"
  convolution_param { num_output: 2 kernel_h: 2 kernel_w: 3 weight_filler { type: "xavier" } } }
layer { name: "%(name)s sum" type: "Eltwise" bottom: "%(name)s y" bottom: "%(name)s y"
  top: "%(name)s z" }
"""


@pytest.mark.backend
@pytest.mark.parametrize(
    "name", ["conv/1x1", "a.b", "a b", "a:b|c", "+", "卷积", "..", "_x", "-x", "9", "a'b@c,d(e)"]
)
def test_a_net_of_odd_names_converts_and_verifies(name: str, tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text(NET % {"name": name}, encoding="utf-8")
    report = convert(path, output=tmp_path / "net.h5")
    result = verify(report.output, oracle=(path, None))
    assert result.ok, str(result)
    assert [blob.blob for blob in result.results] == [f"{name} y", f"{name} z"]

"""examples/lstm: a program for NetSpec, converted as one layer and step by step."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from caffe2keras.read.prototxt import read_prototxt

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "lstm"

pytestmark = pytest.mark.backend


def run(script: str, *words: object) -> str:
    """Run one of the example's programs; its output."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLE / script), *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_program_writes_the_net_that_it_is_told(tmp_path: Path) -> None:
    path = tmp_path / "lstm.prototxt"
    path.write_text(run("unrolled.py"))
    layers = read_prototxt(path).layer
    assert list(layers[0].dummy_data_param.shape[0].dim) == [3, 10, 128, 10, 10]
    assert len(layers) == 5 + 3 * 13
    products = [layer for layer in layers if layer.type == "InnerProduct"]
    assert {layer.inner_product_param.num_output for layer in products} == {2000}
    names = [param.name for layer in products for param in layer.param]
    assert names == ["w_t0/Mxw", "w_t0/Mxb", "w_t0/Mhw"] * 3


@pytest.mark.parametrize("size", [(4, 3, 6, 5, 2), (3, 10, 50, 12, 10, 10)])
def test_both_conversions_compute_the_same(size: tuple[int, ...], tmp_path: Path) -> None:
    path = tmp_path / "lstm.prototxt"
    path.write_text(run("unrolled.py", *size))
    printed = run("compare.py", path)  # its exit code says that the numbers agree
    literal, rolled, _, exactly = printed.splitlines()
    assert literal.startswith("keep: ")
    assert int(rolled.split()[1]) <= 3
    assert float(exactly.split()[-4]) < 1e-12

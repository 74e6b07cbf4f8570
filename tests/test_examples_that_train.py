"""The examples that train a Keras model run, learn, and say how well."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import keras
import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"

pytestmark = [
    pytest.mark.backend,
    pytest.mark.skipif(
        keras.backend.backend() == "openvino", reason="Keras's openvino backend is inference only"
    ),
]


def run(script: str, folder: Path, *words: object) -> str:
    """Run one of the examples' programs in an empty folder; its output."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / script), *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(folder.iterdir()) == []
    return done.stdout


def percents(text: str) -> list[float]:
    """All percentages in the output."""
    return [float(number) for number in re.findall(r"([\d.]+)%", text)]


def test_the_digits_net_goes_on_from_the_snapshot_as_caffe_does(tmp_path: Path) -> None:
    printed = run("digits_finetune/finetune.py", tmp_path, 60)
    assert "iteration 3000, to be trained: ip1/bias, ip1/kernel, ip2/bias, ip2/kernel" in printed
    before, after = percents(printed)
    assert before < 20 < 60 < after

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


def test_questions_are_answered_by_looking_at_the_images(tmp_path: Path) -> None:
    right, without_images = percents(run("vqa/vqa.py", tmp_path, 5))
    assert right > without_images + 10


def test_opinions_are_told_by_the_order_of_their_words(tmp_path: Path) -> None:
    printed = run("text/opinions.py", tmp_path, 3)
    assert len(re.findall("^(?:praise|blame) ", printed, re.MULTILINE)) == 4


def test_two_lstms_remember_from_window_to_window(tmp_path: Path) -> None:
    remembered, forgotten = percents(run("text/stream.py", tmp_path, 100))
    assert remembered > 90 > 50 > forgotten


def test_a_decoder_learns_where_to_look_from_captions_alone(tmp_path: Path) -> None:
    printed = run("captioning/attend.py", tmp_path, 6)
    *shares, right = percents(printed)
    assert "looks at row" in printed
    assert all(3 <= share <= 100 for share in shares)  # 35 places, and this is the highest
    assert right > 20

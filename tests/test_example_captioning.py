"""examples/captioning: sentences, word by word, as Caffe says them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from caffe2keras.convert import convert
from caffe2keras.verify import verify

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "captioning"

pytestmark = pytest.mark.backend


def test_every_caption_is_caffes(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLE / "caption.py"), "12"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("12 are those that Caffe gave\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("net", ["image", "words"])
def test_both_nets_compute_what_the_oracle_does(net: str, tmp_path: Path) -> None:
    files = EXAMPLE / f"{net}.prototxt", EXAMPLE / "captions.caffemodel"
    report = convert(*files, tmp_path / "net.h5")
    assert report.static_batch is None
    result = verify(report.output, oracle=files)
    assert result.ok, str(result)


def test_the_net_that_was_trained_takes_whole_sentences(tmp_path: Path) -> None:
    files = EXAMPLE / "train.prototxt", EXAMPLE / "captions.caffemodel"
    report = convert(*files, tmp_path / "net.h5")
    result = verify(report.output, oracle=files)
    assert result.ok, str(result)

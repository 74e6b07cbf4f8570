"""examples/cam: where a converted net saw the class that it tells."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from caffe2keras.convert import convert
from caffe2keras.verify import verify

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "cam"

pytestmark = pytest.mark.backend


def test_every_map_is_highest_on_the_shape_and_drawn_in_red_beside_the_image(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLE / "cam.py"), str(tmp_path / "maps"), "12"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("12 of 12 images are told right, 12 of them for the place")
    files = sorted((tmp_path / "maps").iterdir())
    assert len(files) == 12
    with Image.open(files[0]) as picture:
        assert (picture.format, picture.size) == ("PNG", (2 * 36 * 8, 28 * 8))
        red, green, _ = (channel.getextrema()[1] for channel in picture.split())
        bare = picture.crop((0, 0, 36 * 8, 28 * 8))
        assert red == green == 255
        assert all(r == g == b for _, (r, g, b) in bare.getcolors(256))
        assert not all(r == g for _, (r, g, _) in picture.getcolors(1 << 16))


def test_the_net_computes_what_the_oracle_does(tmp_path: Path) -> None:
    files = EXAMPLE / "deploy.prototxt", EXAMPLE / "shapes.caffemodel"
    report = convert(*files, tmp_path / "net.h5")
    result = verify(report.output, oracle=files)
    assert result.ok, str(result)

"""examples/handwriting runs, and learns."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.usefixtures("needs_gradients")
def test_the_loss_of_unseen_lines_falls_within_a_few_steps():
    script = ROOT / "examples" / "handwriting" / "train.py"
    done = subprocess.run(
        [sys.executable, str(script), "--steps", "10", "--batch", "8"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    before, after = (
        float(re.search(rf"^{word}: loss ([0-9.]+)$", done.stdout, re.MULTILINE)[1])
        for word in ("before", "after")
    )
    assert after < before
    assert "step 10: loss" in done.stdout

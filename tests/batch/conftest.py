"""Nets in folders, and plugins that do to a process what bad nets and bad code do."""

import json
import shutil

import pytest

NET = """
name: "{name}"
input: "data"
input_shape {{ dim: 2 dim: 3 dim: 7 dim: 5 }}
layer {{
  name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param {{ num_output: 4 kernel_h: 3 kernel_w: 2 weight_filler {{ type: "xavier" }} }}
}}
layer {{ name: "relu" type: "ReLU" bottom: "conv" top: "conv" }}
"""

CODE = {
    "crash": "import os, signal\nprint('my last words', flush=True)\n"
    "os.kill(os.getpid(), signal.SIGSEGV)",
    "leave": "import os\nos._exit(3)",
    "sleep": "import time\ntime.sleep(600)",
    "hoard": "import time\nhoard = [bytes(range(256)) * (1 << 12) for _ in range(1 << 10)]\n"
    "time.sleep(600)",
}


@pytest.fixture
def net(tmp_path):
    """Write a prototxt whose numbers are filled; its path."""

    def write(name):
        path = tmp_path / "nets" / f"{name}.prototxt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(NET.format(name=name))
        return path

    return write


@pytest.fixture
def plugin(tmp_path):
    """Write a plugin that does something to the process that loads it; its path."""

    def write(deed):
        path = tmp_path / f"{deed}.py"
        path.write_text(CODE[deed])
        return path

    return write


@pytest.fixture
def manifest(tmp_path):
    """Write a manifest in JSON; its path."""

    def write(*nets, **defaults):
        path = tmp_path / "nets.json"
        path.write_text(json.dumps({"defaults": defaults, "nets": nets}, default=str))
        return path

    return write


@pytest.fixture
def pair(digits, tmp_path):
    """Put the digits net into a folder under some names; the folder."""

    def put(folder, prototxts=("deploy.prototxt",), weights=("digits.caffemodel",), names=None):
        target = tmp_path / "pairs" / folder
        target.mkdir(parents=True)
        for name in (*prototxts, *weights):
            shutil.copy(digits / name, target / (names or {}).get(name, name))
        return tmp_path / "pairs"

    return put

"""Plugins as files, and a process that forgets them after each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from caffe2keras.__main__ import main
from caffe2keras.plugins.loading import forget_plugin, loaded_plugins

HEADER = "from caffe2keras.plugin import *\n"

# y = gain * x, for the tests that need any plugin
GAIN = '''
@maps("Gain", any_batch_axis=True)
def gain(layer: Placed) -> Fragment:
    """A factor."""
    factor = layer.params.foreign.message("gain_param").number("gain", 1.0)
    return line(KerasLayer("caffe2keras>Power", {"scale": factor, "power": 1.0, "shift": 0.0}))


@infers("Gain")
@blobs(bottoms=1)
def gain_shape(params, bottoms, tops):
    return Inferred((bottoms[0],))


@computes("Gain")
def gain_in_numpy(layer, bottoms, weights):
    factor = layer.params.foreign.message("gain_param").number("gain", 1.0)
    return (factor * bottoms[0],)
'''

NET = """
layer {
  name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 dim: 5 dim: 4 } }
}
layer { name: "gain" type: "%s" bottom: "data" top: "gain" %s }
"""


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    yield
    for plugin in loaded_plugins():
        forget_plugin(plugin)


@pytest.fixture
def plugin(tmp_path: Path) -> Callable[..., Path]:
    """``plugin(code)``: a file with this code behind an import of all that plugins need."""

    def write(code: str = GAIN, name: str = "gain.py") -> Path:
        path = tmp_path / name
        path.write_text(HEADER + code, encoding="utf-8")
        return path

    return write


@pytest.fixture
def net(tmp_path: Path) -> Callable[..., Path]:
    """``net('gain_param { gain: 2 }')``: a net of one layer, of type Gain."""

    def write(more: str = "", kind: str = "Gain") -> Path:
        path = tmp_path / "net.prototxt"
        path.write_text(NET % (kind, more))
        return path

    return write


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run a command line in the folder of the files: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def call(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([str(word) for word in words])
        return code, *capsys.readouterr()

    return call

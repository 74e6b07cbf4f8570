"""The bytes of a converted file, whichever Keras is installed, or none."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from caffe2keras import convert

DIGITS = Path(__file__).parents[1] / "examples" / "digits"
SOURCES = (DIGITS / "deploy.prototxt", DIGITS / "digits.caffemodel")

BLOCKED = """
import sys
class NoKeras:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("keras", "tensorflow", "jax", "torch", "openvino", "theano"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, NoKeras())
"""
IMPORTED = """
import keras
assert keras.__version__ == {version!r}, keras.__version__
"""
CONVERT = """
import sys
import caffe2keras
caffe2keras.convert(*sys.argv[1:])
"""


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def converted_by_a_child(beginning: str, target: Path, folder: Path) -> str:
    """The digest of what a process writes that begins so, with ``folder`` before all others."""
    own = {
        "PYTHONPATH": f"{folder}:{Path(__file__).parents[1]}",
        "PATH": "",
        "KERAS_BACKEND": "jax",
    }
    done = subprocess.run(
        [sys.executable, "-c", beginning + CONVERT, *SOURCES, target],
        env=own,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return digest(target)


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> str:
    target = tmp_path_factory.mktemp("usual") / "net.h5"
    convert(*SOURCES, target)
    return digest(target)


def test_without_any_keras_they_are_the_same(usual, tmp_path):
    assert converted_by_a_child(BLOCKED, tmp_path / "net.h5", tmp_path) == usual


@pytest.mark.parametrize("version", ["2.3.1", "2.15.0", "3.10.0", "99.0"])
def test_with_another_keras_they_are_the_same(usual, tmp_path, version):
    # scripts/check_targets does so with real ones
    (tmp_path / "keras.py").write_text(f"__version__ = {version!r}\n")
    beginning = IMPORTED.format(version=version)
    assert converted_by_a_child(beginning, tmp_path / "net.h5", tmp_path) == usual


def test_with_the_keras_here_they_are_the_same(usual, tmp_path):
    assert converted_by_a_child("import keras\n", tmp_path / "net.h5", tmp_path) == usual

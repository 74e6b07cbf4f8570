"""caffe2keras-runtime, built from a copy of the sources and looked into."""

from __future__ import annotations

import email
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import caffe2keras

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = tmp_path_factory.mktemp("source")
    ignore = shutil.ignore_patterns("__pycache__", "build", "*.egg-info")
    for name in ("caffe2keras", "distributions"):
        shutil.copytree(ROOT / name, source / name, ignore=ignore)
    return source / "distributions" / "runtime"


def built(kind: str, folder: Path) -> Path:
    """A "wheel" or an "sdist" of what is in a folder."""
    code = f"from setuptools import build_meta; print(build_meta.build_{kind}('.'))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder / done.stdout.split()[-1]


@pytest.fixture(scope="module")
def wheel(folder: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(built("wheel", folder))


def test_a_source_archive_stands_by_itself(wheel, folder, tmp_path):
    beside = {path.name for path in folder.parent.iterdir()}
    with tarfile.open(built("sdist", folder)) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    again = zipfile.ZipFile(built("wheel", unpacked))
    assert sorted(again.namelist()) == sorted(wheel.namelist())
    assert Path(again.filename or "").name == Path(wheel.filename or "").name
    assert {path.name for path in folder.parent.iterdir()} == beside  # nothing left beside it


def test_it_is_the_runtime_and_nothing_else(wheel):
    names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    files = {
        path.relative_to(ROOT).as_posix() for path in (ROOT / "caffe2keras/runtime").rglob("*.py")
    }
    assert names == files


def test_it_asks_for_the_python_and_the_pins_of_old_keras(wheel):
    name = next(name for name in wheel.namelist() if name.endswith("/METADATA"))
    metadata = email.message_from_string(wheel.read(name).decode())
    assert metadata["Name"] == "caffe2keras-runtime"
    assert metadata["Version"] == caffe2keras.__version__
    assert metadata["Requires-Python"] == ">=3.7"
    assert set(metadata.get_all("Provides-Extra")) == {"theano", "tf-keras"}
    required = " ".join(metadata.get_all("Requires-Dist"))
    for pin in ("keras==2.3.1", "theano==1.0.5", "numpy==1.21.6", "tensorflow-cpu==2.15.1"):
        assert pin in required

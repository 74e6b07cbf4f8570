"""What is shipped, built once from a copy of the sources and looked into."""

import configparser
import email
import importlib
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import caffe2keras

ROOT = Path(__file__).parents[1]
METADATA = ("setup.cfg", "pyproject.toml", "MANIFEST.in", "README.md", "CHANGELOG.md", "LICENSE")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A copy of what a release is built from, with a test beside it that must stay at home."""
    folder = tmp_path_factory.mktemp("source")
    for name in METADATA:
        shutil.copy(ROOT / name, folder)
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "caffe2keras", folder / "caffe2keras", ignore=ignore)
    shutil.copytree(ROOT / "tests" / "golden", folder / "tests" / "golden")
    shutil.copy(__file__, folder / "tests")
    return folder


def build(source, kind, target):
    code = f"from setuptools import build_meta; print(build_meta.build_{kind}({str(target)!r}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=source, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return target / done.stdout.split()[-1]


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory):
    """The wheel, unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    with zipfile.ZipFile(build(source, "wheel", folder)) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


@pytest.fixture(scope="module")
def sdist(source, tmp_path_factory):
    """The names in the source archive, without its own folder's."""
    with tarfile.open(build(source, "sdist", tmp_path_factory.mktemp("sdist"))) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def package_files(folder):
    files = (path for path in folder.glob("caffe2keras/**/*") if path.is_file())
    return {path.relative_to(folder).as_posix() for path in files if "__pycache__" not in str(path)}


def dist_info(wheel):
    return wheel / f"caffe2keras-{caffe2keras.__version__}.dist-info"


def test_the_wheel_has_every_file_of_the_package(wheel):
    assert package_files(wheel) == package_files(ROOT)


def test_the_wheel_has_the_schema_its_stubs_and_the_mark_of_types(wheel):
    proto = wheel / "caffe2keras" / "proto"
    assert (proto / "caffe.proto").exists()
    assert (proto / "caffe_pb2.pyi").exists()
    assert (wheel / "caffe2keras" / "py.typed").exists()


def test_the_wheel_has_nothing_but_the_package_and_its_metadata(wheel):
    assert {path.name for path in wheel.iterdir()} == {"caffe2keras", dist_info(wheel).name}


def test_the_source_archive_has_the_package_and_its_documents(sdist):
    assert package_files(ROOT) <= sdist
    assert {*METADATA} <= sdist


def test_the_source_archive_has_no_tests(sdist):
    assert [name for name in sdist if name.startswith("tests")] == []


def test_the_metadata_asks_for_no_backend_unless_told(wheel):
    metadata = email.message_from_string((dist_info(wheel) / "METADATA").read_text())
    needed = [line for line in metadata.get_all("Requires-Dist") if "extra ==" not in line]
    names = sorted(line.partition(">")[0] for line in needed)
    assert names == ["click", "h5py", "keras", "numpy", "protobuf", "tqdm"]
    assert {"openvino", "jax", "torch", "tensorflow"} <= set(metadata.get_all("Provides-Extra"))


def test_the_licence_goes_along(wheel):
    [licence] = dist_info(wheel).rglob("LICENSE")
    assert licence.read_text() == (ROOT / "LICENSE").read_text()


def test_the_console_script_is_the_module_that_python_runs(wheel):
    scripts = configparser.ConfigParser()
    scripts.read(dist_info(wheel) / "entry_points.txt")
    module, _, function = scripts["console_scripts"]["caffe2keras"].partition(":")
    assert module == "caffe2keras.__main__"
    assert callable(getattr(importlib.import_module(module), function))


def test_what_was_shipped_runs(wheel, tmp_path):
    code = f"import sys, runpy; sys.path.insert(0, {str(wheel)!r}); sys.argv[1:] = ['--version']"
    code += "; runpy.run_module('caffe2keras', run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout == f"caffe2keras, version {caffe2keras.__version__}\n", done.stderr


def test_python_m_caffe2keras_works():
    done = subprocess.run(
        [sys.executable, "-m", "caffe2keras", "--version"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert caffe2keras.__version__ in done.stdout

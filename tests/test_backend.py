import importlib.util
import json
import subprocess
import sys

import pytest

from caffe2keras import backend
from caffe2keras.backend import BACKENDS, choose_backend, import_keras
from caffe2keras.errors import BackendError


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """Pretend that Keras is not imported and that just these modules can be."""

    def pretend(*modules, configured=None, chosen=None):
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda name: object() if name in modules else None
        )
        monkeypatch.delitem(sys.modules, "keras", raising=False)
        monkeypatch.delenv("KERAS_BACKEND", raising=False)
        monkeypatch.setenv("KERAS_HOME", str(tmp_path))
        if configured is not None:
            (tmp_path / "keras.json").write_text(configured)
        if chosen is not None:
            monkeypatch.setenv("KERAS_BACKEND", chosen)

    return pretend


def test_openvino_comes_first_then_jax_torch_and_tensorflow(installed):
    modules = ["tensorflow", "torch", "jax", "openvino", "scipy"]
    for name in ("openvino", "jax", "torch", "tensorflow"):
        installed(*modules)
        assert choose_backend() == name
        modules = [module for module in modules if module not in BACKENDS[name]]


def test_openvino_without_the_scipy_that_it_needs_is_not_installed(installed):
    installed("openvino", "torch")
    assert choose_backend() == "torch"


def test_the_choice_is_told_to_keras(installed, monkeypatch):
    installed("jax")
    choose_backend()
    assert backend.os.environ["KERAS_BACKEND"] == "jax"


def test_who_has_set_the_environment_has_chosen(installed):
    installed("openvino", "scipy", "jax", chosen="jax")
    assert choose_backend() == ""
    assert backend.os.environ["KERAS_BACKEND"] == "jax"


def test_who_has_imported_keras_has_chosen(installed, monkeypatch):
    installed("openvino", "scipy")
    monkeypatch.setitem(sys.modules, "keras", object())
    assert choose_backend() == ""
    assert "KERAS_BACKEND" not in backend.os.environ


def test_a_backend_in_keras_json_is_a_choice_if_it_is_installed(installed):
    installed("openvino", "scipy", "torch", configured=json.dumps({"backend": "torch"}))
    assert choose_backend() == "torch"
    installed("openvino", "scipy", configured=json.dumps({"backend": "tensorflow"}))
    assert choose_backend() == "openvino"


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_a_keras_json_that_says_nothing_is_no_choice(installed, text):
    installed("jax", configured=text)
    assert choose_backend() == "jax"


def test_no_backend_at_all_is_an_error_that_knows_the_way_out(installed, golden):
    installed()
    with pytest.raises(BackendError) as caught:
        choose_backend()
    golden("errors/no-backend", str(caught.value) + "\n")


def test_a_chosen_backend_that_is_not_there_is_an_error(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.delitem(sys.modules, "keras", raising=False)

    def refuse(name):
        raise ImportError("No module named 'jax'\nand much more")

    monkeypatch.setattr(importlib, "import_module", refuse)
    with pytest.raises(BackendError) as caught:
        import_keras()
    assert caught.value.what == 'Keras cannot be imported with backend "jax"'
    assert caught.value.why == "No module named 'jax'"


@pytest.mark.backend
def test_the_runtime_is_registered_with_keras():
    keras = import_keras()
    assert keras.saving.get_registered_object("caffe2keras>LRN") is not None


def test_an_unknown_backend_is_an_error_and_no_traceback(digits, tmp_path):
    model = tmp_path / "digits.h5"
    command = [sys.executable, "-m", "caffe2keras"]
    net = [digits / "deploy.prototxt", digits / "digits.caffemodel"]
    subprocess.run([*command, "convert", *net, "-o", model], check=True, capture_output=True)
    environment = {**backend.os.environ, "KERAS_BACKEND": "abacus"}
    done = subprocess.run(
        [*command, "verify", model, digits / "blobs.npz"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert 'Keras cannot be imported with backend "abacus"' in done.stderr
    assert "Traceback" not in done.stderr

"""Plugins of installed packages, each test in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SITE = {
    "acme_layers/__init__.py": "",
    "acme_layers/gain.py": "from caffe2keras.plugin import *\n",
    "acme_layers/plugin.py": "from acme_layers import gain\n",
    "acme_layers-1.0.dist-info/METADATA": (
        "Metadata-Version: 2.1\nName: acme-layers\nVersion: 1.0\n"
    ),
    "acme_layers-1.0.dist-info/entry_points.txt": (
        "[caffe2keras.plugins]\nacme = acme_layers.plugin\n"
    ),
}

KERAS_LAYER = """
@keras_layers
def layers():
    import keras

    @keras.saving.register_keras_serializable(package="acme")
    class Gain(keras.Layer):
        def __init__(self, gain, **kwargs):
            super().__init__(**kwargs)
            self.gain = gain

        def call(self, inputs):
            return self.gain * inputs

        def get_config(self):
            return {**super().get_config(), "gain": self.gain}
"""


@pytest.fixture
def site(tmp_path, plugin):
    """A folder with a package and what pip writes of it."""
    code = plugin().read_text() + KERAS_LAYER
    ours = 'KerasLayer("caffe2keras>Power", {"scale": factor, "power": 1.0, "shift": 0.0})'
    assert ours in code
    code = code.replace(ours, 'KerasLayer("acme>Gain", {"gain": factor})')
    for name, text in SITE.items():
        path = tmp_path / "site" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "site/acme_layers/gain.py").write_text(code)
    return tmp_path / "site"


@pytest.fixture
def python(tmp_path):
    """Run Python with these folders on its path: (exit code, stdout, stderr)."""

    def run(*words, path=()):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, *path)))}
        done = subprocess.run(
            [sys.executable, *map(str, words)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    return run


LOAD = "import caffe2keras; print(caffe2keras.load_model('net.h5').count_params())"


@pytest.mark.backend
def test_an_installed_plugin_is_used_by_every_command(site, net, python):
    prototxt = net("gain_param { gain: 3 }")
    command = ("-m", "caffe2keras")
    code, _, err = python(*command, "convert", prototxt, "-o", "net.h5", path=[site])
    assert code == 0, err
    code, out, err = python(*command, "verify", "-q", "net.h5", "--oracle", prototxt, path=[site])
    assert (code, out) == (0, "net.h5: the one blob compared agrees\n"), err
    code, out, _ = python(*command, "layers", path=[site])
    assert code == 0
    assert "by the plugin acme_layers.plugin" in out
    code, out, err = python("-c", LOAD, path=[site])
    assert (code, out) == (0, "0\n"), err
    code, _, err = python("-c", LOAD)
    assert code == 1
    assert "net.h5 needs the plugin acme_layers.plugin, which is not loaded" in err
    assert "try: install the package that has the module acme_layers.plugin" in err


def test_an_installed_plugin_may_have_been_imported_before(site, net, python):
    code = """
import sys
import acme_layers.gain
from caffe2keras.__main__ import main
sys.exit(main(sys.argv[1:]))
"""
    code, out, err = python("-c", code, "inspect", net(), path=[site])
    assert (code, err) == (0, "")
    assert "acme>Gain" in out


def test_installed_plugins_can_be_left_alone(site, net, python):
    code, _, err = python("-m", "caffe2keras", "convert", net(), "--no-plugins", path=[site])
    assert code == 5
    assert 'Gain, "gain"' in err


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("raise RuntimeError('no')\n", "the installed plugin acme_layers.plugin cannot be loaded"),
        ("from acme_layers import nothing\n", "ImportError: cannot import name 'nothing'"),
    ],
)
def test_an_installed_plugin_that_is_broken_is_named_with_its_package(
    broken, message, site, net, python
):
    (site / "acme_layers/plugin.py").write_text(broken)
    code, out, err = python("-m", "caffe2keras", "inspect", net(), path=[site])
    assert (code, out) == (3, "")
    assert message in err
    assert 'in: entry point "acme" of acme-layers' in err
    assert "--no-plugins goes without installed plugins; pip uninstall acme-layers" in err
    assert "Traceback" not in err


def test_an_installed_plugin_that_registers_nothing_is_refused(site, net, python):
    (site / "acme_layers/plugin.py").write_text("")
    code, _, err = python("-m", "caffe2keras", "convert", net(), path=[site])
    assert code == 3
    assert "the plugin acme_layers.plugin registers nothing" in err


def test_a_file_and_an_installed_plugin_do_not_share_a_type(site, net, plugin, python):
    words = ("convert", net(), "--plugin", plugin())
    code, _, err = python("-m", "caffe2keras", *words, path=[site])
    assert code == 3
    assert "Gain has a mapping already: gain, from gain.py" in err
    assert python("-m", "caffe2keras", *words, "--no-plugins", path=[site])[0] == 0

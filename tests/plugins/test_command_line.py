"""``--plugin`` and what it says when something is wrong."""

from __future__ import annotations

import json
import os

import pytest

from caffe2keras.plugins.loading import loaded_plugins


def test_a_command_knows_its_plugins_for_as_long_as_it_runs(run, plugin, net):
    prototxt = net("gain_param { gain: 2 }")
    assert run("convert", prototxt, "-q", "--plugin", plugin(), "-o", "net.h5") == (0, "", "")
    assert loaded_plugins() == ()
    assert run("convert", prototxt, "-q", "-o", "net.h5")[0] == 5


@pytest.mark.backend
def test_verify_takes_plugins(run, plugin, net):
    prototxt, path = net("gain_param { gain: 2 }"), plugin()
    run("convert", prototxt, "-q", "--plugin", path, "-o", "net.h5")
    words = ("verify", "-q", "net.h5", "--oracle", prototxt)
    code, out, _ = run(*words, "--plugin", path)
    assert (code, out) == (0, "net.h5: the one blob compared agrees\n")
    code, _, err = run(*words)
    assert code == 5
    assert "bring an oracle function in a plugin" in err


def test_inspect_and_layers_take_plugins(run, plugin, net):
    path = plugin()
    code, out, _ = run("inspect", net(), "--json", "--plugin", path)
    assert (code, json.loads(out)["layers"][1]["keras"]) == (0, ["caffe2keras>Power"])
    code, out, _ = run("layers", "--json", "--plugin", path)
    assert (code, [row["note"] for row in json.loads(out) if row["caffe_type"] == "Gain"]) == (
        0,
        ["by the plugin gain.py"],
    )


def test_several_plugins_are_taken_together(run, plugin, net):
    other = plugin().read_text().replace('"Gain"', '"Loss2"')
    words = ("--plugin", plugin(), "--plugin", plugin(other, "other.py"))
    code, out, _ = run("layers", *words)
    assert code == 0
    assert "by the plugin other.py" in out


WRONG = {
    "no-such-plugin": None,
    "plugin-syntax": "def gain(:\n",
    "plugin-import": "import nothing_of_this_name\n",
    "plugin-empty": "",
    "plugin-double": '@maps("ReLU")\ndef relu(layer):\n    return line()\n',
    "plugin-no-shape": '@maps("Gain")\ndef gain(layer):\n    return line()\n',
    "plugin-fails": (
        '@maps("Gain")\ndef gain(layer):\n    return line(layer.weights[0])\n\n\n'
        '@infers("Gain")\ndef shape(params, bottoms, tops):\n    return Inferred(tuple(bottoms))\n'
    ),
    "plugin-no-fragment": (
        '@maps("Gain")\ndef gain(layer):\n    return layer\n\n\n'
        '@infers("Gain")\ndef shape(params, bottoms, tops):\n    return Inferred(tuple(bottoms))\n'
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_plugin_that_cannot_be(name, run, plugin, net, golden):
    net()
    if WRONG[name] is not None:
        plugin(WRONG[name])
    before = sorted(os.listdir())
    code, out, err = run("convert", "net.prototxt", "-o", "net.h5", "--plugin", "gain.py")
    assert (code, out) == (3, "")
    golden(f"errors/{name}", err)
    assert sorted(os.listdir()) == before


def test_debug_shows_where_a_plugin_fails(run, plugin, net):
    net()
    plugin(WRONG["plugin-fails"])
    code, _, err = run("--debug", "convert", "net.prototxt", "--plugin", "gain.py")
    assert code == 3
    assert "Traceback (most recent call last):" in err
    assert 'File "gain.py", line 4, in gain' in err

"""A plugin is loaded whole or not at all, and each fault is told as the plugin's."""

from __future__ import annotations

import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor

import pytest

import caffe2keras
from caffe2keras.errors import BackendError, PluginError
from caffe2keras.layer_map.registry import mappings
from caffe2keras.plugins.loading import (
    forget_plugin,
    load_plugin,
    loaded_plugins,
    plugin_list,
    using_plugins,
    without_installed,
)
from caffe2keras.shapes.registry import known_types as shaped_types
from caffe2keras.verify.oracle import known_types as computed_types

SHAPE = '@infers("Gain")\ndef gain_shape(params, bottoms, tops):\n    return Inferred(bottoms)\n'


def knows_gain():
    return ["Gain" in table for table in (mappings(), shaped_types(), computed_types())]


# What loading does


def test_a_plugin_is_known_until_it_is_forgotten(plugin):
    path = plugin()
    with using_plugins([path]):
        assert knows_gain() == [True, True, True]
        [loaded] = loaded_plugins()
        assert (loaded.name, loaded.types, loaded.path) == ("gain.py", ("Gain",), str(path))
    assert knows_gain() == [False, False, False]
    assert loaded_plugins() == ()


def test_a_plugin_that_is_loaded_twice_is_there_once(plugin):
    path = plugin()
    assert caffe2keras.load_plugin(path) == load_plugin(path)
    with using_plugins([path]):
        assert len(loaded_plugins()) == 1
    assert knows_gain() == [True, True, True]  # it was there before


def test_a_plugin_is_forgotten_from_another_folder_too(plugin, tmp_path, monkeypatch):
    plugin()
    monkeypatch.chdir(tmp_path)
    loaded = load_plugin("gain.py")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir("below")
    assert plugin_list().files == (str(tmp_path / "gain.py"),)
    forget_plugin(loaded)
    assert loaded_plugins() == ()
    assert knows_gain() == [False, False, False]


def test_a_plugin_that_has_changed_is_loaded_anew(plugin):
    load_plugin(plugin())
    load_plugin(plugin(SHAPE))
    assert knows_gain() == [False, True, False]


def test_other_processes_load_the_same_plugins(plugin, net, tmp_path):
    load_plugin(plugin())
    carried = plugin_list()
    assert pickle.loads(pickle.dumps(carried)) == carried
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn, initializer=carried.load) as pool:
        work = pool.submit(caffe2keras.convert.convert, net(), None, tmp_path / "net.h5")
        assert work.result().layers == 2


def test_a_list_of_plugins_says_whether_installed_ones_count():
    assert plugin_list().installed
    with without_installed():
        assert not plugin_list().installed
        plugin_list().load()
    assert plugin_list().installed


def test_a_plugin_is_loaded_where_no_backend_is_installed(plugin, monkeypatch):
    def refuse():
        raise BackendError(what="no Keras backend is installed")

    monkeypatch.setattr("caffe2keras.plugins.loading.choose_backend", refuse)
    load_plugin(plugin())
    assert knows_gain() == [True, True, True]


def test_a_plugin_may_register_functions_that_others_wrote(plugin):
    before = set(mappings())
    code = """
from caffe2keras.layer_map.activation import relu
from caffe2keras.shapes.activation import neuron

maps("LikeReLU")(relu)
infers("LikeReLU")(neuron)
"""
    with using_plugins([plugin(code)]):
        assert loaded_plugins()[0].types == ("LikeReLU",)
        assert mappings()["LikeReLU"].mapper is mappings()["ReLU"].mapper
    assert set(mappings()) == before


# Files that are no plugins


@pytest.mark.parametrize(
    ("code", "message", "line"),
    [
        ("def broken(:\n", "the plugin gain.py is no Python: invalid syntax", 2),
        ("\nimport there_is_no_such_module\n", "ModuleNotFoundError: No module named", 3),
        ("\n\nraise RuntimeError\n", "cannot be loaded: RuntimeError", 4),
        ("raise SystemExit(0)\n", "cannot be loaded: SystemExit", 2),
        ("@maps\ndef gain(layer): ...\n", 'TypeError: @maps takes Caffe types: @maps("Gain")', 2),
        ('@maps("Gain", wants="imgae")\ndef gain(layer): ...\n', "wants='imgae'", 2),
        ("GAIN = 2\n", "the plugin gain.py registers nothing", None),
        (
            '@maps("Gain")\ndef gain(layer): ...\n',
            "the plugin gain.py maps Gain and has no shape rule for it",
            None,
        ),
        (
            SHAPE + SHAPE,
            "Gain has a shape rule already: gain_shape, from the same file",
            5,
        ),
        (
            '@maps("ReLU")\ndef mine(layer): ...\n',
            "ReLU has a mapping already: relu, from caffe2keras.layer_map.activation",
            2,
        ),
        (
            '@maps("Split")\ndef mine(layer): ...\n',
            "the plugin gain.py maps Split, and no mapping is ever asked for that",
            None,
        ),
        (
            '@maps("RegionLoss")\ndef mine(layer): ...\n',
            "maps RegionLoss, and no mapping is ever asked for that",
            None,
        ),
    ],
)
def test_a_file_that_is_no_plugin_is_refused_and_leaves_nothing(code, message, line, plugin):
    before = dict(mappings()), shaped_types(), computed_types()
    path = plugin(code)
    with pytest.raises(PluginError) as caught:
        load_plugin(path)
    assert message in str(caught.value)
    assert caught.value.where.startswith(f"{path}:{line}" if line else str(path))
    assert (dict(mappings()), shaped_types(), computed_types()) == before
    assert loaded_plugins() == ()
    assert caught.value.exit_code == 3


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(PluginError, match=r"nothing\.py cannot be read: no such file"):
        load_plugin(tmp_path / "nothing.py")
    with pytest.raises(PluginError, match="--plugin takes a Python file"):
        load_plugin(tmp_path)


def test_a_file_with_null_bytes_is_no_plugin(tmp_path):
    (tmp_path / "gain.py").write_bytes(b"\0")
    with pytest.raises(PluginError, match=r"gain\.py is no Python: source code"):
        load_plugin(tmp_path / "gain.py")


def test_two_plugins_do_not_share_a_type(plugin):
    load_plugin(plugin())
    with pytest.raises(
        PluginError, match=r"Gain has a mapping already: gain, from gain\.py"
    ) as one:
        load_plugin(plugin(name="another.py"))
    assert one.value.hint == "load one of the two plugins only"
    assert knows_gain() == [True, True, True]


# Taking the place of what is mapped


REPLACES = '''
@maps("ReLU", replaces=True)
def mine(layer):
    """Mine."""
    return line(KerasLayer("Activation", {"activation": "linear"}))
'''


def test_a_type_that_is_mapped_is_replaced_where_the_plugin_says_so(plugin):
    ours = mappings()["ReLU"]
    with using_plugins([plugin(REPLACES)]):
        assert mappings()["ReLU"].mapper.__name__ == "mine"
    assert mappings()["ReLU"] is ours


def test_a_type_is_replaced_by_one_plugin_only(plugin):
    load_plugin(plugin(REPLACES))
    with pytest.raises(PluginError, match=r"ReLU has a mapping already: mine, from gain\.py"):
        load_plugin(plugin(REPLACES, "another.py"))


def test_rules_and_oracle_functions_are_replaced_likewise(plugin):
    code = REPLACES + (
        '@infers("ReLU", replaces=True)\ndef shape(params, bottoms, tops): ...\n'
        '@computes("ReLU", replaces=True)\ndef number(layer, bottoms, weights): ...\n'
    )
    [loaded] = [load_plugin(plugin(code))]
    assert loaded.types == ("ReLU",)

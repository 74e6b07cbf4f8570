"""Python layers are mapped by the class that the prototxt names."""

from __future__ import annotations

import numpy as np
import pytest

from caffe2keras.convert import load_net
from caffe2keras.errors import UnsupportedError, UnsupportedLayersError
from caffe2keras.layer_map import map_net, support_table
from caffe2keras.plugins.loading import load_plugin
from caffe2keras.verify.oracle import run

SHIFT = '''
import json


def shift_of(params):
    return json.loads(params.python_param.param_str)["shift"]


@maps("Python:pylayers.shift.ShiftLayer")
def shift(layer):
    """A summand.

    Caffe    x + shift
    Keras    caffe2keras>Power
    """
    config = {"scale": 1.0, "power": 1.0, "shift": shift_of(layer.params)}
    return line(KerasLayer("caffe2keras>Power", config))


@infers("Python:pylayers.shift.ShiftLayer")
@blobs(bottoms=1)
def shift_shape(params, bottoms, tops):
    return Inferred((bottoms[0],))


@computes("Python:pylayers.shift.ShiftLayer")
def shift_in_numpy(layer, bottoms, weights):
    return (bottoms[0] + shift_of(layer.params),)
'''

PARAM = """python_param {{
    module: "pylayers.shift" layer: "{}" param_str: '{{"shift": 1.5}}' {}
  }}"""


def test_a_python_layer_is_mapped_by_its_class(plugin, net):
    load_plugin(plugin(SHIFT))
    loaded = load_net(net(PARAM.format("ShiftLayer", ""), kind="Python"))
    assert loaded.layers[1].type == "Python:pylayers.shift.ShiftLayer"
    assert map_net(loaded).layers[1].layer.config["shift"] == 1.5
    zeros = np.zeros((2, 3, 5, 4))
    assert (run(loaded, {"data": zeros})["gain", 0] == 1.5).all()


def test_other_python_layers_are_refused_as_ever(plugin, net):
    load_plugin(plugin(SHIFT))
    with pytest.raises(UnsupportedLayersError, match="its computation is a Python class") as caught:
        map_net(load_net(net(PARAM.format("TurnLayer", ""), kind="Python")))
    assert "map it in a plugin (--plugin FILE)" in caught.value.hint


def test_what_the_mapping_does_not_read_of_a_python_layer_is_refused(plugin, net):
    load_plugin(plugin(SHIFT.replace("shift_of(layer.params)", "1.0")))
    with pytest.raises(UnsupportedError, match=r"python_param\.param_str"):
        map_net(load_net(net(PARAM.format("ShiftLayer", ""), kind="Python")))


def test_a_plugin_may_map_all_python_layers(plugin, net):
    load_plugin(plugin(SHIFT.replace("Python:pylayers.shift.ShiftLayer", "Python")))
    loaded = load_net(net(PARAM.format("AnyLayer", ""), kind="Python"))
    assert map_net(loaded).layers[1].layer.config["shift"] == 1.5
    [row] = [row for row in support_table() if row.caffe_type == "Python"]
    assert row.status == "plugin"


def test_a_python_layer_without_bottoms_is_mapped_where_a_plugin_knows_it(plugin, tmp_path):
    code = SHIFT.replace("bottoms=1", "bottoms=0").replace("(bottoms[0],)", "((2, 3),)")
    load_plugin(plugin(code))
    (tmp_path / "net.prototxt").write_text(
        f'layer {{ name: "s" type: "Python" top: "s" {PARAM.format("ShiftLayer", "")} }}'
    )
    [layer] = load_net(tmp_path / "net.prototxt").layers
    assert layer.type == "Python:pylayers.shift.ShiftLayer"

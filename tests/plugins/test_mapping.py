"""A plugin's layers among ours: what it reads, what it fails at, what it must not do."""

from __future__ import annotations

import numpy as np
import pytest

from caffe2keras.convert import convert, load_net
from caffe2keras.errors import PluginError, PrototxtError, UnsupportedFieldError
from caffe2keras.inspect import inspect
from caffe2keras.layer_map import map_net, support_table
from caffe2keras.plugins.loading import load_plugin, using_plugins
from caffe2keras.record import read_record
from caffe2keras.verify import verify
from caffe2keras.verify.oracle import run

SHAPE = """
@infers("Gain")
@blobs(bottoms=1)
def gain_shape(params, bottoms, tops):
    return Inferred((bottoms[0],))
"""


def mapping(body):
    return f'@maps("Gain")\ndef gain(layer):\n    {body}\n' + SHAPE


DATA = np.zeros((2, 3, 5, 4))


@pytest.mark.backend
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_a_plugins_layer_is_converted_and_verified(data_format, plugin, net, tmp_path):
    load_plugin(plugin())
    prototxt = net("gain_param { gain: -2.5 }")
    convert(prototxt, None, tmp_path / "net.h5", data_format=data_format)
    report = verify(tmp_path / "net.h5", oracle=(prototxt, None))
    assert report.ok
    assert [result.blob for result in report.results] == ["gain"]


def test_the_layers_of_an_old_net_are_found_too(plugin, tmp_path):
    load_plugin(plugin())
    (tmp_path / "old.prototxt").write_text(
        'input: "data" input_dim: 2 input_dim: 3 input_dim: 5 input_dim: 4\n'
        'layers { name: "g" type: GAIN bottom: "data" top: "g" gain_param { gain: 3 } }\n'
    )
    net = load_net(tmp_path / "old.prototxt")
    np.testing.assert_array_equal(run(net, {"data": DATA + 1})["g", 0], 3 * (DATA + 1))
    assert map_net(net).layers[1].layer.config["scale"] == 3


# Foreign fields


def test_a_foreign_field_that_the_mapping_does_not_read_is_refused_by_name(plugin, net):
    load_plugin(plugin())
    with pytest.raises(UnsupportedFieldError, match=r"gain_param\.offset = 3 \(line 5") as caught:
        map_net(load_net(net("gain_param { gain: 2 offset: 3 }")))
    assert "gain_param.gain" not in str(caught.value)
    assert caught.value.why.startswith("the plugin's mapping does not read it")


def test_a_foreign_field_that_the_oracle_does_not_read_is_refused_by_name(plugin, net):
    load_plugin(plugin())
    loaded = load_net(net("gain_param { gain: 2 offset: 3 }"))
    with pytest.raises(UnsupportedFieldError, match=r'"gain" \(Gain\): gain_param\.offset = 3'):
        run(loaded, {"data": DATA})


def test_a_foreign_message_that_nobody_reads_is_refused_whole(plugin, net):
    load_plugin(plugin())
    loaded = load_net(net("other_param { a: 1 }"))
    with pytest.raises(UnsupportedFieldError, match="other_param = "):
        map_net(loaded)
    with pytest.raises(UnsupportedFieldError, match="other_param = "):
        run(loaded, {"data": DATA})


def test_a_foreign_filler_is_how_training_starts_and_no_plugin_need_read_it(plugin, net):
    load_plugin(plugin())
    loaded = load_net(net('gain_param { gain: 2 weight_filler { type: "xavier" } }'))
    assert len(map_net(loaded).layers) == 2
    assert run(loaded, {"data": DATA + 1})["gain", 0].max() == 2


def test_a_foreign_field_of_another_type_is_told_with_its_layer(plugin, net):
    load_plugin(plugin())
    with pytest.raises(PrototxtError) as caught:
        map_net(load_net(net('gain_param { gain: "two" }')))
    assert caught.value.what == 'gain_param.gain: expected a number, received "two"'
    assert caught.value.where.endswith('net.prototxt:5, layer "gain" (Gain)')


def test_without_weights_a_plugins_arrays_are_filled_as_its_own_message_says(plugin, net):
    code = SHAPE.replace("(bottoms[0],)", "(bottoms[0],), ((3, 4), (4,))")
    load_plugin(plugin(code))
    fillers = 'weight_filler { type: "constant" value: 0.5 } bias_filler { type: "gaussian" }'
    weight, bias = load_net(net(f"gain_param {{ {fillers} }}")).layers[1].weights
    assert (weight.array == 0.5).all()
    assert len(np.unique(bias.array)) == 4
    assert not load_net(net()).layers[1].weights[0].array.any()


# Faults


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return 1 / 0", 'fails at layer "gain" (Gain): ZeroDivisionError: division by zero'),
        ("return layer.inputs[0]", "expected a Fragment, received Operand"),
        ("return None", "expected a Fragment, received NoneType"),
        ("return Fragment((), ())", "expected 1 outputs, one for each top, received 0"),
        ("return Fragment((), (FragmentInput(1),))", "an output is no tensor of the fragment"),
        (
            "return Fragment((Call(KerasLayer('ReLU', {}), (FragmentOutput(0),)),), "
            "(FragmentOutput(0),))",
            "call 0 (ReLU) reads what is not there",
        ),
        (
            "return Fragment((Call('ReLU', (FragmentInput(0),)),), (FragmentOutput(0),))",
            "call 0 is of no KerasLayer but of str",
        ),
        ("return line(KerasLayer('ReLU', {'max_value': {1}}))", "the config of ReLU is no JSON"),
        (
            "import numpy as np; "
            "return line(KerasLayer('PReLU', {}, (Variable('alpha', (4,), np.zeros(3)),)))",
            "PReLU's alpha: (3,) numbers do not fill (4,)",
        ),
        (
            "return line(KerasLayer('PReLU', {}, (layer.outputs,)))",
            "PReLU has a tuple among its variables",
        ),
        (
            "return Fragment(('ReLU',), (FragmentOutput(0),))",
            "AttributeError: 'str' object has no attribute 'layer'",
        ),
        (
            "return line(KerasLayer('ReLU', {}), layout=caffe_order(3))",
            "expected layouts of (4,) axes, one for each top, received (3,)",
        ),
        (
            "return layer.params.foreign.message('relu_param')",
            "AttributeError: relu_param is in the schema of caffe2keras",
        ),
    ],
)
def test_a_mapping_that_fails_is_told_as_the_plugins_fault(body, message, plugin, net):
    path = plugin(mapping(body))
    load_plugin(path)
    loaded = load_net(net())
    with pytest.raises(PluginError) as caught:
        map_net(loaded)
    assert message in caught.value.what
    assert "the plugin gain.py" in caught.value.what
    line = 4 if "raises" in caught.value.why else 2
    assert caught.value.where == f"{path}:{line}"
    assert "mapping gain" in caught.value.why


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return bottoms[7]", 'fails at layer "gain" (Gain): IndexError'),
        ("return bottoms[0]", "expected Inferred, received tuple"),
        ("return Inferred(bottoms[0])", "shapes are tuples of integers"),
        ("return Inferred(((2, 3.0),))", "shapes are tuples of integers"),
    ],
)
def test_a_shape_rule_that_fails_is_told_as_the_plugins_fault(body, message, plugin, net):
    load_plugin(plugin(SHAPE.replace("return Inferred((bottoms[0],))", body)))
    with pytest.raises(PluginError) as caught:
        load_net(net())
    assert message in caught.value.what
    assert "its shape rule gain_shape" in caught.value.why


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return (weights[0],)", "IndexError: weight 0 is missing; the layer has 0"),
        ("return bottoms[0]", "expected a tuple of arrays, one for each top, received ndarray"),
        ("return ()", "expected 1 arrays, one for each top, received 0"),
        ("return (bottoms[0][0],)", "top 0 has 4 axes by its shape rule, received shape (3, 5, 4)"),
    ],
)
def test_an_oracle_function_that_fails_is_told_as_the_plugins_fault(body, message, plugin, net):
    code = f'@computes("Gain")\ndef number(layer, bottoms, weights):\n    {body}\n' + SHAPE
    load_plugin(plugin(code))
    with pytest.raises(PluginError) as caught:
        run(load_net(net()), {"data": DATA})
    assert message in caught.value.what
    assert "its oracle function number" in caught.value.why


def test_a_function_for_the_layouts_must_answer_one_for_each_bottom(plugin, net):
    code = mapping("return line()").replace('@maps("Gain"', '@maps("Gain", wants=lambda *_: ()')
    load_plugin(plugin(code))
    with pytest.raises(PluginError, match=r"expected layouts of \(4,\) axes, one for each bottom"):
        map_net(load_net(net()))


def test_a_plugin_may_choose_its_layouts_by_a_function(plugin, net):
    code = mapping("assert layer.inputs[0].layout.is_caffe_order; return line()")
    wants = "wants=lambda layer, given: tuple(caffe_order(one.rank) for one in given)"
    load_plugin(plugin(code.replace('@maps("Gain"', f'@maps("Gain", {wants}')))
    assert [node.layer for node in map_net(load_net(net())).nodes] == ["data_permute"]


def test_what_a_plugin_refuses_is_refused_like_anything_else(plugin, net):
    code = mapping("raise UnsupportedFieldError(what='gain_param.mode = 3', why='it is no mode')")
    load_plugin(plugin(code))
    with pytest.raises(UnsupportedFieldError, match=r'"gain" \(Gain\): gain_param\.mode = 3'):
        map_net(load_net(net()))


# Types that something is decided by before the mappings


@pytest.mark.parametrize("kind", ["GainLoss", "GainData", "GainAccuracy", "DetectionEvaluate"])
def test_a_plugins_type_is_what_the_plugin_says_whatever_its_name(kind, plugin, net):
    path = plugin()
    path.write_text(path.read_text().replace('"Gain"', f'"{kind}"'))
    load_plugin(path)
    model = map_net(load_net(net("gain_param { gain: 2 }", kind=kind)))
    assert [named.layer.class_name for named in model.layers] == ["InputLayer", "caffe2keras>Power"]


# What is said of it


def test_the_support_table_names_the_plugin(plugin):
    with using_plugins([plugin()]):
        [row] = [row for row in support_table() if row.caffe_type == "Gain"]
    assert (row.status, row.note) == ("plugin", "by the plugin gain.py")
    assert not [row for row in support_table() if row.status == "plugin"]


def test_inspect_shows_a_plugins_layer(plugin, net):
    load_plugin(plugin())
    inspection = inspect(net("gain_param { gain: 2 }"))
    assert inspection.exit_code == 0
    assert inspection.layers[1].keras == ("caffe2keras>Power",)


def test_the_file_says_which_plugin_it_was_made_with_and_not_where_that_lay(plugin, net, tmp_path):
    path = plugin()
    loaded = load_plugin(path)
    convert(net(), None, tmp_path / "net.h5")
    [entry] = read_record(tmp_path / "net.h5").plugins
    assert (entry.name, entry.sha256, entry.layers) == ("gain.py", loaded.sha256, ())
    assert str(tmp_path).encode() not in (tmp_path / "net.h5").read_bytes()


def test_registering_without_a_file_is_remembered_by_the_module(net, tmp_path):
    from caffe2keras import plugin as words
    from caffe2keras.plugins.checks import registries
    from caffe2keras.spec import line

    try:
        words.maps("Gain")(lambda layer: line())
        words.infers("Gain")(lambda params, bottoms, tops: words.Inferred(tuple(bottoms)))
        convert(net(), None, tmp_path / "net.h5")
    finally:
        for table in registries():
            table.forget(__name__)
    [entry] = read_record(tmp_path / "net.h5").plugins
    assert entry.name == __name__

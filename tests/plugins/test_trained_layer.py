"""A plugin with learned arrays and a Keras layer of its own, in both data formats."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import caffe2keras
from caffe2keras.convert import convert
from caffe2keras.errors import PluginError
from caffe2keras.plugins.loading import forget_plugin, load_plugin
from caffe2keras.proto.caffe_pb2 import LayerParameter, NetParameter
from caffe2keras.record import read_record
from caffe2keras.verify import verify

# y[o] = sum over i of mix[o, i] * x[i] * sigmoid(beta[i] * x[i]), along the channels
SWISH = '''
import numpy as np

PARAM = "channel_swish_param"


@maps("ChannelSwish")
def channel_swish(layer: Placed) -> Fragment:
    """Swish with a learned slope for each channel, and a mixture of the channels.

    Caffe    beta (I,), mix (O, I)
    Keras    tests>ChannelSwish, beta (I,), mix (I, O)
    """
    layer.params.foreign.message(PARAM).honoured("num_output")  # the inferred shape says it
    beta, mix = layer.weights
    variables = (
        Variable("beta", beta.shape, beta.array, beta),
        Variable("mix", mix.shape[::-1], mix.array.T, mix),
    )
    config = {"axis": layer.inputs[0].keras_axis(1), "units": mix.shape[0]}
    return line(KerasLayer("tests>ChannelSwish", config, variables))


@infers("ChannelSwish")
@blobs(bottoms=1)
def channel_swish_shape(params, bottoms, tops):
    n, channels, *rest = bottoms[0]
    units = params.foreign.message(PARAM).integer("num_output")
    demand(units > 0, "num_output must be positive")
    return Inferred(((n, units, *rest),), ((channels,), (units, channels)))


@computes("ChannelSwish")
def channel_swish_in_numpy(layer, bottoms, weights):
    layer.params.foreign.message(PARAM).honoured("num_output")
    x, beta, mix = bottoms[0], weights[0].reshape(-1, 1, 1), weights[1]
    return (np.einsum("oi,nihw->nohw", mix, x / (1 + np.exp(-beta * x))),)


@keras_layers
def channel_swish_in_keras():
    import keras
    from keras import ops

    @keras.saving.register_keras_serializable(package="tests")
    class ChannelSwish(keras.Layer):
        def __init__(self, axis, units, **kwargs):
            super().__init__(**kwargs)
            self.axis, self.units = axis, units

        def build(self, input_shape):
            channels = input_shape[self.axis]
            self.beta = self.add_weight(name="beta", shape=(channels,))
            self.mix = self.add_weight(name="mix", shape=(channels, self.units))

        def call(self, inputs):
            x = ops.moveaxis(inputs, self.axis, -1)
            y = ops.matmul(x * ops.sigmoid(x * self.beta), self.mix)
            return ops.moveaxis(y, -1, self.axis)

        def compute_output_shape(self, input_shape):
            return (*input_shape[: self.axis], self.units, *input_shape[self.axis + 1 :])

        def get_config(self):
            return {**super().get_config(), "axis": self.axis, "units": self.units}
'''

NET = """
layer {
  name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 dim: 5 dim: 4 } }
}
layer {
  name: "swish" type: "ChannelSwish" bottom: "data" top: "swish"
  channel_swish_param { num_output: 6 }
}
layer { name: "pool" type: "Pooling" bottom: "swish" top: "pool"
  pooling_param { kernel_h: 2 kernel_w: 3 stride: 1 } }
"""

UNKNOWN = b"\xca\xf3\x03\x02\x08\x06"  # field 7993, a message: what the fork wrote


@pytest.fixture
def files(plugin, tmp_path):
    """The plugin, the prototxt, and a caffemodel with the parameter as the fork's wire has it."""
    prototxt, caffemodel = tmp_path / "net.prototxt", tmp_path / "net.caffemodel"
    prototxt.write_text(NET)
    random = np.random.default_rng(3)
    layer = LayerParameter(name="swish", type="ChannelSwish")
    for shape in ((3,), (6, 3)):
        blob = layer.blobs.add()
        blob.shape.dim.extend(shape)
        blob.data.extend(random.standard_normal(shape).astype(np.float32).reshape(-1).tolist())
    layer.MergeFromString(UNKNOWN)
    caffemodel.write_bytes(NetParameter(layer=[layer]).SerializeToString())
    assert UNKNOWN in caffemodel.read_bytes()
    return plugin(SWISH, "swish.py"), prototxt, caffemodel


@pytest.mark.backend
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_a_trained_layer_of_a_plugin_computes_the_oracles_numbers(data_format, files, tmp_path):
    plugin, *net = files
    load_plugin(plugin)
    report = convert(*net, tmp_path / "net.h5", data_format=data_format)
    assert report.parameters == 3 + 18
    assert not report.notes
    result = verify(tmp_path / "net.h5", oracle=tuple(net))
    assert result.ok, str(result)
    assert [one.blob for one in result.results] == ["swish", "pool"]


@pytest.mark.backend
def test_an_archive_of_keras_holds_a_plugins_layer_too(files, tmp_path):
    plugin, *net = files
    load_plugin(plugin)
    convert(*net, tmp_path / "net.keras", format="keras")
    assert verify(tmp_path / "net.keras", oracle=tuple(net)).ok
    [entry] = read_record(tmp_path / "net.keras").plugins
    assert (entry.name, entry.layers) == ("swish.py", ("tests>ChannelSwish",))


@pytest.fixture
def unknown_to_keras():
    """Keras keeps classes for good; a process that has not loaded the plugin has none."""
    keras.saving.get_custom_objects().pop("tests>ChannelSwish", None)


@pytest.mark.backend
def test_a_model_that_needs_a_plugin_names_it(files, tmp_path, unknown_to_keras):
    plugin, *net = files
    loaded = load_plugin(plugin)
    convert(*net, tmp_path / "net.h5")
    forget_plugin(loaded)
    with pytest.raises(PluginError) as caught:
        caffe2keras.load_model(tmp_path / "net.h5")
    assert caught.value.what.endswith("net.h5 needs the plugin swish.py, which is not loaded")
    assert "tests>ChannelSwish" in caught.value.why
    assert "--plugin swish.py" in caught.value.hint
    load_plugin(plugin)
    model = caffe2keras.load_model(tmp_path / "net.h5")
    assert model.predict(np.ones((7, 5, 4, 3)), verbose=0).shape == (7, 4, 2, 6)


@pytest.mark.backend
def test_a_model_that_needs_an_importable_plugin_says_what_to_install(tmp_path):
    from caffe2keras.plugins.needs import provide_keras_layers
    from caffe2keras.provenance import PluginRecord
    from caffe2keras.record import Record

    def refusal(name):
        record = Record(**dict.fromkeys(Record.__dataclass_fields__))
        object.__setattr__(record, "plugins", (PluginRecord(name, "", ("acme>Gone",)),))
        with pytest.raises(PluginError) as caught:
            provide_keras_layers(keras, record, "net.h5")
        return caught.value.hint

    assert "install the package that has the module acme.layers" in refusal("acme.layers")
    assert "run the code that registered it" in refusal("__main__")


@pytest.mark.backend
def test_verify_says_that_a_plugin_has_changed_since(files, tmp_path):
    plugin, *net = files
    load_plugin(plugin)
    convert(*net, tmp_path / "net.h5")
    plugin.write_text(plugin.read_text() + "# one line more\n")
    load_plugin(plugin)
    report = verify(tmp_path / "net.h5", oracle=tuple(net))
    assert report.ok
    assert [note for note in report.notes if note.startswith("swish.py is not the plugin")]


@pytest.mark.backend
def test_a_plugin_whose_keras_layers_cannot_be_defined_is_told(plugin, lopsided, tmp_path):
    convert(lopsided, None, tmp_path / "net.h5")
    path = plugin("@keras_layers\ndef layers():\n    raise RuntimeError('no luck')\n")
    load_plugin(path)
    with pytest.raises(PluginError) as caught:
        caffe2keras.load_model(tmp_path / "net.h5")
    assert caught.value.what == (
        "the plugin gain.py cannot define its Keras layers: RuntimeError: no luck"
    )
    assert caught.value.where == f"{path}:4"


@pytest.mark.backend
def test_a_plugin_may_define_its_keras_layers_at_once(plugin, net, tmp_path):
    load_plugin(
        plugin(
            """
import keras


@keras.saving.register_keras_serializable(package="tests")
class Halved(keras.Layer):
    def call(self, inputs):
        return inputs / 2


@maps("Gain")
def gain(layer):
    return line(KerasLayer("tests>Halved", {}))


@infers("Gain")
def gain_shape(params, bottoms, tops):
    return Inferred((bottoms[0],))
"""
        )
    )
    convert(net(), None, tmp_path / "net.h5")
    model = caffe2keras.load_model(tmp_path / "net.h5")
    assert (model.predict(np.ones((2, 5, 4, 3)), verbose=0) == 0.5).all()

import json
from pathlib import Path

import pytest

from caffe2keras.errors import InputError
from caffe2keras.inspect import inspect


@pytest.fixture
def inspected(tmp_path):
    """Inspect a net of one input (2, 3, 9, 7) and these layers."""

    def write(*layers):
        path = tmp_path / "net.prototxt"
        head = 'name: "net" input: "data" input_shape { dim: 2 dim: 3 dim: 9 dim: 7 }'
        path.write_text("\n".join([head, *layers]))
        return inspect(path)

    return write


def test_a_layer_is_shown_with_shapes_parameters_costs_and_keras(lopsided):
    layers = {layer.name: layer for layer in inspect(lopsided).layers}
    conv = layers["conv"]
    assert [(blob.name, blob.shape) for blob in conv.bottoms] == [("data", (2, 3, 11, 8))]
    assert [(blob.name, blob.shape) for blob in conv.tops] == [("conv", (2, 7, 6, 5))]
    assert conv.parameters == 7 * 3 * 2 * 4 + 7
    assert conv.macs == (2 * 7 * 6 * 5) * (3 * 2 * 4)
    assert conv.keras[-1] == "Conv2D"
    assert layers["relu"].keras == ("ReLU",)
    assert layers["relu"].macs == layers["relu"].parameters == 0


@pytest.mark.parametrize(
    ("layer", "macs"),
    [
        # 2 images, 6 channels of 7 x 6 positions, each a sum over one channel of 3 and 3 x 2
        ('type: "Convolution" convolution_param { num_output: 6 group: 3 kernel_h: 3 kernel_w: 2 }',
         2 * 6 * 7 * 6 * 1 * 3 * 2),
        # every one of 2 x 3 x 9 x 7 numbers is spread over 4 channels and 2 x 3 positions
        ('type: "Deconvolution" convolution_param { num_output: 4 kernel_h: 2 kernel_w: 3 }',
         2 * 3 * 9 * 7 * 4 * 2 * 3),
        ('type: "InnerProduct" inner_product_param { num_output: 11 }', 2 * 11 * (3 * 9 * 7)),
        ('type: "InnerProduct" inner_product_param { num_output: 11 transpose: true }',
         2 * 11 * (3 * 9 * 7)),
        ('type: "InnerProduct" inner_product_param { num_output: 11 axis: 3 }',
         2 * 3 * 9 * 11 * 7),
        ('type: "Pooling" pooling_param { kernel_size: 2 }', 0),
    ],
)  # fmt: skip
def test_multiplications_are_counted_from_the_shapes(inspected, layer, macs):
    seen = inspected(f'layer {{ name: "op" bottom: "data" top: "op" {layer} }}')
    assert seen.layers[-1].macs == macs
    assert seen.macs == macs


def test_a_shared_array_is_counted_once(inspected):
    param = "inner_product_param { num_output: 5 bias_term: false }"
    ip = f'type: "InnerProduct" bottom: "data" {param}'
    seen = inspected(
        f'layer {{ name: "a" top: "a" param {{ name: "w" }} {ip} }}',
        f'layer {{ name: "b" top: "b" param {{ name: "w" }} {ip} }}',
    )
    assert [layer.parameters for layer in seen.layers] == [0, 5 * 3 * 9 * 7, 0]
    assert seen.parameters == 5 * 3 * 9 * 7
    assert seen.layers[-1].keras == seen.layers[-2].keras


def test_joined_layers_are_one_line(inspected):
    seen = inspected(
        'layer { name: "bn" type: "BatchNorm" bottom: "data" top: "bn" }',
        'layer { name: "scale" type: "Scale" bottom: "bn" top: "bn" '
        "scale_param { bias_term: true } }",
    )
    joined = seen.layers[-1]
    assert (joined.name, joined.type) == ("bn + scale", "BatchNorm + Scale")
    assert joined.keras == ("BatchNormalization",)
    assert joined.parameters == 3 + 3 + 1 + 3 + 3


UNSUPPORTED = (
    'layer { name: "relu" type: "ReLU" bottom: "data" top: "relu" }',
    'layer { name: "magic" type: "Magic" bottom: "relu" top: "magic" }',
    'layer { name: "more" type: "Magic" bottom: "relu" top: "more" }',
    'layer { name: "behind" type: "ReLU" bottom: "magic" top: "behind" }',
    'layer { name: "python" type: "Python" bottom: "data" top: "python" }',
)


def test_everything_unsupported_is_told_at_once(inspected):
    seen = inspected(*UNSUPPORTED)
    assert seen.unsupported == {"Magic": 2, "Python": 1}
    assert seen.exit_code == 5
    assert seen.refusal.startswith("3 layers cannot be converted")
    layers = {layer.name: layer for layer in seen.layers}
    assert "no layer of this type is known here" in layers["magic"].refusal
    assert layers["relu"].keras == ("ReLU",)
    assert layers["behind"].waiting
    assert layers["behind"].tops[0].shape is None
    assert layers["behind"].macs is None


def test_layers_behind_a_refused_one_of_known_shape_are_looked_at(inspected):
    seen = inspected(
        'layer { name: "pool" type: "Pooling" bottom: "data" top: "pool" '
        "pooling_param { kernel_size: 3 magic: 7 } }",
        'layer { name: "relu" type: "ReLU" bottom: "pool" top: "relu" }',
        'layer { name: "same" type: "Concat" bottom: "pool" top: "same" }',
    )
    pool, relu, same = seen.layers[1:]
    assert pool.refusal
    assert pool.keras == ()
    assert relu.keras == ("ReLU",)
    assert not relu.waiting
    assert same.keras == ()


def test_a_net_that_converts_is_exit_code_zero(lopsided):
    seen = inspect(lopsided)
    assert seen.exit_code == 0
    assert seen.unsupported == {}
    assert seen.refusal == ""


def test_the_table_reads_well(lopsided, inspected, golden, monkeypatch, tmp_path):
    golden("inspect/lopsided", inspect(lopsided).render() + "\n")
    text = inspected(*UNSUPPORTED).render()
    golden("inspect/unsupported", text.replace(f"{tmp_path}/", "") + "\n")


def test_json_is_the_whole_table(inspected):
    value = json.loads(json.dumps(inspected(*UNSUPPORTED).to_json(), allow_nan=False))
    assert [layer["name"] for layer in value["layers"]] == [
        "input", "relu", "magic", "more", "behind", "python",
    ]  # fmt: skip
    assert value["layers"][1]["tops"] == [{"name": "relu", "shape": [2, 3, 9, 7]}]
    assert value["layers"][4]["waiting"] is True
    assert value["unsupported"] == {"Magic": 2, "Python": 1}


def test_weights_that_do_not_fit_are_an_error(lopsided, digits):
    with pytest.raises(InputError):
        inspect(lopsided, digits / "digits.caffemodel")
    seen = inspect(digits / "deploy.prototxt", digits / "digits.caffemodel")
    assert seen.parameters == 6586


RECURRENT = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 4 dim: 3 dim: 5 } } }
layer { name: "cont" type: "Input" top: "cont" input_param { shape { dim: 4 dim: 3 } } }
layer {
  name: "memory" type: "LSTM" bottom: "x" bottom: "cont" top: "y"
  recurrent_param { num_output: 2 }
}
"""


@pytest.mark.parametrize(
    ("options", "keras", "note"),
    [
        ({}, "caffe2keras>CaffeLSTM", ""),
        ({"assume_full_sequences": True}, "LSTM", "as you said"),
        ({"stateful": True}, "caffe2keras>CaffeLSTM", "its state is kept"),
    ],
    ids=["nothing", "full sequences", "stateful"],
)
def test_what_is_said_of_sequences_shows(tmp_path, options, keras, note):
    path = tmp_path / "net.prototxt"
    path.write_text(RECURRENT)
    seen = inspect(path, **options)
    assert seen.layers[-1].keras == (keras,)
    assert [one.text for one in seen.notes if note in one.text] or not note


def test_the_batch_axis_may_be_said(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_text(RECURRENT)
    with pytest.raises(InputError, match="a batch axis"):
        inspect(path, batch_axes={"y": 1})
    assert inspect(path, batch_axes={"x": 1}).layers[-1].keras == ("caffe2keras>CaffeLSTM",)


def test_steps_may_be_kept_in_sight():
    case = Path(__file__).parent / "fixtures" / "layers" / "unrolled_lstm-000"
    rolled, kept = (
        inspect(case / "net.prototxt", recurrent=recurrent) for recurrent in ("roll", "keep")
    )
    assert [layer.type for layer in rolled.layers].count("LSTM") == 1
    assert len(kept.layers) > 20
    assert "LSTM" not in [layer.type for layer in kept.layers]


def test_a_net_that_is_to_be_trained_shows_what_measures_it(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_text(
        'input: "data" input_shape { dim: 4 dim: 3 } input: "label" input_shape { dim: 4 }'
        'layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"'
        "  inner_product_param { num_output: 5 } }"
        'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }'
        'layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy"'
        "  include { phase: TEST } }"
    )
    assert [layer.name for layer in inspect(path, phase="TRAIN").layers][-1] == "accuracy"

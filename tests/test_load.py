import sys
import warnings

import numpy as np
import pytest

from caffe2keras.backend import import_keras
from caffe2keras.convert import convert
from caffe2keras.errors import InputError
from caffe2keras.load import load_model

pytestmark = pytest.mark.backend


@pytest.fixture
def model(lopsided, tmp_path):
    return convert(lopsided, output=tmp_path / "lopsided.h5").output


def images(n, c, h, w):
    """(N, H, W, C), all different."""
    return np.linspace(-1, 1, n * c * h * w, dtype=np.float32).reshape(n, h, w, c)


def test_a_converted_file_becomes_a_keras_model(model):
    loaded = load_model(model)
    assert loaded.input_shape == (None, 11, 8, 3)
    assert loaded.predict_on_batch(images(6, 3, 11, 8)).shape == (6, 5)


def test_a_lone_input_and_a_lone_output_are_no_lists(model):
    loaded = load_model(model)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        called = loaded(images(2, 3, 11, 8), training=False)
    assert called.shape == (2, 5)
    assert loaded.name == "lopsided"


def test_our_layers_and_old_spellings_load_without_a_warning(tmp_path):
    net = tmp_path / "leaky.prototxt"
    net.write_text(
        'input: "data" input_shape { dim: 1 dim: 3 dim: 5 dim: 4 }\n'
        'layer { name: "r" type: "ReLU" bottom: "data" top: "r" '
        "relu_param { negative_slope: 0.3 } }"
        'layer { name: "n" type: "LRN" bottom: "r" top: "n" }'
    )
    path = convert(net, output=tmp_path / "leaky.h5").output
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = load_model(path)
    assert [type(layer).__name__ for layer in loaded.layers] == ["InputLayer", "LeakyReLU", "LRN"]


def test_a_net_deeper_than_python_recurses_loads_whole(tmp_path):
    depth = sys.getrecursionlimit() + 200
    net = tmp_path / "chain.prototxt"
    net.write_text(
        'input: "b0" input_shape { dim: 2 dim: 3 }\n'
        + "".join(
            f'layer {{ name: "l{i}" type: "Power" bottom: "b{i}" top: "b{i + 1}" '
            "power_param { shift: 0.5 } }\n"
            for i in range(depth)
        )
    )
    path = convert(net, output=tmp_path / "chain.h5").output
    numbers = np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3)
    np.testing.assert_allclose(
        load_model(path).predict_on_batch(numbers), numbers + depth / 2, rtol=1e-6
    )
    assert sys.getrecursionlimit() == depth - 200


def test_other_heights_and_widths_give_the_same_numbers_where_they_overlap(resizable, tmp_path):
    path = convert(resizable, output=tmp_path / "net.h5").output
    small, large = images(1, 3, 11, 8), images(1, 3, 11, 8)
    large = np.concatenate([large, images(1, 3, 11, 9)[:, :, ::-1]], axis=2)
    loaded = load_model(path, {"data": (1, 3, 11, 17)})
    assert loaded.input_shape == (1, 11, 17, 3)
    ours = loaded.predict_on_batch(large)
    theirs = load_model(path).predict_on_batch(small)
    np.testing.assert_allclose(ours[:, :, :2], theirs[:, :, :2], rtol=1e-5, atol=1e-6)


def test_an_axis_may_stay_open(resizable, tmp_path):
    path = convert(resizable, output=tmp_path / "net.h5").output
    loaded = load_model(path, {"data": (None, 3, 13, 9)})
    assert loaded.input_shape == (None, 13, 9, 3)


def test_a_batch_size_may_be_set_for_any_net(model):
    assert load_model(model, {"data": (6, 3, 11, 8)}).input_shape == (6, 11, 8, 3)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ({"image": (1, 3, 11, 8)}, 'the net has no input "image"'),
        ({"data": (1, 3, 11)}, "it has 4 axes"),
        ({"data": (1, 3, 11, 9)}, "axis 3 is fixed"),
        ({"data": (1, 4, 11, 8)}, "axis 1 is fixed"),
    ],
)
def test_a_shape_that_the_net_was_not_converted_for_is_refused(model, shapes, message):
    with pytest.raises(InputError) as caught:
        load_model(model, shapes)
    assert message in str(caught.value)


def test_the_refusal_names_the_option_that_helps(model):
    with pytest.raises(InputError) as caught:
        load_model(model, {"data": (None, 3, 20, 30)})
    assert caught.value.hint == "convert it again with --input-shape data=1,3,20,30"


def test_a_file_that_is_not_there_is_said_to_be_so(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load_model(tmp_path / "nothing.h5")


def test_a_file_that_keras_cannot_read_is_an_input_error(tmp_path):
    path = tmp_path / "model.h5"
    path.write_bytes(b"not a model")
    with pytest.raises(InputError, match="Keras cannot load"):
        load_model(path)


@pytest.mark.skipif(import_keras().backend.backend() != "openvino", reason="is about OpenVINO")
def test_openvino_predicts_in_float32_and_keeps_its_own_settings(model):
    import openvino

    before = openvino.compile_model
    loaded = load_model(model)
    loaded.predict(images(2, 3, 11, 8), verbose=0)
    assert loaded.ov_compiled_model.get_property("INFERENCE_PRECISION_HINT") == openvino.Type.f32
    assert openvino.compile_model is before

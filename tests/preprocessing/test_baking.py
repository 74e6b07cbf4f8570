"""What is done to pictures: told, kept or baked in, and undone where blobs are compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from caffe2keras.convert import convert
from caffe2keras.errors import InputError
from caffe2keras.load import load_model
from caffe2keras.preprocessing import Preprocessing
from caffe2keras.record import read_record
from caffe2keras.verify import verify

RECORDED = Path(__file__).parents[1] / "fixtures" / "pictures"
MEAN = np.random.default_rng(3).uniform(80, 130, (3, 15, 12)).astype("float32")

NET = """
layer { name: "data" type: "Data" top: "data" top: "label" data_param { batch_size: 4 }
  transform_param { %s crop_size: 9 mirror: true } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 5 kernel_h: 3 kernel_w: 2 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "sum" type: "Power" bottom: "data" top: "twice" power_param { scale: 2 } }
"""
TRANSFORM = "scale: 0.25 mean_value: 104 mean_value: 117 mean_value: 123.5"


@pytest.fixture
def net(tmp_path):
    def write(transform: str = TRANSFORM) -> Path:
        path = tmp_path / "net.prototxt"
        path.write_text(NET % transform)
        return path

    return write


@pytest.fixture
def converted(net, tmp_path):
    def run(told, transform=TRANSFORM, **options):
        output = tmp_path / "net.h5"
        return convert(net(transform), output=output, preprocessing=told, **options)

    return run


@pytest.mark.backend
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize(
    "told",
    [
        Preprocessing(),
        Preprocessing(channel_order="rgb"),
        Preprocessing(mean=MEAN, channel_order="rgb"),
        Preprocessing(mean=50.0, scale=2.0, resize=(20, 30)),
        Preprocessing(mean=(1.0, 2.0, 3.0)),
    ],
)
def test_a_model_with_baked_in_steps_verifies(told, data_format, converted, net):
    report = converted(told, data_format=data_format)
    proof = verify(report.output, oracle=(net(), None))
    assert proof.ok, str(proof)
    assert [result.blob for result in proof.results] == ["data", "conv", "twice"]


@pytest.mark.backend
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_baked_in_steps_do_what_caffe_does(data_format, converted):
    told = Preprocessing(mean=MEAN, channel_order="rgb")
    model = load_model(converted(told, data_format=data_format).output)
    rgb = np.random.default_rng(5).integers(256, size=(2, 9, 9, 3)).astype("float32")
    fed = rgb if data_format == "channels_last" else rgb.transpose(0, 3, 1, 2)
    _, twice = model.predict_on_batch(fed)
    twice = twice if data_format == "channels_last" else twice.transpose(0, 2, 3, 1)
    mean = MEAN[:, 3:12, 1:10].transpose(1, 2, 0)
    expected = 2 * 0.25 * (rgb[..., ::-1] - mean)
    np.testing.assert_allclose(twice, expected, rtol=1e-5, atol=2e-5)


def test_steps_that_are_baked_in_are_not_trained(converted):
    model = load_model(converted(Preprocessing(mean=MEAN)).output)
    assert {weight.path for weight in model.trainable_weights} == {"conv/kernel", "conv/bias"}
    assert model.get_layer("data_mean").beta.shape == (9, 9, 3)


def test_without_baking_the_file_only_remembers(converted):
    report = converted(None)
    steps = read_record(report.output).preprocessing
    assert steps.mean == (104.0, 117.0, 123.5)
    assert (steps.scale, steps.channel_order, steps.resize) == (0.25, "bgr", (9, 9))
    assert steps.layers == ()
    assert report.layers == converted(Preprocessing()).layers - 1


def test_a_net_that_says_nothing_remembers_nothing(converted):
    assert read_record(converted(None, transform="").output).preprocessing is None


def test_what_the_user_says_goes_before_the_prototxt(converted):
    steps = read_record(converted(Preprocessing(mean=7.0)).output).preprocessing
    assert (steps.mean, steps.scale) == ((7.0, 7.0, 7.0), 0.25)
    assert steps.layers == ("data_preprocessing",)


def test_a_mean_file_is_found_beside_the_prototxt(tmp_path, converted):
    np.save(tmp_path / "mean.npy", MEAN)
    transform = 'scale: 0.25 mean_file: "data/somewhere/mean.npy"'
    steps = read_record(converted(Preprocessing(), transform).output).preprocessing
    assert (steps.mean, steps.mean_file, steps.resize) == ((), "mean.npy", (15, 12))
    assert steps.layers == ("data_preprocessing", "data_mean")


def test_a_missing_mean_file_is_told_and_asked_for_where_it_is_needed(converted):
    transform = 'mean_file: "mean.binaryproto"'
    [note] = [n for n in converted(None, transform).notes if "mean_file" in n.subject]
    assert "--mean tells it" in note.text
    with pytest.raises(InputError, match=r"there is no mean file mean\.binaryproto"):
        converted(Preprocessing(), transform)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (Preprocessing(mean=(1.0, 2.0)), "2 means for an image of 3 channels"),
        (Preprocessing(mean=MEAN[:, :8]), r"the mean image is \(3, 8, 12\)"),
        (Preprocessing(mean=MEAN[:2]), r"the mean image is \(2, 15, 12\)"),
        (Preprocessing(resize=(8, 20)), "8 x 20 are smaller than the net's input, 9 x 9"),
    ],
)
def test_steps_that_do_not_fit_are_refused(told, message, converted):
    with pytest.raises(InputError, match=message):
        converted(told)


def test_a_file_that_is_no_mean_is_refused(tmp_path, converted):
    np.save(tmp_path / "m.npy", MEAN[0])
    with pytest.raises(InputError, match="holds no mean"):
        converted(Preprocessing(mean=tmp_path / "m.npy"))


def test_pictures_can_be_told_of_nets_that_take_one(tmp_path):
    two = tmp_path / "two.prototxt"
    two.write_text(
        'input: "a" input_shape { dim: 2 dim: 3 dim: 5 dim: 4 }\n'
        'input: "b" input_shape { dim: 2 dim: 3 dim: 5 dim: 4 }\n'
        'layer { name: "s" type: "Eltwise" bottom: "a" bottom: "b" top: "s" }\n'
    )
    with pytest.raises(InputError, match='the net takes 2 images: "a", "b"'):
        convert(two, output=tmp_path / "two.h5", preprocessing=Preprocessing(mean=3.0))


def test_what_is_not_kept_of_several_images_is_told(tmp_path):
    two = tmp_path / "two.prototxt"
    two.write_text(
        "".join(
            f'layer {{ name: "{name}" type: "Data" top: "{name}" data_param {{ batch_size: 2 }}\n'
            "  transform_param { scale: 0.5 crop_size: 5 } }\n"
            for name in "ab"
        )
        + 'layer { name: "s" type: "Eltwise" bottom: "a" bottom: "b" top: "s" }\n'
    )
    notes = convert(two, output=tmp_path / "two.h5").notes
    told = [note.subject for note in notes if note.kind == "left over"]
    assert told == ['transform_param of layer "a"', 'transform_param of layer "b"']


def test_grey_pictures_have_no_channel_order(tmp_path):
    grey = tmp_path / "grey.prototxt"
    grey.write_text(
        'input: "a" input_shape { dim: 2 dim: 1 dim: 5 dim: 4 }\n'
        'layer { name: "s" type: "AbsVal" bottom: "a" top: "s" }\n'
    )
    with pytest.raises(InputError, match="has 1 channels, and RGB images have 3"):
        convert(grey, output=tmp_path / "x.h5", preprocessing=Preprocessing(channel_order="rgb"))

"""Pictures are classified as Caffe's own ImageData layer and net classify them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from caffe2keras.convert import convert
from caffe2keras.errors import InputError
from caffe2keras.predict import classify, read_labels
from caffe2keras.predict.pictures import read_picture, resized
from caffe2keras.preprocessing import Preprocessing
from caffe2keras.preprocessing.means import read_mean

RECORDED = Path(__file__).parents[1] / "fixtures" / "pictures"
DIGITS = Path(__file__).parents[2] / "examples" / "digits"
DIGITS_SHOWN = (RECORDED / "digits.txt").read_text().splitlines()
PICTURES = sorted(RECORDED.glob("picture-*.png"))

pytest.importorskip("PIL", reason="pictures are read with Pillow, an extra")


@pytest.fixture(params=[Preprocessing(), Preprocessing(channel_order="rgb")])
def model(request, tmp_path):
    files = RECORDED / "net.prototxt", RECORDED / "net.caffemodel", tmp_path / "net.h5"
    shapes = {"data": (3, 3, 14, 14)}
    return convert(*files, input_shapes=shapes, preprocessing=request.param).output


@pytest.mark.backend
def test_resized_cropped_and_prepared_pictures_get_caffes_probabilities(model):
    expected = np.load(RECORDED / "blobs.npz")["output/prob"]
    found = classify(model, PICTURES, top=5)
    for guesses, scores in zip(found, expected, strict=True):
        assert [guess.index for guess in guesses] == list(np.argsort(-scores)[:5])
        best = np.sort(scores)[::-1][:5]
        np.testing.assert_allclose([g.score for g in guesses], best, rtol=1e-5, atol=1e-6)


@pytest.mark.backend
@pytest.mark.parametrize("told", [None, Preprocessing()])
def test_a_trained_net_gives_caffes_five_best(told, tmp_path):
    shapes = {"data": (1, 1, 8, 8)}
    net = RECORDED / "digits.prototxt", DIGITS / "digits.caffemodel", tmp_path / "digits.h5"
    model = convert(*net, input_shapes=shapes, preprocessing=told).output
    pictures = [RECORDED / line.split()[0] for line in DIGITS_SHOWN]
    expected = np.load(RECORDED / "digits.npz")["output/prob"]
    for guesses, scores in zip(classify(model, pictures), expected, strict=True):
        assert [guess.index for guess in guesses] == list(np.argsort(-scores)[:5])
        best = np.sort(scores)[::-1][:5]
        np.testing.assert_allclose([g.score for g in guesses], best, rtol=1e-4, atol=1e-6)


@pytest.fixture
def digits(tmp_path):
    return convert(DIGITS / "deploy.prototxt", output=tmp_path / "digits.h5").output


def test_guesses_carry_the_names_of_their_classes(digits):
    names = tuple(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
    [guesses] = classify(digits, [RECORDED / "digit-3.png"], labels=names, top=3)
    assert [guess.label for guess in guesses] == [names[guess.index] for guess in guesses]
    assert len(guesses) == 3
    with pytest.raises(InputError, match="2 labels, and the net knows 10 classes"):
        classify(digits, [RECORDED / "digit-3.png"], labels=names[:2])


def test_a_file_that_knows_nothing_of_pictures_says_so(digits):
    notes = []
    classify(digits, [RECORDED / "digit-3.png"], tell=notes.append)
    [note] = notes
    assert note.kind == "warning"
    assert "does not say how pictures are prepared" in note.text


def test_more_pictures_than_go_at_once_are_all_answered(digits):
    names = [RECORDED / f"digit-{n}.png" for n in (3, 17, 58)] * 7
    found = classify(digits, names, top=1)
    assert [guess.index for (guess,) in found] == [guess.index for (guess,) in found[:3]] * 7


def test_a_mean_image_that_is_not_baked_in_is_asked_for(tmp_path):
    files = RECORDED / "net.prototxt", RECORDED / "net.caffemodel", tmp_path / "net.h5"
    model = convert(*files, input_shapes={"data": (3, 3, 14, 14)}).output
    with pytest.raises(InputError, match=r"mean image mean\.binaryproto is not in the model"):
        classify(model, PICTURES)


NETS = {
    'input: "a" input_shape { dim: 2 dim: 3 }\n'
    'layer { name: "s" type: "AbsVal" bottom: "a" top: "s" }': "only a net that takes one image",
    'input: "a" input_shape { dim: 2 dim: 3 dim: 5 dim: 4 }\n'
    'layer { name: "s" type: "AbsVal" bottom: "a" top: "s" }': "no output that is a list",
    'input: "a" input_shape { dim: 2 dim: 5 dim: 5 dim: 4 }\n'
    'layer { name: "s" type: "Reduction" bottom: "a" top: "s" reduction_param { axis: 2 } }': (
        "the net takes 5 channels"
    ),
}


@pytest.mark.parametrize(("text", "message"), NETS.items())
def test_nets_that_classify_no_pictures_are_refused(text, message, tmp_path):
    (tmp_path / "net.prototxt").write_text(text)
    model = convert(tmp_path / "net.prototxt", output=tmp_path / "net.h5").output
    with pytest.raises(InputError, match=message):
        classify(model, PICTURES)


def test_files_that_are_no_pictures_are_refused(tmp_path, digits):
    (tmp_path / "words.png").write_text("no picture")
    with pytest.raises(InputError, match=r"words\.png is no picture"):
        classify(digits, [tmp_path / "words.png"])
    with pytest.raises(InputError, match=r"nothing\.png"):
        classify(digits, [tmp_path / "nothing.png"])


def test_pictures_come_upright_in_red_green_and_blue(tmp_path):
    from PIL import Image

    image = Image.new("RGBA", (5, 3), (10, 20, 30, 128))
    image.putpixel((4, 0), (200, 100, 50, 255))
    exif = image.getexif()
    exif[0x0112] = 6  # turned by a quarter: shown with the first row at the right
    image.save(tmp_path / "turned.png", exif=exif)
    picture = read_picture(tmp_path / "turned.png", 3)
    assert picture.shape == (3, 5, 3)
    np.testing.assert_array_equal(picture[:, 4, 2], [200, 100, 50])
    assert read_picture(tmp_path / "turned.png", 1).shape == (1, 5, 3)


def test_resizing_gives_the_bytes_that_caffe_read():
    blobs = np.load(RECORDED / "blobs.npz")["input/data"]
    mean = read_mean(RECORDED / "mean.binaryproto")[:, 2:16, 3:17]
    for path, blob in zip(PICTURES, blobs, strict=True):
        picture = resized(read_picture(path, 3), 18, 20)[::-1, 2:16, 3:17]
        np.testing.assert_array_equal(picture, np.rint(blob / 0.02 + mean))


def test_resizing_looks_at_the_nearest_pixels_alone():
    row = np.array([[[0.0, 100, 200, 40]]], "float32")
    np.testing.assert_array_equal(resized(row, 1, 2), [[[50, 120]]])
    np.testing.assert_array_equal(resized(row, 2, 8)[0, 1], [0, 25, 75, 125, 175, 160, 80, 40])


def test_labels_are_one_name_a_line(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_text("n01440764 tench, Tinca tinca\n\nn02 goldfish\n\n\n", encoding="utf-8-sig")
    assert read_labels(path) == ("n01440764 tench, Tinca tinca", "", "n02 goldfish")
    path.write_text("\n")
    with pytest.raises(InputError, match="names no class"):
        read_labels(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="is no text"):
        read_labels(path)
    with pytest.raises(InputError):
        read_labels(tmp_path / "none.txt")

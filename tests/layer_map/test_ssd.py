"""SSD's layers where the recorded heads say nothing: fields, odd shapes, refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from caffe2keras.convert import convert, load_net
from caffe2keras.errors import UnsupportedError
from caffe2keras.layer_map import map_net
from caffe2keras.load import load_model
from caffe2keras.record import read_record
from caffe2keras.spec import KerasModel
from caffe2keras.verify import verify


def an_input(name: str, *shape: int) -> str:
    dims = " ".join(f"dim: {extent}" for extent in shape)
    return (
        f'layer {{ name: "{name}" type: "Input" top: "{name}" '
        f"input_param {{ shape {{ {dims} }} }} }}\n"
    )


def normalize(param: str, tops: str = 'top: "n"') -> str:
    return f'layer {{ name: "n" type: "Normalize" bottom: "x" {tops} {param} }}\n'


def prior_box(param: str) -> str:
    return (
        'layer { name: "p" type: "PriorBox" bottom: "x" bottom: "image" top: "p" '
        f"prior_box_param {{ {param} }} }}\n"
    )


def detection(param: str, more: str = "") -> str:
    return (
        'layer { name: "d" type: "DetectionOutput" bottom: "places" bottom: "scores" '
        f'bottom: "priors" {more} top: "d" detection_output_param {{ {param} }} }}\n'
    )


def prototxt(folder: Path, text: str) -> Path:
    path = folder / "net.prototxt"
    path.write_text(text)
    return path


def mapped(folder: Path, text: str) -> KerasModel:
    return map_net(load_net(prototxt(folder, text)))


def check(
    folder: Path, text: str, data_format: str = "channels_last", **inputs: np.ndarray
) -> Path:
    path = prototxt(folder, text)
    report = convert(path, None, folder / "net.h5", data_format=data_format)
    result = verify(report.output, oracle=(path, None), inputs=inputs)
    assert result.ok, str(result)
    return report.output


@pytest.mark.backend
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("shape", [(2, 5, 3, 4), (2, 5)])
@pytest.mark.parametrize("spatial", ["true", "false"])
@pytest.mark.parametrize("shared", ["true", "false"])
def test_a_norm_with_a_scale_is_ssds(shape, spatial, shared, data_format, tmp_path):
    filler = 'scale_filler { type: "gaussian" std: 2 }'
    param = f"across_spatial: {spatial} channel_shared: {shared} eps: 0.25 {filler}"
    check(tmp_path, an_input("x", *shape) + normalize(f"norm_param {{ {param} }}"), data_format)


@pytest.mark.backend
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("shape", [(2, 5, 3, 4), (2, 5, 3), (2, 5)])
@pytest.mark.parametrize("kind", ["L1", "L2"])
@pytest.mark.parametrize("tops", ['top: "n"', 'top: "n" top: "norm"'])
def test_a_norm_without_a_scale_is_happynears(shape, kind, tops, data_format, tmp_path):
    param = f'normalize_param {{ normalize_type: "{kind}" fix_gradient: true }}'
    check(tmp_path, an_input("x", *shape) + normalize(param, tops), data_format)


@pytest.mark.backend
@pytest.mark.parametrize("kind", ["L1", "L2"])
@pytest.mark.parametrize("shape", [(2, 5, 1, 1), (2, 5)])
def test_the_first_home_of_happynears_norm_is_read(shape, kind, tmp_path):
    param = f'softmax_param {{ normalize_type: "{kind}" }}'
    check(tmp_path, an_input("x", *shape) + normalize(param), "channels_last")


def test_where_its_two_homes_differ_the_first_is_refused(tmp_path):
    with pytest.raises(UnsupportedError, match="one norm of a whole image"):
        param = 'softmax_param { normalize_type: "L2" }'
        mapped(tmp_path, an_input("x", 2, 5, 3, 4) + normalize(param))


def test_another_norm_is_refused(tmp_path):
    with pytest.raises(UnsupportedError, match="L3"):
        param = 'normalize_param { normalize_type: "L3" }'
        mapped(tmp_path, an_input("x", 2, 5) + normalize(param))


IMAGES = an_input("x", 2, 5, 3, 4) + an_input("image", 2, 3, 48, 80)


@pytest.mark.backend
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize(
    "param",
    [
        "min_size: 20.9",
        "min_size: 20 min_size: 31 max_size: 33 max_size: 50.5 aspect_ratio: 2 aspect_ratio: 3",
        "min_size: 20 aspect_ratio: 1 aspect_ratio: 2 aspect_ratio: 0.5 flip: false variance: 0.3",
        "min_size: 30 clip: true variance: 0.1 variance: 0.2 variance: 0.3 variance: 0.4",
        "min_size: 9 img_h: 60 img_w: 90 step_h: 14 step_w: 17.5 offset: 0.25",
        "min_size: 9 img_size: 70 step: 11",
    ],
)
def test_priors_are_laid_out_as_every_field_says(param, data_format, tmp_path):
    check(tmp_path, IMAGES + prior_box(param), data_format)


@pytest.mark.backend
def test_priors_follow_the_size_of_the_image(tmp_path):
    path = prototxt(tmp_path, IMAGES + prior_box("min_size: 20 max_size: 40 aspect_ratio: 2"))
    report = convert(path, None, tmp_path / "net.h5")
    x, image = np.zeros((2, 5, 6, 7), np.float32), np.zeros((2, 3, 90, 70), np.float32)
    result = verify(report.output, oracle=(path, None), inputs={"x": x, "image": image})
    assert result.ok, str(result)


def test_priors_of_what_is_no_image_are_refused(tmp_path):
    with pytest.raises(UnsupportedError, match="height and width"):
        text = an_input("x", 2, 5, 3) + an_input("image", 2, 3, 48, 80)
        mapped(tmp_path, text + prior_box("min_size: 9"))


PRIORS, CLASSES = 30, 4
NMS = "nms_param { nms_threshold: 0.4 top_k: 12 }"


def head(share: bool = True) -> str:
    places = PRIORS * 4 * (1 if share else CLASSES)
    scores = an_input("scores", 2, PRIORS * CLASSES)
    return an_input("places", 2, places) + scores + an_input("priors", 1, 2, PRIORS * 4)


@pytest.fixture
def priors() -> np.ndarray:
    rng = np.random.default_rng(5)
    centre, half = rng.uniform(size=(PRIORS, 2)), rng.uniform(0.05, 0.3, size=(PRIORS, 2))
    corners = np.concatenate([centre - half, centre + half], axis=1)
    variances = np.tile([0.1, 0.1, 0.2, 0.2], (PRIORS, 1))
    return np.stack([corners, variances]).reshape(1, 2, -1).astype(np.float32)


@pytest.mark.backend
@pytest.mark.parametrize(
    "param",
    [
        f"code_type: CENTER_SIZE keep_top_k: 9 confidence_threshold: 0.2 {NMS}",
        f"code_type: CORNER keep_top_k: 100 {NMS}",
        f"code_type: CORNER_SIZE variance_encoded_in_target: true {NMS}",
        f"share_location: false background_label_id: 2 keep_top_k: 9 {NMS}",
        "background_label_id: -1 nms_param { nms_threshold: 0.9 eta: 0.8 }",
        f"share_location: false background_label_id: -1 code_type: CENTER_SIZE {NMS}",
        "confidence_threshold: 9",
    ],
)
def test_boxes_are_found_as_every_field_says(param, priors, tmp_path):
    text = head("share_location: false" not in param)
    path = check(tmp_path, text + detection(f"num_classes: 4 {param}"), priors=priors)
    assert read_record(path).blobs[-1].padded_axis == 2


@pytest.mark.backend
def test_there_are_as_many_rows_for_each_image_as_are_kept(priors, tmp_path):
    text = head() + detection(f"num_classes: 4 keep_top_k: 9 {NMS}")
    path = check(tmp_path, text, priors=priors)
    assert load_model(path).output_shape == (1, 1, None, 7)
    shapes = {"places": (5, PRIORS * 4), "scores": (5, PRIORS * CLASSES)}
    assert load_model(path, shapes).output_shape == (1, 1, 5 * 9, 7)


def test_a_box_too_many_is_a_difference(priors, tmp_path):
    text = head() + detection(f"num_classes: 4 confidence_threshold: 0.2 {NMS}")
    path = prototxt(tmp_path, text)
    report = convert(path, None, tmp_path / "net.h5")
    path.write_text(text.replace("0.2", "0.9"))
    result = verify(report.output, oracle=(path, None), inputs={"priors": priors})
    assert not result.ok


def test_what_is_drawn_and_saved_is_told(tmp_path):
    param = f"num_classes: 4 visualize: true visualize_threshold: 0.3 {NMS}"
    saved = 'num_classes: 4 save_output_param { output_directory: "out" output_format: "VOC" }'
    image = an_input("image", 2, 3, 20, 30)
    for text in (
        head() + image + detection(param, 'bottom: "image"'),
        head() + detection(saved),
    ):
        assert any("not drawn" in note.text for note in mapped(tmp_path, text).notes)
    quiet = 'num_classes: 4 save_output_param { output_directory: "" num_test_image: 9 }'
    assert not any(n.subject == "d" for n in mapped(tmp_path, head() + detection(quiet)).notes)


def test_a_single_bottom_is_another_forks(tmp_path):
    text = an_input("x", 1, 18, 4, 4) + (
        'layer { name: "d" type: "DetectionOutput" bottom: "x" top: "d" '
        "detection_output_param { num_classes: 4 num_box: 2 biases: 1 biases: 2 } }"
    )
    with pytest.raises(UnsupportedError, match="make it a YoloDetectionOutput"):
        mapped(tmp_path, text)


@pytest.mark.parametrize("param", ["keep_top_k: 0", "nms_param { top_k: 0 }"])
def test_a_limit_of_nothing_is_refused(param, tmp_path):
    with pytest.raises(UnsupportedError, match="top_k = 0"):
        mapped(tmp_path, head() + detection(f"num_classes: 4 {param}"))


@pytest.mark.backend
@pytest.mark.parametrize("name", ["ssd_head-000", "ssd_head-004"])
def test_a_whole_head_holds_for_other_sizes_of_the_image(name, tmp_path):
    case = Path(__file__).parents[1] / "fixtures" / "layers_ssd" / name
    files = case / "net.prototxt", case / "net.caffemodel"
    output = convert(*files, tmp_path / "net.h5").output
    image = np.random.default_rng(1).normal(size=(3, 3, 56, 88)).astype(np.float32)
    result = verify(output, oracle=files, inputs={"data": image})
    assert result.ok, str(result)

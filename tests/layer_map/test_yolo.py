"""Reorg, YoloDetectionOutput and Yolov3DetectionOutput: converted, and held to the oracle."""

from __future__ import annotations

from pathlib import Path

import pytest

from caffe2keras.convert import convert, load_net
from caffe2keras.errors import UnsupportedError
from caffe2keras.layer_map import map_net
from caffe2keras.record import read_record
from caffe2keras.verify import verify

REORG = 'layer { name: "r" type: "Reorg" bottom: "x" top: "r" reorg_param { stride: 2 %s } }\n'
CONVOLUTION = """
layer {
  name: "conv" type: "Convolution" bottom: "r" top: "conv"
  convolution_param { num_output: 5 kernel_size: 1 weight_filler { type: "gaussian" std: 0.3 } }
}
"""
VERSION_2 = """
layer {
  name: "found" type: "YoloDetectionOutput" bottom: "x" bottom: "z" top: "found"
  yolo_detection_output_param {
    num_classes: 4 num_box: 2 coords: 4 side: 13 label_map_file: "labels.txt"
    confidence_threshold: 0.3 nms_threshold: 0.4
    biases: 1.5 biases: 2.5 biases: 3 biases: 1.25
  }
}
"""
VERSION_3 = """
layer {
  name: "found" type: "Yolov3DetectionOutput" bottom: "x" bottom: "z" top: "found"
  yolov3_detection_output_param {
    num_classes: 4 num_box: 2 confidence_threshold: 0.3 nms_threshold: 0.4 mask_group_num: 2
    biases: 10 biases: 14 biases: 23 biases: 27 biases: 37 biases: 58 biases: 81 biases: 42
    mask: 2 mask: 3 mask: 0 mask: 1 anchors_scale: 16 anchors_scale: 8
  }
}
"""


def an_input(name: str, *shape: int) -> str:
    dims = " ".join(f"dim: {extent}" for extent in shape)
    return (
        f'layer {{ name: "{name}" type: "Input" top: "{name}" '
        f"input_param {{ shape {{ {dims} }} }} }}\n"
    )


SQUARE = an_input("x", 2, 18, 4, 4) + an_input("z", 2, 18, 6, 6)
OBLONG = an_input("x", 2, 18, 3, 4) + an_input("z", 2, 18, 6, 8)


def prototxt(folder: Path, text: str) -> Path:
    path = folder / "net.prototxt"
    path.write_text(text)
    return path


def check(folder: Path, text: str, data_format: str) -> Path:
    path = prototxt(folder, text)
    report = convert(path, None, folder / "net.h5", data_format=data_format)
    result = verify(report.output, oracle=(path, None), seed=7)
    assert result.ok, str(result)
    return report.output


@pytest.mark.backend
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("reverse", ["", "reverse: true"])
def test_reorg_moves_blocks_as_yolo_does(reverse, data_format, tmp_path):
    text = an_input("x", 3, 12, 4, 10) + REORG % reverse + CONVOLUTION
    check(tmp_path, text, data_format)


@pytest.mark.backend
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("text", [SQUARE + VERSION_2, OBLONG + VERSION_3], ids=["2", "3"])
def test_boxes_are_found(text, data_format, tmp_path):
    record = read_record(check(tmp_path, text, data_format))
    assert record.static_batch == 2
    assert record.blobs[-1].padded_axis == 2


@pytest.mark.backend
@pytest.mark.parametrize("threshold", ["0.3", "0.9999"])
def test_one_map_is_enough_and_nothing_may_be_found(threshold, tmp_path):
    text = (SQUARE + VERSION_2).replace('bottom: "z" ', "").replace("0.3", threshold)
    check(tmp_path, text, "channels_last")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (an_input("x", 3, 6, 4, 10) + REORG % "", "reads beyond the blob"),
        (OBLONG + VERSION_2, "not square"),
        (SQUARE + VERSION_2.replace('bottom: "z"', 'bottom: "z" bottom: "x"'), "first two"),
        (SQUARE + VERSION_2.replace("biases: 3 ", ""), "biases for 2 anchors"),
        (SQUARE + VERSION_2.replace("num_classes: 4", "num_classes: 5"), "one for each class"),
        (SQUARE.replace("18", "19") + VERSION_2, "in a map of shape"),
        (an_input("x", 2, 18, 4, 4) + an_input("z", 2, 19, 6, 6) + VERSION_2, "in a map of shape"),
        (OBLONG + VERSION_3.replace("num_classes: 4", "num_classes: 3"), "one for each class"),
        (OBLONG + VERSION_3.replace("mask: 3", "mask: 4"), "biases for 5 anchors"),
        (OBLONG + VERSION_3.replace("anchors_scale: 8", ""), "reads on"),
        (OBLONG + VERSION_3.replace("mask: 0 mask: 1", ""), "reads on"),
        (OBLONG + VERSION_3.replace("nms_threshold: 0.4", "nms_threshold: 1"), "nms_threshold"),
        (OBLONG + VERSION_3.replace("mask_group", "gaussian_box: true mask_group"), "gaussian_box"),
    ],
)
def test_what_caffe_would_misread_is_refused(text, message, tmp_path):
    with pytest.raises(UnsupportedError, match=message):
        map_net(load_net(prototxt(tmp_path, text)))


def test_a_layer_of_darknets_name_is_refused_with_the_reason(tmp_path):
    text = an_input("x", 1, 18, 4, 4) + 'layer { name: "r" type: "Region" bottom: "x" top: "r" }'
    with pytest.raises(UnsupportedError, match="each gives something else"):
        map_net(load_net(prototxt(tmp_path, text)))

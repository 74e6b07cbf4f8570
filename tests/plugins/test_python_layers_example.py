"""examples/python_layers: py-faster-rcnn's ProposalLayer and ENet's SpatialDropoutLayer."""

from __future__ import annotations

import re
import shlex
import shutil
from math import log
from pathlib import Path

import numpy as np
import pytest

from caffe2keras import load_model
from caffe2keras.convert import convert, load_net
from caffe2keras.errors import ShapeError
from caffe2keras.layer_map import map_net
from caffe2keras.plugins.loading import load_plugin
from caffe2keras.verify import verify
from caffe2keras.verify.oracle import run as compute

EXAMPLE = Path(__file__).parents[2] / "examples" / "python_layers"

INPUT = 'layer {{ name: "{0}" type: "Input" top: "{0}" input_param {{ shape {{ {1} }} }} }}\n'
PYTHON = """layer {{ name: "{name}" type: "Python" {blobs}
  python_param {{ module: "{module}" layer: "{kind}" param_str: "{text}" }} }}
"""
FORMATS = pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])


def inputs(**shapes):
    dims = {name: " ".join(f"dim: {n}" for n in shape) for name, shape in shapes.items()}
    return "".join(INPUT.format(name, text) for name, text in dims.items())


@pytest.fixture
def rpn(tmp_path):
    """``rpn("'feat_stride': 16")``: a net of a ProposalLayer alone."""

    def write(text, anchors=9, cells=(5, 7), tops='top: "rois" top: "values"', image=(1, 3), n=1):
        load_plugin(EXAMPLE / "py_faster_rcnn.py")
        blobs = inputs(scores=(n, 2 * anchors, *cells), moves=(n, 4 * anchors, *cells), info=image)
        bottoms = 'bottom: "scores" bottom: "moves" bottom: "info" ' + tops
        path = tmp_path / "rpn.prototxt"
        layer = dict(module="rpn.proposal_layer", kind="ProposalLayer", name="rpn")
        path.write_text(blobs + PYTHON.format(blobs=bottoms, text=text, **layer))
        return path

    return write


def config_of(path):
    [layer] = [each.layer for each in map_net(load_net(path)).layers if "Prop" in str(each.layer)]
    return layer.config


def test_the_anchors_are_py_faster_rcnns(rpn):
    # generate_anchors.py lists them as MATLAB counts pixels, from 1.
    matlab = """-83 -39 100 56   -175 -87 192 104   -359 -183 376 200
                -55 -55 72 72    -119 -119 136 136  -247 -247 264 264
                -35 -79 52 96    -79 -167 96 184    -167 -343 184 360"""
    expected = np.array(matlab.split(), float).reshape(9, 4) - 1
    np.testing.assert_array_equal(config_of(rpn("'feat_stride': 16"))["anchors"], expected)


@pytest.mark.parametrize(
    ("text", "anchors"),
    [
        (r"'feat_stride': 16 \n'scales': !!python/tuple [4, 8, 16, 32]", 12),
        ("{'feat_stride': 16, 'scales': [2, 4, 8, 16, 32]}", 15),
        ("{feat_stride: 16, scales: (4, 8.5), ratios: [1]}", 2),
        (r"feat_stride: 16\nratios: [0.5, 1]\nbase_size: 8\n", 6),
    ],
)
def test_param_str_is_read_in_all_its_notations(rpn, text, anchors):
    config = config_of(rpn(text, anchors))
    assert (config["feat_stride"], len(config["anchors"])) == (16, anchors)
    assert np.mean(config["anchors"]) == pytest.approx(3.5 if "base_size" in text else 7.5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("'feat_stride': 16, 'stride': 4", "has stride, which py-faster-rcnn does not know"),
        ("'scales': [8]", "says no feat_stride"),
        ("'feat_stride': 0", "not positive"),
        (r"feat_stride: 16\nscales:\n  - 8", "does not read such a param_str"),
        ("'feat_stride': 16 'scales': [8]", "does not read such a param_str"),
        ("{'feat_stride': 16, 'scales': [8]}", "3 anchors take 6 scores and 12 corrections"),
    ],
)
def test_another_param_str_is_refused(rpn, text, message):
    with pytest.raises(ShapeError, match=message):
        load_net(rpn(text))


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ({"n": 2}, "it takes one image, received 2"),
        ({"image": (1, 2)}, "height, width and scale, received"),
        ({"cells": (5,)}, "of four axes"),
    ],
)
def test_what_the_layer_does_not_take_is_refused(rpn, shapes, message):
    with pytest.raises(ShapeError, match=message):
        load_net(rpn("'feat_stride': 16", **shapes))


# Two cells in a row, three anchors of one scale, 23 by 12, 16 by 16 and 11 by 22 pixels around
# 7.5. Unmoved, each ends a pixel further right and below: x2 = x1 + width.
TWO_CELLS = "{'feat_stride': 16, 'scales': [1]}"


def two_cells(scale):
    scores, moves = np.zeros((1, 6, 1, 2)), np.zeros((1, 12, 1, 2))
    scores[0, 3:, 0] = [[0.99, 0.9], [0.5, 0.8], [0.98, 0.85]]
    moves[0, 3, 0, 1] = log(2)  # the second cell's wide box: 24 rows
    moves[0, 10, 0, 1] = log(2)  # its tall box: 22 columns
    info = np.array([[20, 40, scale]])
    blobs = {"scores": scores, "moves": moves, "info": info}
    return {name: blob.astype(np.float32) for name, blob in blobs.items()}


# The first cell's wide and tall boxes have but 13 rows and 12 columns, and go, good as they are.
WIDE = [0, 12.5, 0, 35.5, 19]  # 24 columns of 20 rows remain in the image
# The tall one, 13 to 35, covers 460 of those 480 pixels, and goes.
SQUARE, FIRST = [0, 16, 0, 32, 16], [0, 0, 0, 16, 16]  # 17 by 17


@pytest.mark.backend
@FORMATS
@pytest.mark.parametrize(
    ("scale", "expected"), [(1, [WIDE, SQUARE, FIRST]), (1.1, [WIDE]), (2, [])]
)
def test_small_regions_are_removed_and_the_best_listed(rpn, scale, expected, data_format, tmp_path):
    path, blobs = rpn(TWO_CELLS, 3, (1, 2)), two_cells(scale)
    tops = compute(load_net(path), blobs)
    np.testing.assert_allclose(tops["rois", 0], np.reshape(expected, (-1, 5)), atol=1e-5)
    values = np.array([[0.9], [0.8], [0.5]])[: len(expected)]
    np.testing.assert_allclose(tops["values", 0], values, rtol=1e-6)
    report = convert(path, None, tmp_path / "net.h5", data_format=data_format)
    assert verify(report.output, oracle=(path, None), inputs=blobs).ok


def test_its_numbers_are_said_and_set_at_the_top_of_the_plugin(rpn, tmp_path):
    path = rpn(TWO_CELLS, 3, (1, 2), tops='top: "rois"')
    notes = " ".join(note.text for note in map_net(load_net(path)).notes)
    assert "of the 6000 best regions 300 remain at most" in notes
    assert "more than 0.7 or are smaller than 16 pixels: cfg.TEST's numbers" in notes
    source = (EXAMPLE / "py_faster_rcnn.py").read_text()
    forget_and_load(tmp_path, source.replace("POST_NMS_TOP_N = 300", "POST_NMS_TOP_N = 2"))
    net = load_net(path)
    assert net.layers[-1].tops[0].dims == (2, 5)
    rois = compute(net, two_cells(1))["rois", 0]
    np.testing.assert_allclose(rois, [WIDE, SQUARE], atol=1e-5)
    assert config_of(path)["post_nms_topn"] == 2


def forget_and_load(folder, source):
    from caffe2keras.plugins.loading import forget_plugin, loaded_plugins

    for plugin in loaded_plugins():
        forget_plugin(plugin)
    (folder / "changed.py").write_text(source)
    load_plugin(folder / "changed.py")


@pytest.fixture
def dropout(tmp_path):
    def write(text):
        load_plugin(EXAMPLE / "spatial_dropout.py")
        path = tmp_path / "drop.prototxt"
        layer = dict(module="spatial_dropout", kind="SpatialDropoutLayer", name="drop")
        blobs = 'bottom: "x" top: "y"'
        path.write_text(inputs(x=(4, 6, 3, 5)) + PYTHON.format(blobs=blobs, text=text, **layer))
        return path

    return write


@pytest.mark.backend
@FORMATS
def test_dropout_keeps_its_factor_when_testing(dropout, data_format, tmp_path):
    path = dropout("{'phase': 'TEST', 'p': '0.2'}")
    ones = np.ones((4, 6, 3, 5), np.float32)
    assert (compute(load_net(path), {"x": ones})["y", 0] == np.float32(1.25)).all()
    report = convert(path, None, tmp_path / "drop.h5", data_format=data_format)
    assert verify(report.output, oracle=(path, None)).ok


@pytest.mark.backend
@FORMATS
def test_dropout_drops_whole_maps_of_each_image_when_training(dropout, data_format, tmp_path):
    path = dropout("{'phase': 'TRAIN', 'p': '0.5'}")
    report = convert(path, None, tmp_path / "drop.h5", data_format=data_format)
    assert verify(report.output, oracle=(path, None)).ok  # the mean
    assert any("drops feature maps in every prediction" in note.text for note in report.notes)
    axes = (1, 2) if data_format == "channels_last" else (2, 3)
    shape = (4, 3, 5, 6) if data_format == "channels_last" else (4, 6, 3, 5)
    y = load_model(report.output).predict(np.ones(shape, np.float32), verbose=0)
    kept = y.mean(axis=axes, keepdims=True)
    np.testing.assert_allclose(y, np.broadcast_to(kept, shape))
    assert set(np.unique(kept)) == {0, 2}
    assert len(np.unique(kept.reshape(4, 6), axis=0)) > 1  # each image has its own


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{'phase': 'TEST', 'p': '1'}", "p is 1, it must lie between 0 and 1"),
        ("{'phase': 'TEST'}", "no dictionary with a phase and a p"),
        ("phase: TEST", "no dictionary with a phase and a p"),
        ("{'phase': 'TEST', 'p': 0.1, 'q': 2}", r"has \['q'\], which the layer does not read"),
    ],
)
def test_what_dropout_does_not_know_is_refused(dropout, text, message):
    with pytest.raises(ShapeError, match=message):
        load_net(dropout(text))


@pytest.mark.backend
def test_the_commands_of_the_readme_do_what_they_say(tmp_path, monkeypatch, run):
    for file in EXAMPLE.iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path)
    text = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^    caffe2keras (.*)$", text, re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    exec(re.search(r'^    python -c "(.*)"$', text, re.MULTILINE)[1])
    assert [command.split()[0] for command in commands] == ["convert", "verify"] * 2
    for command in commands:
        code, out, err = run(*shlex.split(command))
        assert code == 0, out + err

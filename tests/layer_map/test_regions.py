"""ROIPooling, PSROIPooling and Proposal: converted, and held to the oracle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from caffe2keras.convert import convert, load_net
from caffe2keras.errors import UnsupportedCombinationError
from caffe2keras.layer_map import map_net
from caffe2keras.verify import verify

ROI = """
layer {
  name: "pool" type: "ROIPooling" bottom: "x" bottom: "rois" top: "pool"
  roi_pooling_param { pooled_h: 3 pooled_w: 2 spatial_scale: 0.125 }
}
"""
PSROI = """
layer {
  name: "pool" type: "PSROIPooling" bottom: "x" bottom: "rois" top: "pool"
  psroi_pooling_param { output_dim: 2 group_size: 3 spatial_scale: 0.125 }
}
"""
CLASSIFIER = """
layer {
  name: "class" type: "InnerProduct" bottom: "pool" top: "class"
  inner_product_param { num_output: 5 weight_filler { type: "gaussian" std: 0.3 } }
}
"""
PROPOSAL = """
layer {
  name: "regions" type: "Proposal" bottom: "scores" bottom: "moves" bottom: "info" %s
  proposal_param {
    feat_stride: 8 base_size: 8 min_size: 6 ratio: 0.5 ratio: 2 scale: 20 scale: 40 scale: 70
    pre_nms_topn: 40 post_nms_topn: 9 nms_thresh: 0.6
  }
}
"""


def an_input(name: str, *shape: int) -> str:
    dims = " ".join(f"dim: {extent}" for extent in shape)
    return (
        f'layer {{ name: "{name}" type: "Input" top: "{name}" '
        f"input_param {{ shape {{ {dims} }} }} }}\n"
    )


PROPOSED = (
    an_input("scores", 2, 12, 5, 7)
    + an_input("moves", 2, 24, 5, 7)
    + an_input("info", 1, 4)
    + PROPOSAL
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20260814)


@pytest.fixture
def regions(rng: np.random.Generator) -> np.ndarray:
    """In two images of 72 by 48 pixels: some as large as that, some beyond, some of one pixel."""
    corners = np.sort(rng.uniform(-9, 1.2 * 72, size=(11, 2, 2)), axis=1).reshape(11, 4)
    corners[0] = [10, 20, 10, 20]
    corners[1] = [0, 0, 47, 71]
    corners[2] = [80, 90, 95, 110]
    return np.column_stack([np.arange(11) % 2, corners]).astype(np.float32)


def prototxt(folder: Path, text: str) -> Path:
    path = folder / "net.prototxt"
    path.write_text(text)
    return path


def check(folder: Path, text: str, inputs: dict[str, np.ndarray], data_format: str) -> None:
    path = prototxt(folder, text)
    report = convert(path, None, folder / "net.h5", data_format=data_format)
    result = verify(report.output, oracle=(path, None), inputs=inputs)
    assert result.ok, str(result)


@pytest.mark.backend
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize(("layer", "channels"), [(ROI, 4), (PSROI, 18)])
@pytest.mark.parametrize("further", [(), (1, 1)])
def test_regions_are_pooled(layer, channels, further, regions, rng, data_format, tmp_path):
    text = an_input("x", 2, channels, 9, 6) + an_input("rois", 11, 5, *further) + layer
    x = rng.normal(size=(2, channels, 9, 6)).astype(np.float32)
    inputs = {"x": x, "rois": regions.reshape(11, 5, *further)}
    check(tmp_path, text + CLASSIFIER, inputs, data_format)


@pytest.mark.backend
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("tops", ['top: "rois"', 'top: "rois" top: "values"'])
def test_regions_are_proposed_and_looked_into(tops, rng, data_format, tmp_path):
    inputs = {
        "scores": rng.uniform(size=(2, 12, 5, 7)).astype(np.float32),
        "moves": rng.normal(0, 0.3, size=(2, 24, 5, 7)).astype(np.float32),
        "info": np.array([[40, 56, 1.5, 1.7]], np.float32),
        "x": rng.normal(size=(2, 4, 5, 7)).astype(np.float32),
    }
    text = an_input("x", 2, 4, 5, 7) + PROPOSED % tops + ROI + CLASSIFIER
    check(tmp_path, text, inputs, data_format)


@pytest.mark.backend
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_an_image_with_one_scale_is_mini_caffes(rng, data_format, tmp_path):
    scales = "scale: 2.5 scale: 5 scale: 8.75"
    text = PROPOSED.replace("scale: 20 scale: 40 scale: 70", scales)
    text = text.replace("dim: 1 dim: 4", "dim: 1 dim: 3").replace("dim: 2", "dim: 1", 1)
    text = text.replace("dim: 2 dim: 24", "dim: 1 dim: 24") % 'top: "rois" top: "values"'
    inputs = {
        "scores": rng.uniform(size=(1, 12, 5, 7)).astype(np.float32),
        "moves": rng.normal(0, 0.3, size=(1, 24, 5, 7)).astype(np.float32),
        "info": np.array([[40, 56, 1.5]], np.float32),
    }
    check(tmp_path, text, inputs, data_format)
    model = map_net(load_net(prototxt(tmp_path, text)))
    [config] = [n.layer.config for n in model.layers if "Proposal" in n.layer.class_name]
    # 8 by 8 with half the height: 11.3 by 5.5, rounded to 11 by 6 (5.5 away from 0).
    assert config["anchors"][0] == [3.5 - 13.25, 3.5 - 7, 3.5 + 13.25, 3.5 + 7]
    assert (config["one_scale"], config["adjacent"]) == (True, True)
    assert any("one scale, as in mini-caffe" in note.text for note in model.notes)


@pytest.mark.backend
def test_an_image_of_no_size_leaves_regions_of_one_pixel(tmp_path):
    inputs = {"info": np.array([[-3, 0, 1, 1]], np.float32)}
    check(tmp_path, PROPOSED % 'top: "rois"', inputs, "channels_last")


def test_the_report_says_that_the_number_of_regions_is_open(tmp_path):
    model = map_net(load_net(prototxt(tmp_path, PROPOSED % 'top: "rois"')))
    assert "depends on the values" in next(n.text for n in model.notes if n.subject == "regions")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (an_input("x", 2, 4, 9) + an_input("rois", 11, 5) + ROI, "takes a feature map"),
        (an_input("x", 2, 4, 9, 6) + an_input("rois", 11, 4) + ROI, "takes a feature map"),
        (an_input("x", 2, 18, 9, 6) + an_input("rois", 11, 6) + PSROI, "takes a feature map"),
        (PROPOSED.replace("dim: 24", "dim: 23"), "every anchor takes"),
        (PROPOSED.replace("ratio: 0.5 ratio: 2", ""), "every anchor takes"),
        (PROPOSED.replace("dim: 1 dim: 4", "dim: 1 dim: 2"), "two scales, or one"),
        (PROPOSED.replace("dim: 1 dim: 4", "dim: 1 dim: 3"), "Proposal for 2 images"),
    ],
)
def test_what_does_not_fit_is_refused(text, message, tmp_path):
    text = text.replace("%s", 'top: "rois"')
    with pytest.raises(UnsupportedCombinationError, match=message):
        map_net(load_net(prototxt(tmp_path, text)))

"""What nets to be trained become, each with its losses, written out."""

from __future__ import annotations

from pathlib import Path

import pytest

from caffe2keras.convert import load_net
from caffe2keras.layer_map import map_net

LOSSES = sorted((Path(__file__).parents[1] / "fixtures" / "losses").glob("*.prototxt"))


@pytest.mark.parametrize("path", LOSSES, ids=lambda path: path.stem)
def test_a_net_with_its_losses_becomes_the_same_as_ever(path: Path, golden, written_out) -> None:
    model = map_net(load_net(path, phase="TRAIN"))
    golden(f"mapped/training/{path.stem}", "\n".join(written_out(model)) + "\n")


def test_probabilities_beside_a_loss_are_a_softmax(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text("""
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: [4, 3] } } }
layer { name: "t" type: "Input" top: "t" input_param { shape { dim: [4] } } }
layer { name: "a" type: "AbsVal" bottom: "x" top: "a" }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "a" bottom: "t" top: "loss" top: "prob" }
layer { name: "p" type: "Power" bottom: "prob" top: "p" power_param { power: 2 } loss_weight: 2 }
""")
    layers = map_net(load_net(path, phase="TRAIN")).layers
    (softmax,) = (named.layer for named in layers if named.layer.class_name == "Softmax")
    assert softmax.config == {"axis": 1}

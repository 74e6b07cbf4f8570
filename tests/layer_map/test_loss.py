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


@pytest.mark.parametrize("kind", ["SoftmaxWithLoss", "InfogainLoss"])
def test_probabilities_beside_a_loss_are_a_softmax(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    gains = 'bottom: "h"' if kind == "InfogainLoss" else ""
    path.write_text(f"""
layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ dim: [4, 3] }} }} }}
layer {{ name: "t" type: "Input" top: "t" input_param {{ shape {{ dim: [4] }} }} }}
layer {{ name: "h" type: "Input" top: "h" input_param {{ shape {{ dim: [1, 1, 3, 3] }} }} }}
layer {{ name: "a" type: "AbsVal" bottom: "x" top: "a" }}
layer {{ name: "l" type: "{kind}" bottom: "a" bottom: "t" {gains} top: "l" top: "prob" }}
layer {{ name: "p" type: "Power" bottom: "prob" top: "p" loss_weight: 2 }}
""")
    layers = map_net(load_net(path, phase="TRAIN")).layers
    (softmax,) = (named.layer for named in layers if named.layer.class_name == "Softmax")
    assert softmax.config == {"axis": 1}

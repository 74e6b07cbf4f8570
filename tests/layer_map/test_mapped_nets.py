"""What recorded nets become, written out: names, classes, configs, arrays, layouts and notes.

Layers' names are what users hold on to, and a config that changes without meaning to changes a
file. One golden file for each family of nets; ``pytest --write-golden`` rewrites them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from caffe2keras.convert import load_net
from caffe2keras.layer_map import map_net
from caffe2keras.spec import KerasModel

FIXTURES = Path(__file__).parents[1] / "fixtures"
NETS = sorted(
    path.parent
    for each in ("layers", "layers_ssd")
    for path in FIXTURES.glob(f"{each}/*/*.prototxt")
)
LONG = {"unrolled_lstm", "random_dag", "segnet"}  # hundreds of lines, and nothing of their own
FAMILIES = sorted({net.name.rpartition("-")[0] for net in NETS} - LONG)
LOSSES = sorted(path for path in FIXTURES.glob("losses/*.prototxt"))


def written_out(model: KerasModel) -> Iterator[str]:
    for named in model.layers:
        layer = named.layer
        yield f"  {named.name} = {layer.class_name} {json.dumps(layer.config, sort_keys=True)}"
        for one in layer.variables:
            yield f"    {one.name} {tuple(one.view.shape)}{'' if one.trainable else ' fixed'}"
    for node in model.nodes:
        yield f"  {node.layer} <- " + ", ".join(_told(tensor) for tensor in node.inputs)
    for blob in model.blobs:
        layout = "".join(str(axis) for axis in blob.layout.permutation)
        yield f"  blob {blob.blob}: {_told(blob.tensor)}, axes {layout}"
    for head in model.heads or ():
        held = {key: value for key, value in vars(head).items() if value}
        yield f"  head {json.dumps(held, sort_keys=True)}"
    yield f"  batch {model.static_batch}, {'resizable' if model.resizable else 'of this size'}"
    for note in model.notes:
        yield f"  {note.kind} {note.subject}: {note.text}"


def _told(tensor) -> str:
    return f"{tensor.layer}.{tensor.node}.{tensor.tensor}"


@pytest.mark.parametrize("family", FAMILIES)
def test_a_recorded_net_becomes_the_same_as_ever(family: str, golden) -> None:
    lines = []
    for net in [net for net in NETS if net.name.rpartition("-")[0] == family][:4]:
        weights = net / "net.caffemodel"
        read = load_net(net / "net.prototxt", weights if weights.exists() else None)
        lines += [net.name, *written_out(map_net(read))]
    golden(f"mapped/{family}", "\n".join(lines) + "\n")


def test_nets_to_be_trained_become_the_same_as_ever(golden) -> None:
    lines = []
    for path in LOSSES:
        lines += [path.stem, *written_out(map_net(load_net(path, phase="TRAIN")))]
    golden("mapped/training", "\n".join(lines) + "\n")

"""What recorded nets become, written out: names, classes, configs, arrays, layouts and notes.

Layers' names are what users hold on to, and a config that changes without meaning to changes a
file. One golden file for each family of nets; ``pytest --write-golden`` rewrites them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from caffe2keras.convert import load_net
from caffe2keras.layer_map import map_net

FIXTURES = Path(__file__).parents[1] / "fixtures"
NETS = sorted(
    path.parent
    for each in ("layers", "layers_ssd")
    for path in FIXTURES.glob(f"{each}/*/*.prototxt")
)
LONG = {"unrolled_lstm", "random_dag", "segnet"}  # hundreds of lines, and nothing of their own
FAMILIES = sorted({net.name.rpartition("-")[0] for net in NETS} - LONG)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_recorded_net_becomes_the_same_as_ever(family: str, golden, written_out) -> None:
    lines = []
    for net in [net for net in NETS if net.name.rpartition("-")[0] == family][:4]:
        weights = net / "net.caffemodel"
        read = load_net(net / "net.prototxt", weights if weights.exists() else None)
        lines += [net.name, *written_out(map_net(read))]
    golden(f"mapped/{family}", "\n".join(lines) + "\n")

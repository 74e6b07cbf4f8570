"""Losses and accuracies of nets in phase TRAIN, as genuine Caffe has given them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from caffe2keras.convert import load_net
from caffe2keras.proto.caffe_pb2 import NetParameter
from caffe2keras.verify.oracle import run

LOSSES = Path(__file__).parents[2] / "fixtures" / "losses"
CASES = sorted(LOSSES.glob("*.npz"))


def caffemodel(arrays: dict[str, np.ndarray], path: Path) -> Path:
    net = NetParameter()
    for name in dict.fromkeys(key.split("/")[1] for key in arrays if key.startswith("param/")):
        layer = net.layer.add(name=name)
        for key in sorted(key for key in arrays if key.startswith(f"param/{name}/")):
            blob = layer.blobs.add()
            blob.shape.dim.extend(arrays[key].shape)
            blob.data.extend(arrays[key].ravel().tolist())
    path.write_bytes(net.SerializeToString())
    return path


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_oracle_gives_the_losses_that_caffe_gave(path: Path, tmp_path: Path) -> None:
    with np.load(path) as recorded:
        arrays = dict(recorded)
    weights = caffemodel(arrays, tmp_path / "net.caffemodel")
    net = load_net(path.with_suffix(".prototxt"), weights, phase="TRAIN")
    read = {blob.name for blob in net.inputs}
    fed = {name: arrays[f"input/{name}"] for name in read}
    blobs = {name: array for (name, _), array in run(net, fed, np.float64).items()}
    outputs = [key.split("/")[1] for key in arrays if key.startswith("output/")]
    for name in outputs:
        expected = arrays[f"output/{name}"]
        np.testing.assert_allclose(blobs[name], expected, rtol=1e-5, atol=1e-6, err_msg=name)

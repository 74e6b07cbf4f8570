"""The judge is judged: every blob that Caffe recorded, against the oracle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from caffe2keras.verify.oracle import run

ROOT = Path(__file__).parents[3]
FIXTURES = ROOT / "tests" / "fixtures"
DIGITS = ROOT / "examples" / "digits"
CASES = sorted(path.parent for path in FIXTURES.glob("layers*/*/net.prototxt"))


def recorded(path, kind):
    with np.load(path) as stored:
        return {key.split("/", 1)[1]: stored[key] for key in stored if key.startswith(kind)}


def last_versions(blobs):
    return {name: blob for (name, _), blob in sorted(blobs.items())}


def agree(net, path, dtype):
    computed = last_versions(run(net, recorded(path, "input/"), dtype))
    for name, expected in recorded(path, "output/").items():
        blob = computed[name]
        assert blob.dtype == dtype
        tolerance = 1e-5 * np.abs(expected).max(initial=0) + 1e-6
        np.testing.assert_allclose(blob, expected, rtol=0, atol=tolerance, err_msg=name)


def test_there_are_cases():
    assert len(CASES) > 309


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_oracle_computes_what_caffe_recorded(case, dtype, recorded_net):
    net = recorded_net(case / "net.prototxt", case / "net.caffemodel")
    agree(net, case / "blobs.npz", dtype)


@pytest.mark.parametrize("weights", ["digits.caffemodel", "digits.caffemodel.h5"])
def test_the_oracle_computes_the_digits_net_from_either_kind_of_weights(weights, recorded_net):
    net = recorded_net(DIGITS / "deploy.prototxt", DIGITS / weights)
    agree(net, DIGITS / "blobs.npz", np.float32)


def test_the_oracle_tells_the_digits_apart_as_well_as_caffe(recorded_net):
    net = recorded_net(DIGITS / "deploy.prototxt", DIGITS / "digits.caffemodel")
    with np.load(DIGITS / "test.npz") as test:
        images, labels, expected = test["data"], test["label"], test["prob"]
    (answer,) = run(net, {"data": images}, keep=lambda blob: blob.name == "prob").values()
    np.testing.assert_allclose(answer, expected, rtol=0, atol=1e-5)
    assert (answer.argmax(axis=1) == labels).mean() == pytest.approx(350 / 360)

"""Every kind of unfit input: its message, its exit code, and no file left behind."""

import os
import shutil

import pytest

from caffe2keras.__main__ import main

HEAD = """name: "net"
input: "data"
input_shape { dim: 1 dim: 3 dim: 6 dim: 5 }
"""


def layer(name, kind, bottom, top, more=""):
    return f'layer {{ name: "{name}" type: "{kind}" bottom: "{bottom}" top: "{top}" {more} }}\n'


NETS = {
    "empty": "",
    "not-prototxt": "This is not a net.\n",
    "unknown-field": HEAD
    + layer(
        "conv",
        "Convolution",
        "data",
        "conv",
        "convolution_param { num_output: 4 kernel_size: 3 dilatoin: 2 }",
    ),
    "unknown-enum": HEAD
    + layer("pool", "Pooling", "data", "pool", "pooling_param { pool: MAXX kernel_size: 2 }"),
    "unclosed": HEAD + 'layer { name: "relu" type: "ReLU"\n',
    "unknown-layer": HEAD
    + layer("relu", "ReLU", "data", "relu")
    + layer("magic", "Magic", "relu", "magic")
    + layer("more", "Magic", "relu", "more"),
    "cycle": HEAD + layer("a", "ReLU", "z", "y") + layer("b", "ReLU", "y", "z"),
    "unknown-bottom": HEAD
    + layer("conv1", "ReLU", "data", "conv1")
    + layer("pool1", "ReLU", "comv1", "pool1"),
    "produced-twice": HEAD + layer("a", "ReLU", "data", "y") + layer("b", "TanH", "data", "y"),
    "too-small": HEAD
    + layer("pool", "Pooling", "data", "pool", "pooling_param { kernel_size: 9 }"),
    "no-input-shape": 'input: "data"\n' + layer("a", "ReLU", "data", "y"),
    "no-layers": 'name: "net"\n',
}


@pytest.fixture
def told(tmp_path, monkeypatch, capsys, golden):
    """Run a command line in a folder of given files, and look at what it says and leaves."""

    def run(name, code, *words):
        monkeypatch.chdir(tmp_path)
        before = sorted(os.listdir())
        assert main(list(words)) == code
        out, err = capsys.readouterr()
        assert out == ""
        golden(f"errors/{name}", err)
        assert sorted(os.listdir()) == before

    return run


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("empty", 3),
        ("not-prototxt", 3),
        ("unknown-field", 5),
        ("unknown-enum", 5),
        ("unclosed", 3),
        ("unknown-layer", 5),
        ("cycle", 4),
        ("unknown-bottom", 4),
        ("produced-twice", 4),
        ("too-small", 4),
        ("no-input-shape", 3),
        ("no-layers", 3),
    ],
)
def test_a_net_that_cannot_be(name, code, told, tmp_path):
    (tmp_path / "net.prototxt").write_text(NETS[name])
    told(name, code, "convert", "net.prototxt", "-o", "net.h5")


def test_a_prototxt_that_is_not_there(told):
    told("no-such-file", 3, "convert", "nothing.prototxt", "-o", "net.h5")


@pytest.fixture
def net(tmp_path, digits):
    shutil.copy(digits / "deploy.prototxt", tmp_path)
    shutil.copy(digits / "digits.caffemodel", tmp_path)
    return tmp_path


CONVERT = ("convert", "deploy.prototxt", "digits.caffemodel", "-o", "net.h5")


def test_weights_that_are_not_there(told, net):
    os.remove(net / "digits.caffemodel")
    told("no-such-weights", 3, *CONVERT)


def test_weights_that_break_off(told, net):
    whole = (net / "digits.caffemodel").read_bytes()
    (net / "digits.caffemodel").write_bytes(whole[: len(whole) // 2])
    told("truncated-weights", 3, *CONVERT)


def test_weights_that_are_empty(told, net):
    (net / "digits.caffemodel").write_bytes(b"")
    told("empty-weights", 3, *CONVERT)


def test_weights_that_are_a_text(told, net):
    shutil.copy(net / "deploy.prototxt", net / "digits.caffemodel")
    told("text-as-weights", 3, *CONVERT)


def test_a_caffemodel_given_as_prototxt(told, net):
    told("weights-as-prototxt", 3, "convert", "digits.caffemodel", "-o", "net.h5")


def test_both_files_in_the_wrong_order(told, net):
    told("swapped", 3, "convert", "digits.caffemodel", "deploy.prototxt", "-o", "net.h5")


def test_weights_of_another_shape(told, net):
    text = (net / "deploy.prototxt").read_text()
    (net / "deploy.prototxt").write_text(
        text.replace("num_output: 12", "num_output: 14").replace("num_output: 48", "num_output: 40")
    )
    told("shape-mismatch", 3, *CONVERT)


def test_weights_that_miss_a_layer(told, net):
    text = (net / "deploy.prototxt").read_text()
    (net / "deploy.prototxt").write_text(text.replace('name: "ip2"', 'name: "ip3"'))
    told("missing-layer", 3, *CONVERT)


def test_a_target_in_a_folder_that_is_not_there(told, net):
    told("unwritable", 6, *CONVERT[:-1], "nowhere/net.h5")


def test_a_target_that_is_a_folder(told, net):
    (net / "folder.h5").mkdir()
    told("target-is-folder", 6, *CONVERT[:-1], "folder.h5")


def test_a_target_that_is_a_source(told, net):
    told("target-is-source", 3, *CONVERT[:-1], "digits.caffemodel")


def test_an_input_shape_for_a_blob_that_is_none(told, net):
    told("unknown-input", 3, *CONVERT, "--input-shape", "dta=1,1,8,8")


def test_a_model_that_is_none(told, net):
    told("not-a-model", 3, "verify", "digits.caffemodel", "blobs.npz")


def test_blobs_that_are_none(told, net, capsys, monkeypatch):
    monkeypatch.chdir(net)
    assert main([*CONVERT, "-q"]) == 0
    capsys.readouterr()
    told("no-blobs", 3, "verify", "net.h5", "deploy.prototxt", "--quiet")

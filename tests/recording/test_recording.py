"""Recording: the three who compute, what is fed, what is written, and what verify makes of it."""

import ast
import json
import sys
import types
import zipfile
from pathlib import Path

import numpy as np
import pytest

import caffe2keras
from caffe2keras.__main__ import main
from caffe2keras.convert import convert, load_net
from caffe2keras.errors import EmitError, InputError
from caffe2keras.read.blobs import read_blobs
from caffe2keras.recording import opencv, pycaffe, record_blobs

# Stands for pycaffe: a net of one layer that doubles, of whatever the prototxt says.
FAKE_CAFFE = """
import os
import sys
from collections import OrderedDict

import numpy as np

__version__ = "1.0.0-fake"
TEST, TRAIN = 1, 0


class Blob(object):
    def __init__(self, *shape):
        self.reshape(*shape)

    def reshape(self, *shape):
        self.data = np.zeros(shape, np.float32)


def set_mode_cpu():
    pass


class Net(object):
    def __init__(self, prototxt, *rest, **named):
        text = open(prototxt).read()
        if "abort" in text:
            sys.stderr.write("F1122 04:10:20.1 7 net.cpp:141] Check failed: 3 == 4 (3 vs. 4)\\n")
            sys.stderr.flush()
            os.abort()
        self.rest, self.named = rest, named
        self.inputs = ["da/ta"]
        self.blobs = OrderedDict([
            ("da/ta", Blob(2, 3)),
            ("double", Blob(2, 3)),
            ("double_double_0_split_0", Blob(2, 3)),
            ("said", Blob(2)),
        ])

    def reshape(self):
        self.blobs["double"].reshape(*self.blobs["da/ta"].data.shape)

    def forward(self):
        self.blobs["double"].data[...] = 2 * self.blobs["da/ta"].data
        self.blobs["said"].data[...] = [len(self.rest), len(self.named)]
"""


@pytest.fixture
def with_pycaffe(tmp_path, monkeypatch):
    """This interpreter has a pycaffe, of a kind."""
    folder = tmp_path / "site" / "caffe"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(FAKE_CAFFE)
    monkeypatch.setenv("PYTHONPATH", str(folder.parent))


@pytest.fixture
def without_pycaffe(tmp_path, monkeypatch):
    """It has none, whatever is installed."""
    folder = tmp_path / "site" / "caffe"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise ImportError('libcaffe.so is missing')")
    monkeypatch.setenv("PYTHONPATH", str(folder.parent))


@pytest.fixture
def without_opencv(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)


@pytest.fixture
def files(digits):
    return digits / "deploy.prototxt", digits / "digits.caffemodel"


@pytest.fixture
def odd(tmp_path):
    """A net that only a fork of Caffe knows."""
    path = tmp_path / "odd.prototxt"
    path.write_text('layer { name: "double" type: "Magic" bottom: "da/ta" top: "double" }\n')
    return path


def origin_of(path):
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("recorded.json"))


# pycaffe


def test_pycaffe_computes_where_it_is_installed(with_pycaffe, odd, tmp_path):
    target = tmp_path / "b.npz"
    report = record_blobs(odd, None, target, seed=5)
    assert (report.by, report.version) == ("pycaffe", "1.0.0-fake")
    blobs = read_blobs(target)
    assert list(blobs.inputs) == ["da/ta"]
    assert list(blobs.outputs) == ["double", "said"]  # not the copy that Caffe makes for itself
    np.testing.assert_array_equal(blobs.outputs["double"], 2 * blobs.inputs["da/ta"])
    assert blobs.origin == "pycaffe 1.0.0-fake, random inputs, seed 5"
    assert origin_of(target)["seed"] == 5


def test_an_interpreter_of_its_own_is_asked(with_pycaffe, odd, tmp_path):
    report = record_blobs(odd, None, tmp_path / "b.npz", python=sys.executable)
    assert report.by == "pycaffe"
    with pytest.raises(InputError, match="cannot be run"):
        record_blobs(odd, None, tmp_path / "b.npz", python=tmp_path / "no-python")


def test_weights_phase_and_stages_are_handed_on(with_pycaffe, odd, tmp_path):
    weights = tmp_path / "w.caffemodel"
    weights.write_bytes(b"")
    said = []
    for given, options in [
        (None, {}),
        (weights, {}),
        (weights, {"stages": ["a"]}),
        (None, {"level": 2}),
    ]:
        record_blobs(odd, given, tmp_path / "b.npz", phase="TRAIN", **options)
        said.append(read_blobs(tmp_path / "b.npz").outputs["said"].tolist())
    assert said == [[1, 0], [2, 0], [1, 3], [1, 2]]


def test_an_input_may_have_another_size(with_pycaffe, odd, tmp_path):
    record_blobs(odd, None, tmp_path / "b.npz", inputs={"da/ta": np.ones((4, 5))})
    assert read_blobs(tmp_path / "b.npz").outputs["double"].shape == (4, 5)
    record_blobs(odd, None, tmp_path / "b.npz", input_shapes={"da/ta": (7, 2)})
    assert read_blobs(tmp_path / "b.npz").outputs["double"].shape == (7, 2)


def test_a_size_for_no_input_is_an_error(with_pycaffe, odd, tmp_path):
    with pytest.raises(InputError, match='no input "data"'):
        record_blobs(odd, None, tmp_path / "b.npz", input_shapes={"data": (7, 2)})


def test_what_caffe_says_before_it_aborts_is_the_reason(with_pycaffe, odd, tmp_path):
    odd.write_text("abort")
    with pytest.raises(InputError, match="Caffe cannot compute") as caught:
        record_blobs(odd, None, tmp_path / "b.npz")
    assert caught.value.why == "Check failed: 3 == 4 (3 vs. 4)"
    assert not (tmp_path / "b.npz").exists()


def test_pycaffe_that_is_asked_for_and_missing_is_an_error(without_pycaffe, odd, tmp_path):
    with pytest.raises(InputError, match=r"libcaffe\.so is missing"):
        record_blobs(odd, None, tmp_path / "b.npz", by="pycaffe")


def test_the_childs_script_is_old_python_too():
    tree = ast.parse(Path(pycaffe.__file__).with_name("pycaffe_child.py").read_text())
    for node in ast.walk(tree):
        assert not isinstance(node, ast.JoinedStr | ast.AnnAssign | ast.Nonlocal | ast.NamedExpr)
        if isinstance(node, ast.FunctionDef):
            assert node.returns is None
            assert not node.args.kwonlyargs
            assert all(argument.annotation is None for argument in node.args.args)


# OpenCV


class FakeDnn:
    """What we use of an OpenCV net; every layer answers with its name's length."""

    def __init__(self, names, shapes):
        self.names, self.shapes, self.fused, self.fed = names, shapes, True, {}

    def enableFusion(self, wanted):  # noqa: N802
        self.fused = wanted

    def setInput(self, array, name):  # noqa: N802
        self.fed[name] = array

    def getLayerNames(self):  # noqa: N802
        return self.names

    def forward(self, names):
        assert not self.fused
        return tuple(np.full(self.shapes.get(n, (8, 10)), len(n), np.float32) for n in names)


def fake_cv2(read):
    module = types.ModuleType("cv2")
    module.__version__ = "4.99"
    module.error = type("error", (Exception,), {})
    module.dnn = types.SimpleNamespace(readNetFromCaffe=read)
    return module


def test_opencv_is_asked_for_the_last_layer_that_writes_a_blob(
    files, without_pycaffe, tmp_path, monkeypatch
):
    count = load_net(files[0]).inputs[0].shape[0]
    net = FakeDnn(["conv1", "relu1", "prob"], {"relu1": (count, 12, 64)})
    monkeypatch.setitem(sys.modules, "cv2", fake_cv2(lambda *paths: net))
    report = record_blobs(*files, tmp_path / "b.npz")
    assert (report.by, report.version) == ("opencv", "4.99")
    blobs = read_blobs(tmp_path / "b.npz")
    assert blobs.outputs["conv1"].flat[0] == len("relu1")
    assert blobs.outputs["conv1"].shape == (count, 12, 8, 8)  # OpenCV gave (count, 12, 64)
    assert set(blobs.outputs) == {"conv1", "prob"}
    assert report.notes == ("OpenCV does not give conv2, ip1, ip2, norm1, pool1, pool2",)


def test_where_opencv_gives_up_the_oracle_goes_on(files, without_pycaffe, tmp_path, monkeypatch):
    module = fake_cv2(None)

    def refuse(*paths):
        raise module.error("(-2:Unspecified error)\n Can't create layer")

    module.dnn.readNetFromCaffe = refuse
    monkeypatch.setitem(sys.modules, "cv2", module)
    report = record_blobs(*files, tmp_path / "b.npz")
    assert report.by == "oracle"
    assert "Can't create layer" in report.notes[0]
    with pytest.raises(InputError, match="OpenCV cannot compute"):
        record_blobs(*files, tmp_path / "b.npz", by="opencv")


def test_an_opencv_without_caffe_counts_as_none(monkeypatch):
    module = types.ModuleType("cv2")
    monkeypatch.setitem(sys.modules, "cv2", module)
    assert opencv.imported() is None


def test_opencv_that_is_asked_for_and_missing_is_an_error(files, without_opencv, tmp_path):
    with pytest.raises(InputError, match="OpenCV is not installed"):
        record_blobs(*files, tmp_path / "b.npz", by="opencv")


@pytest.mark.backend
def test_genuine_opencv_agrees_with_the_model(files, tmp_path):
    pytest.importorskip("cv2", reason="the extra opencv, which no check installs for its size")
    record_blobs(*files, tmp_path / "b.npz", by="opencv")
    convert(*files, tmp_path / "m.h5")
    caffe2keras.verify(tmp_path / "m.h5", tmp_path / "b.npz").raise_if_different()


# The oracle, and what is fed


@pytest.fixture
def alone(without_pycaffe, without_opencv):
    """Only the oracle is there."""


@pytest.mark.backend
def test_verify_reads_what_was_recorded_and_says_by_whom(files, alone, tmp_path):
    report = caffe2keras.record_blobs(*files, tmp_path / "b.npz", seed=3)
    assert report.by == "oracle"
    convert(*files, tmp_path / "m.h5")
    proof = caffe2keras.verify(tmp_path / "m.h5", tmp_path / "b.npz")
    proof.raise_if_different()
    assert "b.npz (oracle" in proof.witness
    assert "random inputs, seed 3)" in proof.witness


def test_the_same_seed_gives_the_same_bytes(files, alone, tmp_path):
    for name, seed in [("a", 1), ("b", 1), ("c", 2)]:
        record_blobs(*files, tmp_path / name, seed=seed)
    a, b, c = ((tmp_path / name).read_bytes() for name in "abc")
    assert a == b != c


def test_given_inputs_are_fed(files, alone, digits, tmp_path):
    report = record_blobs(*files, tmp_path / "b.npz", inputs=digits / "blobs.npz")
    assert report.fed == "given inputs"
    mine, theirs = read_blobs(tmp_path / "b.npz"), read_blobs(digits / "blobs.npz")
    np.testing.assert_array_equal(mine.inputs["data"], theirs.inputs["data"])
    assert set(mine.outputs) == set(theirs.outputs) - {"data"}
    for name in mine.outputs:
        array = theirs.outputs[name]
        np.testing.assert_allclose(mine.outputs[name], array, rtol=1e-4, atol=1e-5)


def test_a_lone_array_is_for_the_only_input(files, alone, tmp_path):
    array = np.arange(3 * 64, dtype=np.float64).reshape(3, 1, 8, 8)
    np.save(tmp_path / "x.npy", array)
    record_blobs(*files, tmp_path / "b.npz", inputs=tmp_path / "x.npy")
    np.testing.assert_array_equal(read_blobs(tmp_path / "b.npz").inputs["data"], array)


@pytest.mark.parametrize(
    ("inputs", "told"),
    [({"dat": np.ones((1, 1, 8, 8))}, 'no input "dat"'), ("stranger", "nothing in it")],
)
def test_what_the_net_does_not_take_is_an_error(inputs, told, files, alone, tmp_path):
    if inputs == "stranger":
        inputs = tmp_path / "x.npz"
        np.savez(inputs, other=np.ones(3))
    with pytest.raises(InputError, match=told) as caught:
        record_blobs(*files, tmp_path / "b.npz", inputs=inputs)
    assert "its inputs are data" in caught.value.hint


def picture(tmp_path):
    from PIL import Image

    values = np.random.default_rng(0).integers(0, 256, (11, 8, 3), np.uint8)
    Image.fromarray(values).save(tmp_path / "p.png")
    return values.transpose(2, 0, 1)[::-1][None].astype(np.float32)


def test_a_picture_is_prepared_as_the_net_wants_it(resizable, alone, tmp_path):
    values = picture(tmp_path)
    report = record_blobs(resizable, None, tmp_path / "b.npz", image=tmp_path / "p.png")
    assert report.fed == "p.png, the values as they are"
    np.testing.assert_array_equal(read_blobs(tmp_path / "b.npz").inputs["data"], values)
    told = caffe2keras.preprocessing.Preprocessing(mean=(1.0, 2.0, 3.0), scale=0.5)
    record_blobs(resizable, None, tmp_path / "b.npz", image=tmp_path / "p.png", preprocessing=told)
    mean = np.array([1, 2, 3], np.float32).reshape(1, 3, 1, 1)
    np.testing.assert_array_equal(
        read_blobs(tmp_path / "b.npz").inputs["data"], (values - mean) * 0.5
    )


def test_either_inputs_or_an_image_not_both(resizable, tmp_path):
    with pytest.raises(ValueError, match="either inputs or an image"):
        record_blobs(resizable, None, tmp_path / "b.npz", inputs={}, image="p.png")


def test_nothing_is_left_where_the_disk_says_no(files, alone, tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(EmitError):
        record_blobs(*files, tmp_path / "taken")
    assert list((tmp_path / "taken").iterdir()) == []


# The word on the origin


@pytest.mark.parametrize(
    "text", ["[]", "{", '{"by": 1}', '{"by": "a", "version": "\\u001b[2J", "inputs": "x"}']
)
def test_a_strangers_word_is_passed_over(text, tmp_path):
    np.savez(tmp_path / "b.npz", x=np.ones(3))
    with zipfile.ZipFile(tmp_path / "b.npz", "a") as archive:
        archive.writestr("recorded.json", text)
    blobs = read_blobs(tmp_path / "b.npz")
    assert blobs.origin == ""
    assert list(blobs.outputs) == ["x"]


# The command


def test_the_command_says_who_has_computed_what(files, alone, tmp_path, capsys):
    assert main(["record", *map(str, files), "-o", str(tmp_path / "b.npz"), "--seed", "4"]) == 0
    out = capsys.readouterr().out
    assert "b.npz: 8 blobs by oracle" in out
    assert out.endswith("random inputs, seed 4\n")
    words = ["record", *map(str, files), "-o", str(tmp_path / "b.npz"), "--json"]
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["by"], told["outputs"]) == ("oracle", 8)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--inputs", "a", "--image", "b"], "either --inputs or --image"),
        (["--scale", "2"], "prepare an --image"),
        (["--with", "oracle", "--python", "p"], "--python is for pycaffe"),
        (["--with", "opencb"], "Did you mean 'opencv'?"),
    ],
)
def test_wrong_usage_of_the_command_is_told(words, told, tmp_path, capsys):
    assert main(["record", "net.prototxt", "-o", str(tmp_path / "b.npz"), *words]) == 2
    assert told in capsys.readouterr().err

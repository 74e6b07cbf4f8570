"""The Python file: how it reads, what it builds, and that names cannot break out of it."""

import ast
import inspect
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import caffe2keras.runtime
from caffe2keras.backend import keep_float32
from caffe2keras.convert import convert, load_net
from caffe2keras.emit.source.arguments import DEFAULTS, LEADING
from caffe2keras.emit.source.program import source_of
from caffe2keras.errors import EmitError, InputError, UnsupportedError
from caffe2keras.layer_map import map_net
from caffe2keras.load import load_model
from caffe2keras.record import read_record
from caffe2keras.spec import KerasLayer, KerasModel, KerasNode, NamedLayer, TensorRef

LAYERS = Path(__file__).parents[2] / "fixtures" / "layers"
SAMPLES = sorted(LAYERS.glob("*-000"))

INPUT = 'layer { name: "data" type: "Input" top: "data" input_param { shape { %s } } }\n'
IMAGE = INPUT % "dim: 2 dim: 3 dim: 11 dim: 8"


def text_of(prototxt, tmp_path, data_format="channels_last", **options):
    """The source for a net without weights."""
    path = tmp_path / "net.prototxt"
    path.write_text(prototxt)
    return source_of(map_net(load_net(path, **options), data_format, {}), "1.2.3")


def built(path):
    """The model that a file of source builds, its weights loaded."""
    model = runpy.run_path(str(path))["build"]()
    model.load_weights(path.with_suffix(".h5"))
    return model


def complaints(text, tmp_path):
    """What Ruff, as it comes, has to say; where it is not installed, nobody asks."""
    ruff = shutil.which("ruff", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if ruff is None:
        return ""
    path = tmp_path / "checked.py"
    path.write_text(text)
    calls = (["check", "--isolated", "--quiet"], ["format", "--isolated", "--quiet", "--diff"])
    done = [
        # Elsewhere, so that caffe2keras is a package among others.
        subprocess.run([ruff, *call, path], cwd=tmp_path, capture_output=True, text=True)
        for call in calls
    ]
    return "".join(one.stdout + one.stderr for one in done)


def conv_relu(i, before, filters, extra=""):
    return f"""
layer {{
  name: "stage{i}_conv" type: "Convolution" bottom: "{before}" top: "stage{i}"
  convolution_param {{ num_output: {filters} kernel_size: 3 pad: 1 {extra} }}
}}
layer {{ name: "stage{i}_relu" type: "ReLU" bottom: "stage{i}" top: "stage{i}" }}
layer {{ name: "stage{i}_scale" type: "Power" bottom: "stage{i}" top: "stage{i}s"
  power_param {{ scale: 0.3 }} }}
"""


def test_a_small_net_reads_as_a_person_would_write_it(lopsided, golden):
    model = map_net(load_net(lopsided), "channels_last", {})
    golden("source/lopsided", source_of(model, "1.2.3"))


def test_a_chain_of_equal_blocks_is_a_loop(tmp_path, golden):
    text = IMAGE + conv_relu(1, "data", 3)
    text += "".join(conv_relu(i, f"stage{i - 1}s", 3) for i in range(2, 6))
    source = text_of(text, tmp_path)
    golden("source/loop", source)
    assert complaints(source, tmp_path) == ""


def test_what_differs_between_blocks_is_handed_to_their_function(tmp_path):
    text = IMAGE + conv_relu(1, "data", 4)
    text += "".join(conv_relu(i, f"stage{i - 1}s", 2 + i) for i in range(2, 6))
    source = text_of(text, tmp_path)
    assert "def stage_block(x, block, filters):" in source
    assert 'x = stage_block(x, "3", 5)' in source
    assert 'name=f"stage{block}_conv"' in source


def test_blocks_that_are_wired_differently_stay_apart(tmp_path):
    text = IMAGE + conv_relu(1, "data", 3) + conv_relu(2, "data", 3)
    text += 'layer { name: "sum" type: "Eltwise" bottom: "stage1s" bottom: "stage2s" top: "sum" }'
    source = text_of(text, tmp_path)
    assert "def build()" in source
    assert source.count("def ") == 1


def fed(model, folder, record):
    """What was recorded of the inputs, as the model takes it."""
    entries = {entry.layer: entry for entry in record.inputs}
    with np.load(folder / "blobs.npz") as blobs:
        arrays = [
            entries[tensor.name].layout.to_keras(blobs[f"input/{entries[tensor.name].blob}"])
            for tensor in model.inputs
        ]
    arrays = [np.ascontiguousarray(array, np.float32) for array in arrays]
    return arrays if len(arrays) > 1 else arrays[0]


def answers(model, given):
    answer = keep_float32(model).predict_on_batch(given)
    return [np.asarray(one) for one in (answer if isinstance(answer, list | tuple) else [answer])]


@pytest.mark.backend
@pytest.mark.parametrize("folder", SAMPLES, ids=lambda folder: folder.name)
def test_the_source_builds_what_the_file_holds(folder, tmp_path):
    weights = folder / "net.caffemodel"
    target = tmp_path / "net.py"
    convert(folder / "net.prototxt", weights if weights.exists() else None, target, format="py")
    assert complaints(target.read_text(), tmp_path) == ""
    model, expected = built(target), load_model(tmp_path / "net.h5")
    assert [layer.name for layer in model.layers] == [layer.name for layer in expected.layers]
    for layer, other in zip(model.layers, expected.layers, strict=True):
        assert type(layer) is type(other)
        for mine, theirs in zip(layer.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_array_equal(mine, theirs)
    given = fed(model, folder, read_record(tmp_path / "net.h5"))
    for mine, theirs in zip(answers(model, given), answers(expected, given), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=1e-6)


@pytest.mark.backend
def test_it_keeps_the_axes_that_were_asked_for(lopsided, tmp_path):
    convert(lopsided, None, tmp_path / "net.py", format="py", data_format="channels_first")
    before = keras.config.image_data_format()
    try:
        model = built(tmp_path / "net.py")
    finally:
        keras.config.set_image_data_format(before)
    assert model.input_shape == (None, 3, 11, 8)


@pytest.mark.backend
def test_it_runs_as_a_script_and_prints_the_model(lopsided, tmp_path):
    convert(lopsided, None, tmp_path / "net.py", format="py")
    environment = {**os.environ, "PYTHONPATH": str(Path(caffe2keras.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "net.py"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert 'Model: "lopsided"' in done.stdout
    assert "Total params" in done.stdout


SHARED = """
layer { name: "one" type: "InnerProduct" bottom: "data" top: "one" param { name: "w" }
  param { name: "b" } inner_product_param { num_output: 5 } }
layer { name: "two" type: "InnerProduct" bottom: "other" top: "two" param { name: "w" }
  param { name: "b" } inner_product_param { num_output: 5 } }
layer { name: "sum" type: "Eltwise" bottom: "one" bottom: "two" top: "sum" }
"""


@pytest.mark.backend
def test_a_layer_with_two_calls_is_made_once(tmp_path):
    path = tmp_path / "net.prototxt"
    other = 'layer { name: "other" type: "Input" top: "other" input_param { shape { %s } } }'
    path.write_text(INPUT % "dim: 2 dim: 3" + other % "dim: 2 dim: 3" + SHARED)
    convert(path, None, tmp_path / "net.py", format="py")
    text = (tmp_path / "net.py").read_text()
    assert text.count("Dense(5") == 1
    assert built(tmp_path / "net.py").count_params() == 3 * 5 + 5


@pytest.mark.backend
def test_the_outputs_of_one_call_are_told_apart(tmp_path):
    text = (
        IMAGE
        + """
layer { name: "pool" type: "Pooling" bottom: "data" top: "pool" top: "mask"
  pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "up" type: "Power" bottom: "mask" top: "up" power_param { scale: 0.3 } }
"""
    )
    path = tmp_path / "net.prototxt"
    path.write_text(text)
    convert(path, None, tmp_path / "net.py", format="py")
    assert "(pool[1])" in (tmp_path / "net.py").read_text()
    assert len(built(tmp_path / "net.py").outputs) == 2


# Names

HOSTILE = [
    '"); import os  #',
    "a\\nb = 1",
    "{block}",
    "lambda",
    "print",
    "l",
    "3x3/reduce",
    "x",
    "Conv2D",
    "\u00e9t\u00e9",
    "long" * 40,
]


@pytest.mark.backend
def test_no_name_can_break_out(tmp_path):
    layers, before = [], "data"
    for i, name in enumerate(HOSTILE):
        said = name.replace("\\", "\\\\").replace('"', '\\"')
        layers.append(
            f'layer {{ name: "{said}" type: "Convolution" bottom: "{before}" top: "t{i}" '
            "convolution_param { num_output: 3 kernel_size: 1 } }"
        )
        before = f"t{i}"
    path = tmp_path / "net.prototxt"
    name = '\\"\\"\\" {x} \\n import os'
    path.write_text(f'name: "{name}"\n' + IMAGE + "\n".join(layers))
    convert(path, None, tmp_path / "net.py", format="py")
    text = (tmp_path / "net.py").read_text()
    assert complaints(text, tmp_path) == ""
    calls = {node.func.id for node in ast.walk(ast.parse(text)) if called_by_name(node)}
    assert calls == {"Conv2D", "Path", "build"}
    model, expected = built(tmp_path / "net.py"), load_model(tmp_path / "net.h5")
    assert [layer.name for layer in model.layers] == [layer.name for layer in expected.layers]


def called_by_name(node):
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name)


def handmade(class_name, config):
    layer = NamedLayer("odd", KerasLayer(class_name, config), "odd")
    data = NamedLayer("data", KerasLayer("InputLayer", {"batch_input_shape": [None, 3]}), "data")
    end = TensorRef("odd")
    nodes = (KerasNode("odd", (TensorRef("data"),)),)
    return KerasModel("net", (data, layer), nodes, (TensorRef("data"),), (end,), ())


def test_a_value_is_a_literal_whatever_is_in_it():
    text = source_of(handmade("Odd", {"word": "'\"\n{}", "many": [1, [2.5]], "none": None}), "1")
    told = next(
        {k.arg: ast.literal_eval(k.value) for k in node.keywords}
        for node in ast.walk(ast.parse(text))
        if called_by_name(node) and node.func.id == "Odd"
    )
    assert told == {"word": "'\"\n{}", "many": (1, (2.5,)), "none": None, "name": "odd"}


def test_numbers_that_are_none_are_said_by_name():
    text = source_of(handmade("Odd", {"a": float("inf"), "b": float("nan"), "c": 1e300}), "1")
    assert 'a=float("inf"), b=float("nan"), c=1e+300' in text


@pytest.mark.parametrize(
    ("class_name", "config", "told"),
    [
        ("mine>Odd", {}, "plugin's class, mine>Odd"),
        ("Odd", {"x=1)\n": 1}, "which Python cannot say"),
        ("Odd", {"class": 1}, "which Python cannot say"),
    ],
)
def test_what_no_source_can_say_is_refused(class_name, config, told):
    with pytest.raises(UnsupportedError, match=told):
        source_of(handmade(class_name, config), "1")


# Files


def test_both_files_appear_or_neither(lopsided, tmp_path, monkeypatch):
    folder = tmp_path / "out"
    folder.mkdir()

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("caffe2keras.emit.hdf5.write_arrays", full)
    with pytest.raises(EmitError, match="No space left"):
        convert(lopsided, None, folder / "net.py", format="py")
    assert os.listdir(folder) == []


@pytest.mark.parametrize("name", ["net.py", "net.h5"])
def test_a_folder_in_the_way_is_noticed_before_anything_is_written(name, lopsided, tmp_path):
    (tmp_path / "out" / name).mkdir(parents=True)
    with pytest.raises(EmitError, match="it is a folder"):
        convert(lopsided, None, tmp_path / "out" / "net.py", format="py")
    assert os.listdir(tmp_path / "out") == [name]


def test_source_is_not_written_where_its_weights_go(lopsided, tmp_path):
    with pytest.raises(EmitError, match="where the weights go"):
        convert(lopsided, None, tmp_path / "net.h5", format="py")


def test_the_weights_do_not_overwrite_the_caffemodel(digits, tmp_path):
    shutil.copy(digits / "digits.caffemodel.h5", tmp_path)
    with pytest.raises(InputError, match="one of the files to convert"):
        convert(
            digits / "deploy.prototxt",
            tmp_path / "digits.caffemodel.h5",
            tmp_path / "digits.caffemodel.py",
            format="py",
        )


def test_the_same_net_gives_the_same_bytes(digits, tmp_path):
    for name in ("a", "b"):
        convert(
            digits / "deploy.prototxt",
            digits / "digits.caffemodel",
            tmp_path / f"{name}.py",
            format="py",
        )
    assert (tmp_path / "a.py").read_bytes() == (tmp_path / "b.py").read_bytes()
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


# What Keras takes where nothing is said


@pytest.mark.backend
@pytest.mark.parametrize("class_name", sorted(DEFAULTS))
def test_the_defaults_are_those_of_keras(class_name):
    home = caffe2keras.runtime if ">" in class_name else keras.layers
    found = inspect.signature(getattr(home, class_name.rpartition(">")[2]).__init__).parameters
    for name, value in DEFAULTS[class_name].items():
        default = found[name].default
        one = default[0] if isinstance(default, tuple) and len(set(default)) == 1 else default
        assert one == value, name


@pytest.mark.backend
@pytest.mark.parametrize("class_name", sorted(LEADING))
def test_what_is_said_without_a_name_comes_first(class_name):
    found = inspect.signature(getattr(keras.layers, class_name).__init__).parameters
    assert tuple(found)[1 : 1 + len(LEADING[class_name])] == LEADING[class_name]


@pytest.mark.backend
def test_the_steps_of_an_lstm_that_is_written_out_are_calls_of_a_function(tmp_path, golden):
    folder = LAYERS / "unrolled_lstm-005"
    files = folder / "net.prototxt", folder / "net.caffemodel"
    convert(*files, tmp_path / "net.py", format="py", recurrent="keep")
    text = (tmp_path / "net.py").read_text()
    assert complaints(text, tmp_path) == ""
    golden("source/steps", text.replace(caffe2keras.__version__, "1.2.3"))
    model, expected = built(tmp_path / "net.py"), load_model(tmp_path / "net.h5")
    given = fed(model, folder, read_record(tmp_path / "net.h5"))
    np.testing.assert_array_equal(answers(model, given)[0], answers(expected, given)[0])


def test_a_net_of_residual_blocks_has_one_function_for_each_kind(tmp_path, golden):
    def block(word, before, filters, wider):
        main = f"""
layer {{ name: "res{word}_a" type: "Convolution" bottom: "{before}" top: "a{word}"
  convolution_param {{ num_output: {filters} kernel_size: 1 }} }}
layer {{ name: "res{word}_a_relu" type: "ReLU" bottom: "a{word}" top: "a{word}" }}
layer {{ name: "res{word}_b" type: "Convolution" bottom: "a{word}" top: "b{word}"
  convolution_param {{ num_output: {4 * filters} kernel_size: 3 pad: 1 }} }}"""
        if not wider:
            return (
                main
                + f"""
layer {{ name: "res{word}" type: "Eltwise" bottom: "{before}" bottom: "b{word}" top: "{word}" }}"""
            )
        return (
            main
            + f"""
layer {{ name: "res{word}_c" type: "Convolution" bottom: "{before}" top: "c{word}"
  convolution_param {{ num_output: {4 * filters} kernel_size: 1 }} }}
layer {{ name: "res{word}" type: "Eltwise" bottom: "c{word}" bottom: "b{word}" top: "{word}" }}"""
        )

    text, before = IMAGE, "data"
    for stage, filters, letters in [("2", 3, "abc"), ("3", 5, "abcdef"), ("4", 6, "ab")]:
        for letter in letters:
            text += block(stage + letter, before, filters, letter == "a")
            before = stage + letter
    source = text_of(text, tmp_path)
    assert complaints(source, tmp_path) == ""
    golden("source/residual", source)


def test_a_skip_across_a_loop_keeps_its_name(tmp_path):
    text = IMAGE + 'layer { name: "first" type: "TanH" bottom: "data" top: "stage0s" }'
    text += "".join(conv_relu(i, f"stage{i - 1}s", 3) for i in range(1, 6))
    text += 'layer { name: "sum" type: "Eltwise" bottom: "stage0s" bottom: "stage5s" top: "sum" }'
    source = text_of(text, tmp_path)
    assert "[first, x]" in source


def test_a_deep_chain_is_searched_in_no_time(tmp_path):
    layers = (
        f'layer {{ name: "r{i}" type: "ReLU" bottom: "b{i}" top: "b{i + 1}" }}' for i in range(999)
    )
    text = (INPUT % "dim: 2 dim: 3").replace('top: "data"', 'top: "b0"') + "\n".join(layers)
    source = text_of(text, tmp_path)
    assert source.count("ReLU(") == 999

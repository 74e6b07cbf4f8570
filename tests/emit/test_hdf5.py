"""The file: its structure as text, its bytes from run to run, and how it loads."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

import caffe2keras.runtime  # noqa: F401  registers the layers that the file names
from caffe2keras.convert import convert
from caffe2keras.emit import hdf5
from caffe2keras.spec import KerasLayer, KerasModel, KerasNode, NamedLayer, TensorRef


def dump(path: Path) -> str:
    """Groups, attributes, shapes and value hashes, one line each."""
    with h5py.File(path) as file:
        return "\n".join(lines(file)) + "\n"


def lines(group: h5py.Group) -> Iterator[str]:
    for key in sorted(group.attrs):
        yield f"{group.name} @{key} = {attribute(group.attrs[key])}"
    for name in sorted(group):
        if isinstance(group[name], h5py.Group):
            yield from lines(group[name])
        else:
            numbers = group[name][()]
            digest = hashlib.sha256(numbers.tobytes()).hexdigest()[:16]
            yield f"{group[name].name} {numbers.dtype} {numbers.shape} {digest}"


def attribute(value: object) -> str:
    if isinstance(value, np.ndarray):
        return str([name.decode() for name in value])
    text = value.decode()
    return json.dumps(json.loads(text), indent=1) if text.startswith("{") else text


def test_the_digits_file_has_not_changed(
    digits: Path, tmp_path: Path, golden: Callable[[str, str], None]
) -> None:
    report = convert(digits / "deploy.prototxt", digits / "digits.caffemodel", tmp_path / "d.h5")
    golden("hdf5/digits", dump(report.output))


def test_the_same_input_gives_the_same_bytes(digits: Path, tmp_path: Path) -> None:
    once, again = tmp_path / "a.h5", tmp_path / "b" / "other-name.h5"
    again.parent.mkdir()
    for target in (once, again):
        time.sleep(1.1)  # HDF5 counts in seconds, if it is let
        convert(digits / "deploy.prototxt", digits / "digits.caffemodel", target)
    assert once.read_bytes() == again.read_bytes()


def test_the_sources_folder_leaves_no_trace(digits: Path, tmp_path: Path) -> None:
    for name in ("deploy.prototxt", "digits.caffemodel"):
        shutil.copy(digits / name, tmp_path)
    convert(digits / "deploy.prototxt", digits / "digits.caffemodel", tmp_path / "a.h5")
    convert(tmp_path / "deploy.prototxt", tmp_path / "digits.caffemodel", tmp_path / "b.h5")
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    assert os.fsencode(tmp_path) not in (tmp_path / "b.h5").read_bytes()


def test_both_weights_formats_give_the_same_numbers(digits: Path, tmp_path: Path) -> None:
    for name in ("digits.caffemodel", "digits.caffemodel.h5"):
        convert(digits / "deploy.prototxt", digits / name, tmp_path / f"{name}.out")
    texts = [
        dump(tmp_path / f"{name}.out") for name in ("digits.caffemodel", "digits.caffemodel.h5")
    ]
    one, other = ([line for line in text.splitlines() if "float32" in line] for text in texts)
    assert one == other != []


@pytest.mark.backend
def test_keras_loads_it_in_safe_mode_with_the_names_of_the_layers(
    digits: Path, tmp_path: Path
) -> None:
    report = convert(digits / "deploy.prototxt", digits / "digits.caffemodel", tmp_path / "d.h5")
    model = keras.models.load_model(report.output, compile=False, safe_mode=True)
    names = [layer.name for layer in model.layers]
    assert names[:3] == ["data", "conv1", "relu1"]
    assert model.input_shape == (None, 8, 8, 1)
    assert model.output_shape == (None, 10)
    kernel = model.get_layer("conv2").kernel
    with h5py.File(digits / "digits.caffemodel.h5") as file:
        expected = file["data/conv2/0"][()].transpose(2, 3, 1, 0)
    np.testing.assert_array_equal(np.asarray(kernel), expected)


def test_an_attribute_above_keras_limit_is_split_as_keras_splits_it(tmp_path: Path) -> None:
    names = [f"{'layer' * 30}{i}" for i in range(900)]
    with h5py.File(tmp_path / "x.h5", "w") as file:
        hdf5._write_names(file, "layer_names", names)
        parts = [file.attrs[f"layer_names{i}"] for i in range(len(file.attrs))]
    assert [name.decode() for part in parts for name in part] == names
    assert all(part.nbytes <= 64512 for part in parts)


def test_a_config_above_64_kilobytes_is_stored_whole(tmp_path: Path) -> None:
    path = tmp_path / "wide.prototxt"
    head = 'layer { name: "data" type: "Input" top: "b0" input_param { shape { dim: 2 dim: 3 } } }'
    chain = [
        f'layer {{ name: "{"r" * 80}{i}" type: "ReLU" bottom: "b{i}" top: "b{i + 1}" }}'
        for i in range(600)
    ]
    path.write_text("\n".join([head, *chain]))
    report = convert(path, output=tmp_path / "wide.h5")
    with h5py.File(report.output) as file:
        config = file.attrs["model_config"]
    assert len(config) > 1 << 16
    assert len(json.loads(config)["config"]["layers"]) == 601


def test_a_view_of_another_size_than_its_variable_is_our_own_mistake(tmp_path: Path) -> None:
    from caffe2keras.spec import Variable

    wrong = Variable("kernel", (2, 3), np.zeros((2, 2), np.float32))
    layer = NamedLayer("a", KerasLayer("Dense", {}, (wrong,)), "a")
    data = NamedLayer("data", KerasLayer("InputLayer", {}), "data")
    model = KerasModel(
        "net",
        (data, layer),
        (KerasNode("a", (TensorRef("data"),)),),
        (TensorRef("data"),),
        (TensorRef("a"),),
        (),
    )
    with pytest.raises(ValueError, match="does not fill"):
        hdf5.write_hdf5(model, dict, tmp_path / "x.h5")
    assert os.listdir(tmp_path) == []

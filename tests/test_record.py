import json
import zipfile

import h5py
import numpy as np
import pytest

from caffe2keras.convert import convert
from caffe2keras.errors import InputError
from caffe2keras.layout import Layout
from caffe2keras.record import ZIP_MEMBER, read_record


@pytest.fixture
def model(lopsided, tmp_path):
    return convert(lopsided, output=tmp_path / "lopsided.h5").output


@pytest.fixture
def rewritten(model):
    """The converted file with a record changed by hand."""

    def rewrite(change):
        with h5py.File(model, "r+") as file:
            record = json.loads(file.attrs["caffe2keras"])
            change(record)
            file.attrs["caffe2keras"] = np.bytes_(json.dumps(record).encode())
        return model

    return rewrite


def test_the_record_of_a_conversion_is_read_back(model):
    record = read_record(model)
    assert record.net == "lopsided"
    assert record.data_format == "channels_last"
    assert record.sources.prototxt.name == "lopsided.prototxt"
    assert record.sources.weights is None
    (fed,) = record.inputs
    assert (fed.blob, fed.shape, fed.layout) == ("data", (2, 3, 11, 8), Layout((0, 2, 3, 1)))
    assert record.outputs == ("prob",)
    assert [(blob.blob, blob.caffe_layer, blob.final) for blob in record.blobs] == [
        ("data", "data", True),
        ("conv", "conv", False),
        ("conv", "relu", True),
        ("pool", "pool", True),
        ("fc", "fc", True),
        ("prob", "prob", True),
    ]
    assert {(v.layer, v.variable, v.index) for v in record.variables} == {
        ("conv", "kernel", 0),
        ("conv", "bias", 1),
        ("fc", "kernel", 0),
        ("fc", "bias", 1),
    }
    assert record.static_batch is None
    assert not record.resizable


def test_an_input_that_has_further_names_is_one_input(tmp_path):
    net = tmp_path / "net.prototxt"
    net.write_text(
        'input: "data" input_shape { dim: 2 dim: 3 dim: 5 dim: 4 }\n'
        'layer { name: "c" type: "Concat" bottom: "data" top: "again" }\n'
        'layer { name: "r" type: "ReLU" bottom: "again" top: "r" }\n'
    )
    record = read_record(convert(net, output=tmp_path / "net.h5").output)
    assert [fed.blob for fed in record.inputs] == ["data"]
    assert [blob.blob for blob in record.blobs] == ["data", "again", "r"]


def test_an_archive_carries_its_record_in_a_member(model, tmp_path):
    with h5py.File(model) as file:
        text = bytes(file.attrs["caffe2keras"])
    archive = tmp_path / "lopsided.keras"
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr(ZIP_MEMBER, text)
    assert read_record(archive) == read_record(model)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("net", 7, "record.net: expected str, received 7"),
        ("resizable", 1, "record.resizable: expected bool, received 1"),
        ("static_batch", True, "record.static_batch: expected int, received True"),
        ("outputs", "prob", "record.outputs: expected list, received 'prob'"),
        ("data_format", "NHWC", "record.data_format: expected one of channels_last"),
        ("sources", {"weights": None}, "record.sources lacks prototxt"),
        ("inputs", [{}], "record.inputs[0] lacks blob, layer, shape, layout"),
        ("notes", [None], "record.notes[0]: expected dict, received None"),
    ],
)
def test_a_damaged_record_is_an_error_that_names_the_place(rewritten, key, value, message):
    path = rewritten(lambda record: record.update({key: value}))
    with pytest.raises(InputError) as caught:
        read_record(path)
    assert caught.value.what == f"the record of the conversion in {path} is damaged"
    assert message in caught.value.why


def test_a_layout_that_is_no_permutation_is_damage(rewritten):
    path = rewritten(lambda record: record["inputs"][0].update(layout=[0, 2, 2, 1]))
    with pytest.raises(InputError, match=r"layout: expected a permutation, received \[0, 2, 2, 1"):
        read_record(path)


def test_a_later_version_may_add_to_the_record(rewritten):
    path = rewritten(lambda record: record.update(colour="green"))
    assert read_record(path).net == "lopsided"


def test_a_record_that_is_no_json_is_damage(model):
    with h5py.File(model, "r+") as file:
        file.attrs["caffe2keras"] = np.bytes_(b"{")
    with pytest.raises(InputError, match="is damaged"):
        read_record(model)


def test_an_hdf5_file_of_somebody_else_has_no_record(tmp_path):
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["numbers"] = np.arange(3)
    with pytest.raises(InputError, match="carries no record of a conversion"):
        read_record(path)


def test_an_archive_of_somebody_else_has_no_record(tmp_path):
    path = tmp_path / "other.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(InputError, match="carries no record of a conversion"):
        read_record(path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "no such file"),
        (b"", "received an empty file"),
        (b"layer {}\n", "received a text file"),
        (b"\x89HDF\r\n\x1a\n", "is damaged"),
        (b"PK\x03\x04", "is damaged"),
    ],
)
def test_what_is_no_keras_file_at_all_is_called_by_its_name(tmp_path, data, message):
    path = tmp_path / "model.h5"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        read_record(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_an_axis_of_open_length_is_none_unless_the_record_says_so(rewritten):
    path = rewritten(lambda record: record["blobs"][0].update(padded_axis=2))
    first, second, *_ = read_record(path).blobs
    assert first.padded_axis == 2
    assert second.padded_axis is None

import json

import h5py
import pytest

from caffe2keras.convert import convert
from caffe2keras.diagram.converted import chart_of_file
from caffe2keras.errors import InputError
from caffe2keras.record import read_record

SIAMESE = """
input: "a" input_shape { dim: 2 dim: 3 dim: 5 dim: 4 }
input: "b" input_shape { dim: 2 dim: 3 dim: 5 dim: 4 }
layer { name: "one" type: "InnerProduct" bottom: "a" top: "one"
  param { name: "w" } param { name: "c" } inner_product_param { num_output: 7 } }
layer { name: "two" type: "InnerProduct" bottom: "b" top: "two"
  param { name: "w" } param { name: "c" } inner_product_param { num_output: 7 } }
layer { name: "sum" type: "Eltwise" bottom: "one" bottom: "two" top: "sum" }
"""


def chart(prototxt, target, **options):
    convert(prototxt, None, target, **options)
    return chart_of_file(target, read_record(target))


def names(chart):
    return [node.steps[0].name for node in chart.nodes]


def test_a_file_shows_its_layers_under_caffes_names(lopsided, tmp_path):
    found = chart(lopsided, tmp_path / "net.h5")
    assert names(found) == ["data", "conv", "pool", "fc", "prob"]
    assert [step.type for step in found.nodes[1].steps] == ["Conv2D", "ReLU"]
    assert found.nodes[1].steps[0].detail == "behind ZeroPadding2D"
    assert [edge.target for edge in found.edges] == [1, 2, 3, 4, None]
    assert found.edges[0].shape == (2, 3, 11, 8)


@pytest.mark.backend
def test_an_archive_shows_the_same_as_hdf5(lopsided, tmp_path):
    hdf5 = chart(lopsided, tmp_path / "net.h5")
    archive = chart(lopsided, tmp_path / "net.keras", format="keras")
    assert names(archive) == names(hdf5)
    assert archive.edges == hdf5.edges


def test_a_layer_called_twice_stands_twice(tmp_path):
    (tmp_path / "net.prototxt").write_text(SIAMESE)
    found = chart(tmp_path / "net.prototxt", tmp_path / "net.h5")
    blobs = [blob for node in found.nodes for blob in node.blobs]
    assert sorted(blobs) == ["a", "b", "one", "sum", "two"]
    assert all(edge.target is None or edge.source < edge.target for edge in found.edges)
    into = [edge.blob for edge in found.edges if edge.target == names(found).index("sum")]
    assert sorted(into) == ["one", "two"]


def test_a_file_without_a_config_is_an_input_error(lopsided, tmp_path):
    convert(lopsided, None, tmp_path / "net.h5")
    record = read_record(tmp_path / "net.h5")
    with h5py.File(tmp_path / "net.h5", "r+") as file:
        del file.attrs["model_config"]
    with pytest.raises(InputError, match="no description of its layers"):
        chart_of_file(tmp_path / "net.h5", record)
    with h5py.File(tmp_path / "net.h5", "r+") as file:
        file.attrs["model_config"] = json.dumps({}).encode()
    with pytest.raises(InputError):
        chart_of_file(tmp_path / "net.h5", record)

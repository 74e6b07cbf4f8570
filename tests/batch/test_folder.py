"""Which prototxt belongs to which weights."""

from pathlib import Path

import pytest

from caffe2keras.batch.folder import find_nets
from caffe2keras.errors import CaffemodelError, InputError

ALL = ("deploy.prototxt", "train_val.prototxt", "solver.prototxt")


@pytest.fixture
def found(tmp_path):
    """Search a folder: (name, prototxt's name, fault) for each net, and the notes."""

    def search(root):
        nets, notes = find_nets(root, tmp_path / "out")
        return [(net.name, net.prototxt.name, net.fault) for net in nets], notes

    return search


def test_weights_find_the_prototxt_beside_them(pair, found):
    root = pair("a/b", names={"deploy.prototxt": "net.pbtxt"})
    assert found(root) == ([("a/b/digits", "net.pbtxt", None)], [])


def test_a_net_to_deploy_goes_before_one_to_train_and_a_solver_is_none(pair, found):
    assert found(pair("a", ALL)) == ([("a/digits", "deploy.prototxt", None)], [])


def test_a_net_to_train_is_taken_where_there_is_no_other(pair, found):
    root = pair("a", ALL[1:])
    assert found(root)[0] == [("a/digits", "train_val.prototxt", None)]


def test_the_same_weights_in_both_formats_are_two_nets(pair, found):
    root = pair("a", weights=("digits.caffemodel", "digits.caffemodel.h5"))
    assert [name for name, _, _ in found(root)[0]] == ["a/digits", "a/digits-hdf5"]


def test_layer_names_sort_out_several_pairs_in_one_folder(pair, found):
    root = pair("a", names={"deploy.prototxt": "z.prototxt"})
    other = Path(__file__).parents[1] / "fixtures" / "layers" / "inner_product-000"
    for name in ("net.prototxt", "net.caffemodel"):
        (root / "a" / name).write_bytes((other / name).read_bytes())
    assert found(root)[0] == [
        ("a/digits", "z.prototxt", None),
        ("a/net", "net.prototxt", None),
    ]


def test_of_two_that_fit_the_one_called_like_the_weights_is_meant(pair, found):
    root = pair("a")
    text = (root / "a" / "deploy.prototxt").read_text()
    (root / "a" / "deploy2.prototxt").write_text(text)
    [(name, _, fault)], _ = found(root)
    assert name == "a/digits"
    assert isinstance(fault, InputError)
    assert fault.what == (
        "2 prototxts fit this file equally well: deploy.prototxt and deploy2.prototxt"
    )
    (root / "a" / "digits.prototxt").write_text(text)
    assert found(root)[0] == [("a/digits", "digits.prototxt", None)]


def test_weights_without_a_prototxt_are_told(pair, found):
    root = pair("a", prototxts=())
    [(_, _, fault)], _ = found(root)
    assert fault.what == "there is no prototxt beside this file"


def test_weights_of_another_net_are_told(pair, found):
    root = pair("a")
    for name in ("x", "y"):
        (root / "a" / f"{name}.prototxt").write_text(
            f'input: "{name}" input_shape {{ dim: 2 }} '
            f'layer {{ name: "{name}" type: "ReLU" bottom: "{name}" top: "y" }}'
        )
    (root / "a" / "deploy.prototxt").unlink()
    [(_, _, fault)], _ = found(root)
    assert fault.what == "no prototxt beside this file has one of its layers"
    assert fault.why == "beside it are x.prototxt, y.prototxt"


def test_weights_that_cannot_be_read_are_told_where_they_must_be(pair, found):
    root = pair("a", ALL)
    (root / "a" / "digits.caffemodel").write_bytes(b"")
    [(_, _, fault)], _ = found(root)
    assert isinstance(fault, CaffemodelError)


def test_what_has_no_weights_beside_it_or_is_no_net_is_noted(pair, found):
    root = pair("a")
    (root / "a" / "notes.prototxt").write_text("layer {")
    alone = pair("alone", weights=()) / "alone" / "deploy.prototxt"
    nets, notes = found(root)
    assert nets == [("a/digits", "deploy.prototxt", None)]
    broken, lonely = notes
    assert broken.startswith(f"passed over: {root / 'a' / 'notes.prototxt'}: ")
    assert lonely == f"passed over: {alone}: no weights beside it"


def test_hidden_folders_and_the_output_are_not_searched(pair, tmp_path):
    root = pair("a")
    pair(".hidden"), pair("out")
    nets, _ = find_nets(root, root / "out")
    assert [net.name for net in nets] == ["a/digits"]


def test_a_folder_without_nets_is_an_error(tmp_path, found):
    with pytest.raises(InputError, match="there is no net in this folder"):
        found(tmp_path)

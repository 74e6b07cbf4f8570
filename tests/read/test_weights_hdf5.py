"""Weights from Caffe's HDF5 layout, and what an HDF5 file may try."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from caffe2keras.errors import CaffemodelError
from caffe2keras.read.caffemodel import read_weights
from caffe2keras.read.weights import LayerBlobs

Written = Callable[[Callable[[h5py.File], object]], Path]

RNG = np.random.default_rng(11)
KERNEL = RNG.standard_normal((3, 2, 5, 1)).astype(np.float32)
BIAS = RNG.standard_normal(3).astype(np.float32)


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """An HDF5 file filled by a function."""

    def write(fill: Callable[[h5py.File], object]) -> Path:
        path = tmp_path / "net.caffemodel.h5"
        with h5py.File(path, "w") as file:
            fill(file)
        return path

    return write


def layers(path: Path) -> dict[str, LayerBlobs]:
    return {layer.name: layer for layer in read_weights(path).layers}


def refusal(path: Path) -> str:
    with pytest.raises(CaffemodelError) as caught:
        for layer in read_weights(path).layers:
            for blob in layer.blobs:
                assert blob is not None
                blob.array()
    return str(caught.value).replace(str(path), path.name)


def test_each_layer_is_a_group_of_numbered_arrays(written: Written) -> None:
    def fill(file: h5py.File) -> None:
        file["data/conv/1"], file["data/conv/0"] = BIAS, KERNEL
        file.create_group("data/relu")
        file["diff/conv/0"] = KERNEL

    read = layers(written(fill))
    assert [(name, len(layer.blobs)) for name, layer in read.items()] == [("conv", 2), ("relu", 0)]
    for blob, expected in zip(read["conv"].blobs, (KERNEL, BIAS), strict=True):
        assert blob is not None
        assert (blob.shape, blob.legacy, blob.problem) == (expected.shape, False, "")
        np.testing.assert_array_equal(blob.array(), expected)


def test_slashes_in_names_are_groups_in_groups(written: Written) -> None:
    def fill(file: h5py.File) -> None:
        file["data/inception/1x1/0"] = KERNEL
        file["data/inception/1x1/relu/0"] = BIAS
        file.create_group("data/inception/pool")

    read = layers(written(fill))
    assert list(read) == ["inception/1x1", "inception/1x1/relu", "inception/pool"]


def test_a_shared_array_leaves_a_gap(written: Written) -> None:
    def fill(file: h5py.File) -> None:
        file["data/twin/1"] = BIAS

    first, second = layers(written(fill))["twin"].blobs
    assert first is None
    assert second is not None
    np.testing.assert_array_equal(second.array(), BIAS)


def test_arrays_in_one_piece_are_views_of_the_file(written: Written) -> None:
    path = written(lambda file: file.create_dataset("data/conv/0", data=KERNEL))
    blob = layers(path)["conv"].blobs[0]
    assert blob is not None
    path.unlink()
    np.testing.assert_array_equal(blob.array(), KERNEL)


@pytest.mark.parametrize(
    "options",
    [
        {"dtype": "<f8"},
        {"dtype": ">f4"},
        {"dtype": "<f4", "chunks": (2, 1, 3, 1), "compression": "gzip"},
        {"dtype": "<f4", "chunks": (3, 2, 5, 1), "shuffle": True, "fletcher32": True},
    ],
    ids=["double", "big-endian", "compressed", "filtered"],
)
def test_every_storage_gives_the_same_numbers(written: Written, options: dict[str, object]) -> None:
    path = written(lambda file: file.create_dataset("data/conv/0", data=KERNEL, **options))
    blob = layers(path)["conv"].blobs[0]
    assert blob is not None
    array = blob.array()
    np.testing.assert_array_equal(array, KERNEL)
    assert (array.dtype, array.flags.c_contiguous, array.flags.writeable) == (
        np.dtype("<f4"),
        True,
        False,
    )


def test_empty_arrays_and_single_numbers_are_arrays_too(written: Written) -> None:
    def fill(file: h5py.File) -> None:
        file["data/a/0"] = np.empty((0, 3), np.float32)
        file["data/a/1"] = np.float32(2.5)

    arrays = [blob.array() for blob in layers(written(fill))["a"].blobs if blob]
    assert [array.shape for array in arrays] == [(0, 3), ()]
    assert arrays[1] == 2.5


def test_names_need_not_be_utf8(written: Written) -> None:
    def fill(file: h5py.File) -> None:
        file["data/café/0"], file["data/conv/0"] = BIAS, KERNEL

    path = written(fill)
    path.write_bytes(path.read_bytes().replace("café".encode(), b"caf\xe9\xe8"))
    assert list(layers(path)) == ["caféè", "conv"]


# What a file may try


def test_links_are_not_followed(written: Written, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["0"] = KERNEL
    for link in (h5py.ExternalLink(str(tmp_path / "other.h5"), "/0"), h5py.SoftLink("/data/b/0")):
        path = written(lambda file, link=link: file.update({"data/a/0": link, "data/b/0": BIAS}))
        assert refusal(path) == (
            "this HDF5 file cannot be read\n"
            "  in: net.caffemodel.h5\n"
            "  why: /data/a/0 is a link to elsewhere, which is not followed\n"
            "  try: fetch or copy it again, or have it written anew"
        )


def test_external_storage_is_not_opened(written: Written, tmp_path: Path) -> None:
    secret = tmp_path / "secret.bin"
    secret.write_bytes(BIAS.tobytes())

    def fill(file: h5py.File) -> None:
        file.create_dataset("data/a/0", (3,), "<f4", external=[(str(secret), 0, 12)])

    assert refusal(written(fill)) == (
        "a blob cannot be read\n"
        '  in: net.caffemodel.h5, layer "a", blob 0\n'
        "  why: its numbers lie in another file, which is not opened"
    )


def test_virtual_arrays_are_not_opened(written: Written, tmp_path: Path) -> None:
    layout = h5py.VirtualLayout((3,), "<f4")
    layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "x", (3,))
    path = written(lambda file: file.create_virtual_dataset("data/a/0", layout))
    assert "its numbers lie in another file" in refusal(path)


def test_knots_of_groups_are_walked_once(written: Written) -> None:
    def fill(file: h5py.File) -> None:
        file["data/a/0"] = BIAS
        file["data/a/back"] = file["data"]
        file["data/b"] = file["data/a"]

    assert list(layers(written(fill))) == ["a"]


def test_an_array_that_declares_far_more_than_it_stores_is_refused(written: Written) -> None:
    def fill(file: h5py.File) -> None:
        file.create_dataset("data/a/0", (1 << 40,), "<f4", chunks=(1024,))

    assert "it declares 4,398,046,511,104 bytes and stores far fewer" in refusal(written(fill))


def test_an_array_of_text_is_refused(written: Written) -> None:
    path = written(lambda file: file.create_dataset("data/a/0", data=[b"x"]))
    assert "it holds no numbers" in refusal(path)


def test_an_array_numbered_out_of_all_reason_is_refused(written: Written) -> None:
    path = written(lambda file: file.create_dataset("data/a/999999999", data=BIAS))
    assert 'layer "a" has an array numbered 999999999' in refusal(path)


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("model_weights/x", "this is a Keras model already; give Caffe's file"),
        (
            "history/0",
            "this is a .solverstate.h5; give the .caffemodel.h5 that was written beside it",
        ),
        ("x", "give the .caffemodel.h5 that Caffe wrote"),
    ],
)
def test_hdf5_of_another_layout_is_refused(written: Written, key: str, hint: str) -> None:
    path = written(lambda file: file.create_dataset(key, data=BIAS))
    assert refusal(path) == (
        "this HDF5 file holds no Caffe weights\n"
        "  in: net.caffemodel.h5\n"
        '  why: it has no group "data"\n'
        f"  try: {hint}"
    )


def test_a_truncated_file_is_refused(written: Written) -> None:
    path = written(lambda file: file.create_dataset("data/a/0", data=KERNEL))
    path.write_bytes(path.read_bytes()[:-50])
    assert refusal(path).startswith(
        "this HDF5 file cannot be read\n  in: net.caffemodel.h5\n  why: "
    )


def test_a_file_without_arrays_is_refused(written: Written) -> None:
    path = written(lambda file: file.create_group("data/relu"))
    assert refusal(path).startswith("there are no weights in this file\n")

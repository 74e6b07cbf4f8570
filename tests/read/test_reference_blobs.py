"""Reference blobs from every kind of file that holds some."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest

from caffe2keras.errors import BlobFileError
from caffe2keras.proto import caffe_pb2
from caffe2keras.read.blobs import ReferenceBlobs, read_blobs

FIXTURES = Path(__file__).parents[1] / "fixtures"
RNG = np.random.default_rng(13)
IMAGE = RNG.standard_normal((2, 3, 5, 4)).astype(np.float32)
SCORES = RNG.standard_normal((2, 7))
Stored = Callable[..., Path]


def check(read: ReferenceBlobs, inputs: dict[str, Any], outputs: dict[str, Any]) -> None:
    for side, expected in ((read.inputs, inputs), (read.outputs, outputs)):
        assert side.keys() == expected.keys()
        for name, array in expected.items():
            np.testing.assert_array_equal(side[name], array)
            assert side[name].dtype == array.dtype


def refusal(path: Path) -> str:
    with pytest.raises(BlobFileError) as caught:
        read_blobs(path)
    return str(caught.value).replace(str(path), path.name)


def archive(tmp_path: Path, **members: bytes) -> Path:
    path = tmp_path / "blobs.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(f"{name}.npy", data)
    return path


def npy(array: npt.NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array)
    return file.getvalue()


def header(shape: tuple[int, ...], dtype: str = "<f4") -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": dtype, "fortran_order": False, "shape": shape}
    )
    return file.getvalue()


# Kinds


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_archive_tells_inputs_from_outputs(tmp_path: Path, save: Callable[..., None]) -> None:
    path = tmp_path / "blobs.npz"
    save(path, **{"input/data": IMAGE, "output/data": IMAGE, "output/a/b": SCORES})
    read = read_blobs(path)
    check(read, {"data": IMAGE}, {"data": IMAGE, "a/b": SCORES})
    assert read.source == str(path)


def test_bare_names_are_outputs(tmp_path: Path) -> None:
    np.savez(tmp_path / "blobs.npz", **{"prob": SCORES, "conv/1": IMAGE, "input": SCORES})
    check(
        read_blobs(tmp_path / "blobs.npz"),
        {},
        {"prob": SCORES, "conv/1": IMAGE, "input": SCORES},
    )


def test_arrays_keep_their_type_and_order(tmp_path: Path) -> None:
    arrays = {
        "fortran": np.asfortranarray(IMAGE),
        "bytes": np.arange(6, dtype=np.uint8).reshape(2, 3),
        "flags": np.array([True, False]),
        "halves": SCORES.astype(np.float16),
        "number": np.array(3.5),
        "empty": np.empty((0, 3)),
    }
    np.savez(tmp_path / "blobs.npz", **arrays)
    check(read_blobs(tmp_path / "blobs.npz"), {}, arrays)


def test_a_folder_has_a_file_for_each_blob(tmp_path: Path) -> None:
    (tmp_path / "input").mkdir()
    (tmp_path / "output").mkdir()
    np.save(tmp_path / "input" / "data.npy", IMAGE)
    np.save(tmp_path / "output" / "inception%2F1x1.npy", SCORES)
    np.save(tmp_path / "prob.npy", SCORES)
    np.save(tmp_path / "empty.npy", np.empty((0, 3)))
    check(
        read_blobs(tmp_path),
        {"data": IMAGE},
        {"inception/1x1": SCORES, "prob": SCORES, "empty": np.empty((0, 3))},
    )


def test_one_array_is_named_by_its_file(tmp_path: Path) -> None:
    np.save(tmp_path / "prob.npy", SCORES)
    check(read_blobs(tmp_path / "prob.npy"), {}, {"prob": SCORES})


def test_a_binaryproto_is_named_by_its_file(stored: Stored) -> None:
    blob = caffe_pb2.BlobProto(num=2, channels=3, height=5, width=4, data=IMAGE.ravel())
    path = stored(blob.SerializeToString(), "mean.binaryproto")
    check(read_blobs(path), {}, {"mean": IMAGE})


def test_hdf5_has_groups_or_bare_names(tmp_path: Path) -> None:
    path = tmp_path / "blobs.h5"
    with h5py.File(path, "w") as file:
        file["input/data"], file["output/inception/1x1"] = IMAGE, SCORES
        file["prob"], file["a/b"] = SCORES, IMAGE
    check(
        read_blobs(path), {"data": IMAGE}, {"inception/1x1": SCORES, "prob": SCORES, "a/b": IMAGE}
    )


def test_the_fixtures_are_read_whole() -> None:
    paths = sorted(FIXTURES.glob("*/*/blobs.npz"))
    assert len(paths) > 285
    for path in paths:
        read = read_blobs(path)
        assert read.outputs
        with np.load(path) as arrays:
            assert len(arrays.files) == len(read.inputs) + len(read.outputs)


# Files that cannot be read


def test_python_objects_are_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "blobs.npz"
    np.savez(path, x=np.array([{}], dtype=object))
    assert refusal(path) == (
        "these blobs cannot be read\n"
        "  in: blobs.npz\n"
        "  why: x.npy: holds Python objects, which are not loaded\n"
        "  try: record them again, for instance with `caffe2keras record`"
    )
    np.save(tmp_path / "x.npy", np.array([{}], dtype=object))
    assert "Python objects in dtype" in refusal(tmp_path / "x.npy")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (header((1 << 50,)) + bytes(8), "x.npy: breaks off"),
        (header((3, -4)) + bytes(48), "x.npy: breaks off"),
        (header((4,)) + bytes(15), "buffer size must be a multiple of element size"),
        (b"\x93NUMPY\x03\x00" + bytes(20), "x.npy: an array of format (3, 0)"),
        (b"\x93NUMPY\x01\x00\x09\x00{'descr':" + bytes(8), "x.npy: "),
        (b"no array", "the magic string is not correct"),
        (b"", "EOF"),
    ],
)
def test_broken_arrays_are_refused_before_they_take_memory(
    tmp_path: Path, data: bytes, why: str
) -> None:
    assert why in refusal(archive(tmp_path, x=data))


def test_an_archive_that_declares_more_than_it_can_hold_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path, x=npy(SCORES))
    data = bytearray(path.read_bytes())
    central = data.rindex(b"PK\x01\x02")
    data[central + 24 : central + 28] = struct.pack("<I", 1 << 31)
    path.write_bytes(data)
    assert "it declares 2,147,483,648 bytes and stores 297" in refusal(path)


def test_an_archive_packed_by_other_means_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "blobs.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as file:
        file.writestr("x.npy", npy(SCORES))
    assert "x.npy is compressed in an unusual way" in refusal(path)


def test_damaged_archives_are_refused(tmp_path: Path) -> None:
    path = archive(tmp_path, x=npy(SCORES))
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    assert "File is not a zip file" in refusal(path)
    for place in range(40, len(whole) - 120, 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        refusal(path)


@pytest.mark.parametrize("array", [np.array(["text"]), np.array([1j]), np.zeros(2, "i4,f4")])
def test_what_is_no_number_is_refused(tmp_path: Path, array: npt.NDArray[Any]) -> None:
    np.savez(tmp_path / "blobs.npz", x=array)
    assert f'"x" holds {array.dtype}, not numbers' in refusal(tmp_path / "blobs.npz")


def test_an_empty_archive_or_folder_is_refused(tmp_path: Path) -> None:
    assert "there is no blob in it" in refusal(tmp_path)
    assert "there is no blob in it" in refusal(archive(tmp_path))


def test_links_in_hdf5_are_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "blobs.h5"
    with h5py.File(path, "w") as file:
        file["output/x"] = h5py.ExternalLink("other.h5", "/x")
    assert "/output/x is a link to elsewhere, which is not followed" in refusal(path)


def test_hdf5_without_numbers_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "blobs.h5"
    with h5py.File(path, "w") as file:
        file["x"] = "text"
    assert '"x": it holds no numbers' in refusal(path)


def test_a_broken_binaryproto_is_refused(stored: Stored) -> None:
    blob = caffe_pb2.BlobProto(num=2, channels=3, height=5, width=4, data=IMAGE.ravel())
    data = blob.SerializeToString()
    path = stored(data[:-4], "mean.binaryproto")
    assert refusal(path) == (
        "these blobs cannot be read\n"
        "  in: mean.binaryproto\n"
        "  why: the data breaks off at byte 8: field 5 needs 480 bytes, 476 are left\n"
        "  try: record them again, for instance with `caffe2keras record`"
    )


def test_a_file_of_another_kind_is_called_by_name(stored: Stored, tmp_path: Path) -> None:
    assert refusal(stored(b"layer {}", "blobs.npz")) == (
        "these are no blobs but a text file\n"
        "  in: blobs.npz\n"
        "  try: give .npz, a folder of .npy, .binaryproto or HDF5"
    )
    assert refusal(tmp_path / "none.npz") == (
        "this file cannot be read: no such file or directory\n  in: none.npz"
    )

"""Weights from binary caffemodels of every generation and encoding."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from caffe2keras.errors import CaffemodelError, InputError
from caffe2keras.proto import caffe_pb2
from caffe2keras.read.binary import blob_at
from caffe2keras.read.caffemodel import fingerprint, read_weights
from caffe2keras.read.weights import BlobData

FIXTURES = Path(__file__).parents[1] / "fixtures"
Array = npt.NDArray[Any]
Stored = Callable[..., Path]

RNG = np.random.default_rng(7)
KERNEL = RNG.standard_normal((3, 2, 5, 1)).astype(np.float32)
BIAS = RNG.standard_normal(3).astype(np.float32)


def blobs(path: Path, layer: int = 0) -> list[Array]:
    return [blob.array() for blob in read_weights(path).layers[layer].blobs if blob]


def refusal(path: Path) -> str:
    with pytest.raises(CaffemodelError) as caught:
        read_weights(path)
    return str(caught.value).replace(str(path), path.name)


def message(*arrays: Array) -> list[caffe_pb2.BlobProto]:
    return [
        caffe_pb2.BlobProto(shape=caffe_pb2.BlobShape(dim=array.shape), data=array.ravel())
        for array in arrays
    ]


# Generations


def test_current_layers_are_read_in_order(stored: Stored) -> None:
    net = caffe_pb2.NetParameter(name="tiny")
    net.layer.add(name="relu", type="ReLU")
    net.layer.add(name="conv/1", type="Convolution", blobs=message(KERNEL, BIAS))
    weights = read_weights(stored(net.SerializeToString()))
    assert weights.net_name == "tiny"
    assert [(layer.name, layer.type, len(layer.blobs)) for layer in weights.layers] == [
        ("relu", "ReLU", 0),
        ("conv/1", "Convolution", 2),
    ]
    np.testing.assert_array_equal(blobs(weights.path, 1)[0], KERNEL)
    np.testing.assert_array_equal(blobs(weights.path, 1)[1], BIAS)


def test_c3d_s_blobs_have_a_length_and_their_numbers_elsewhere(stored: Stored, wire: Any) -> None:
    numbers = RNG.standard_normal((3, 2, 4, 1, 5)).astype(np.float32)
    dims = b"".join(wire.scalar(i, size) for i, size in enumerate(numbers.shape, 1))
    blob = dims + wire.block(6, numbers.tobytes())
    (read,) = read_weights(stored(wire.layer("conv", blob))).layers[0].blobs
    assert read is not None
    assert (read.shape, read.legacy, read.problem) == ((3, 2, 4, 1, 5), True, "")
    np.testing.assert_array_equal(read.array(), numbers)


def test_v1_layers_have_their_own_numbers(stored: Stored) -> None:
    net = caffe_pb2.NetParameter()
    old = net.layers.add(name="conv", type="CONVOLUTION", blobs=message(KERNEL))
    old.bottom.append("data")
    layer = read_weights(stored(net.SerializeToString())).layers[0]
    assert (layer.name, layer.type) == ("conv", "CONVOLUTION")
    np.testing.assert_array_equal(layer.blobs[0].array(), KERNEL)


def test_v0_layers_lie_within_v1_layers(stored: Stored) -> None:
    net = caffe_pb2.NetParameter()
    net.layers.add().layer.MergeFrom(
        caffe_pb2.V0LayerParameter(name="conv", type="conv", blobs=message(KERNEL, BIAS))
    )
    layer = read_weights(stored(net.SerializeToString())).layers[0]
    assert (layer.name, layer.type, len(layer.blobs)) == ("conv", "conv", 2)


def test_an_unknown_v1_type_keeps_its_number(stored: Stored, wire: Any) -> None:
    body = (
        wire.block(4, b"x")
        + wire.scalar(5, 999)
        + wire.block(6, message(BIAS)[0].SerializeToString())
    )
    assert read_weights(stored(wire.block(2, body))).layers[0].type == "999"


def test_names_need_not_be_utf8(stored: Stored, wire: Any) -> None:
    blob = message(BIAS)[0].SerializeToString()
    body = wire.block(1, b"caf\xe9 \xc3\xa9") + wire.block(7, blob)
    assert read_weights(stored(wire.block(100, body))).layers[0].name == "café é"


# Encodings


def packed(wire: Any, number: int, values: Array) -> bytes:
    return wire.block(number, values.tobytes())


def unpacked(wire: Any, number: int, values: Array) -> bytes:
    tag = wire.varint(number << 3 | {4: 5, 8: 1}[values.itemsize])
    return b"".join(tag + value.tobytes() for value in values)


@st.composite
def encoded(draw: st.DrawFn, wire: Any) -> tuple[bytes, Array]:
    """A BlobProto in one of the ways that a protobuf writer is free to choose, and its numbers."""
    number, dtype = draw(st.sampled_from([(5, "<f4"), (8, "<f8")]))
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5))
    values = draw(hnp.arrays(dtype, shape, elements=st.floats(width=32)))
    pieces, rest = [], values.ravel()
    while rest.size:
        size = draw(st.integers(1, rest.size))
        write = draw(st.sampled_from([packed, unpacked]))
        pieces.append(write(wire, number, rest[:size]))
        rest = rest[size:]
    if draw(st.booleans()):
        dims = wire.shape(*shape)
    else:
        dims = b"".join(wire.block(7, wire.scalar(1, dim)) for dim in shape)
    extra = draw(st.sampled_from([b"", wire.block(6, b"1234"), wire.scalar(99, 1)]))
    data = b"".join(draw(st.sampled_from([[dims, *pieces], [*pieces, extra, dims]])))
    return data, values.astype(np.float32)


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_every_encoding_gives_the_same_numbers(wire: Any, data: st.DataObject) -> None:
    written, expected = data.draw(encoded(wire))
    blob = blob_at(written, 0, len(written), "here")
    assert (blob.shape, blob.held, blob.problem) == (expected.shape, expected.size, "")
    read = blob.array()
    np.testing.assert_array_equal(read, expected)
    assert (read.dtype, read.flags.c_contiguous, read.flags.writeable) == (np.float32, True, False)
    theirs = caffe_pb2.BlobProto.FromString(written)
    np.testing.assert_array_equal(
        read.ravel(), np.array(theirs.double_data or theirs.data, np.float32)
    )


def test_long_runs_of_unpacked_numbers_end_where_another_field_begins(wire: Any) -> None:
    values = RNG.standard_normal(1000).astype("<f4")
    data = unpacked(wire, 5, values[:700]) + wire.scalar(1, 1000) + unpacked(wire, 5, values[700:])
    data += wire.scalar(2, 1) + wire.scalar(3, 1) + wire.scalar(4, 1)
    np.testing.assert_array_equal(blob_at(data, 0, len(data), "").array().ravel(), values)


def test_packed_floats_are_a_view_of_the_file(stored: Stored) -> None:
    net = caffe_pb2.NetParameter()
    net.layer.add(name="x", blobs=message(KERNEL))
    path = stored(net.SerializeToString())
    array = blobs(path)[0]
    assert not array.flags.owndata
    path.unlink()
    np.testing.assert_array_equal(array, KERNEL)


def test_legacy_shapes_have_four_axes(wire: Any) -> None:
    values = RNG.standard_normal(7).astype("<f4")
    data = wire.scalar(4, 7) + packed(wire, 5, values)
    data += wire.scalar(1, 1) + wire.scalar(2, 1) + wire.scalar(3, 1) + wire.shape(3, 3)
    blob = blob_at(data, 0, len(data), "")
    assert (blob.shape, blob.legacy) == ((1, 1, 1, 7), True)
    np.testing.assert_array_equal(blob.array().ravel(), values)


@pytest.mark.parametrize(("number", "dtype"), [(0, "<f8"), (1, "<f4"), (2, "<f2")])
def test_nvcaffes_raw_data_is_read_by_its_type(wire: Any, number: int, dtype: str) -> None:
    values = RNG.standard_normal((2, 3)).astype(dtype)
    data = wire.shape(2, 3) + wire.scalar(10, number) + wire.block(12, values.tobytes())
    np.testing.assert_array_equal(
        blob_at(data, 0, len(data), "").array(), values.astype(np.float32)
    )


def test_doubles_come_before_floats_and_floats_before_raw_data(wire: Any) -> None:
    raw = wire.scalar(10, 2) + wire.block(12, np.full(2, 3, "<f2").tobytes())
    floats = packed(wire, 5, np.full(2, 2, "<f4"))
    doubles = packed(wire, 8, np.full(2, 1, "<f8"))
    for data, value in ((raw + floats + doubles, 1), (raw + floats, 2), (raw, 3)):
        data += wire.shape(2)
        assert blob_at(data, 0, len(data), "").array().tolist() == [value] * 2


def test_a_double_too_large_is_an_infinity(wire: Any) -> None:
    data = wire.shape(2) + packed(wire, 8, np.array([1e300, -2.5]))
    assert blob_at(data, 0, len(data), "").array().tolist() == [np.inf, -2.5]


def test_files_may_be_larger_than_protobuf_allows(tmp_path: Path, wire: Any) -> None:
    count = 600_000_000  # 2.4 GB, of which only the ends are on the disk
    head = wire.shape(count) + wire.varint(5 << 3 | 2) + wire.varint(4 * count)
    size = len(head) + 4 * count
    intro = wire.block(1, b"huge") + b"\x0a\x01x" + wire.varint(7 << 3 | 2) + wire.varint(size)
    inner = intro[len(wire.block(1, b"huge")) :]
    path = tmp_path / "huge.caffemodel"
    with path.open("wb") as file:
        file.write(wire.block(1, b"huge"))
        file.write(wire.varint(100 << 3 | 2) + wire.varint(len(inner) + size) + inner + head)
        file.seek(4 * (count - 1), os.SEEK_CUR)
        file.write(np.float32(0.3).tobytes())
    array = blobs(path)[0]
    assert (array.shape, array[0], array[-1]) == ((count,), 0, np.float32(0.3))


def test_the_fixtures_are_read_as_protobuf_reads_them() -> None:
    paths = sorted(FIXTURES.glob("*/*/net.caffemodel"))
    assert len(paths) > 100
    for path in paths:
        theirs = caffe_pb2.NetParameter.FromString(path.read_bytes())
        ours = read_weights(path)
        assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layer]
        for our_layer, their_layer in zip(ours.layers, theirs.layer, strict=True):
            for blob, proto in zip(our_layer.blobs, their_layer.blobs, strict=True):
                assert blob is not None
                expected = np.array(proto.data, np.float32).reshape(tuple(proto.shape.dim))
                np.testing.assert_array_equal(blob.array(), expected, err_msg=str(path))


# Blobs that cannot be read


def problem(data: bytes) -> str:
    blob = blob_at(data, 0, len(data), "net.caffemodel, blob 0")
    assert blob.problem
    with pytest.raises(CaffemodelError) as caught:
        blob.array()
    assert str(caught.value) == (
        f"a blob cannot be read\n  in: net.caffemodel, blob 0\n  why: {blob.problem}"
    )
    return blob.problem


def test_blobs_that_hold_other_than_they_declare_are_refused(wire: Any) -> None:
    numbers = packed(wire, 5, BIAS)
    vast = 1 << 62
    assert problem(wire.shape(2, 7) + numbers) == (
        "expected 14 numbers for its shape (2, 7), received 3"
    )
    assert problem(wire.shape(vast, vast, 4) + numbers).startswith("expected 85,070,591,730,234,6")
    assert problem(wire.shape(-3, -1) + numbers) == "its shape (-3, -1) has a negative axis"
    assert problem(wire.shape(*[1] * 33, 3) + numbers) == (
        "it has 34 axes, and Caffe knows 32 at most"
    )
    assert problem(wire.shape(3) + wire.block(5, b"12345")) == (
        "its 5 bytes are no whole number of 4-byte numbers"
    )
    assert problem(wire.shape(3) + wire.block(12, b"123456")) == (
        "its raw data is of no type that weights can have"
    )


def test_a_faulty_blob_does_not_hide_the_others(stored: Stored, wire: Any) -> None:
    good = message(BIAS)[0].SerializeToString()
    path = stored(wire.layer("a", wire.shape(2)) + wire.layer("b", good))
    first, second = read_weights(path).layers
    assert isinstance(first.blobs[0], BlobData)
    assert first.blobs[0].problem == "expected 2 numbers for its shape (2,), received 0"
    assert first.blobs[0].address == f'{path}, layer "a", blob 0'
    np.testing.assert_array_equal(second.blobs[0].array(), BIAS)


# Files that cannot be read


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.caffemodel") == (
        "this file cannot be read: no such file or directory\n  in: none.caffemodel"
    )


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path).startswith("this file cannot be read: is a directory\n")


@pytest.mark.parametrize(
    ("data", "what", "hint"),
    [
        (b"", "an empty file", "fetch or copy it again"),
        (
            b'name: "LeNet"\nlayer {\n',
            "a text file",
            "weights come as .caffemodel or .caffemodel.h5; were two files swapped?",
        ),
        (b"PK\x03\x04rest", "a zip archive", "unpack it and give the file inside"),
        (b"\x1f\x8b\x08rest", "a gzip archive", "unpack it first"),
        (
            b"\n<!DOCTYPE html>\n<html>",
            "a web page",
            "download the raw file, not the page that shows it",
        ),
        (
            b"version https://git-lfs.github.com/spec/v1\n",
            "a Git LFS pointer",
            "run `git lfs pull` to fetch the file that it stands for",
        ),
    ],
)
def test_files_of_another_kind_are_called_by_name(
    stored: Stored, data: bytes, what: str, hint: str
) -> None:
    assert refusal(stored(data)) == (
        f"this is no caffemodel but {what}\n  in: net.caffemodel\n  try: {hint}"
    )


def test_a_truncated_file_is_refused_with_the_place(stored: Stored, wire: Any) -> None:
    data = wire.layer("conv1", message(KERNEL)[0].SerializeToString())
    assert refusal(stored(data[:100])) == (
        "the data breaks off at byte 0\n"
        "  in: net.caffemodel\n"
        f"  why: field 100 needs {len(data) - 4} bytes, 96 are left\n"
        "  try: the file is probably incomplete: fetch or copy it again"
    )


def test_a_solverstate_is_refused_by_name(stored: Stored) -> None:
    state = caffe_pb2.SolverState(iter=3000, learned_net="net.caffemodel", history=message(BIAS))
    assert refusal(stored(state.SerializeToString())) == (
        "this is no caffemodel\n"
        "  in: net.caffemodel\n"
        "  why: field 1 of a net is of another kind; it may be a .solverstate or a mean image\n"
        "  try: give the .caffemodel that was written beside it"
    )


def test_a_net_without_weights_is_refused(stored: Stored) -> None:
    net = caffe_pb2.NetParameter(name="bare")
    net.layer.add(name="relu", type="ReLU")
    assert refusal(stored(net.SerializeToString())) == (
        "there are no weights in this file\n"
        "  in: net.caffemodel\n"
        "  why: none of its 1 layers has an array\n"
        "  try: give the file that Caffe's training wrote, or convert without weights"
    )


@settings(
    deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=200), st.booleans())
def test_noise_brings_weights_or_an_error(
    stored: Stored, wire: Any, data: bytes, deep: bool
) -> None:
    path = stored(wire.layer("a", data) if deep else data)
    try:
        weights = read_weights(path)
        for blob in (blob for layer in weights.layers for blob in layer.blobs):
            assert blob is not None
            blob.array()
    except CaffemodelError as error:
        assert error.where.startswith(str(path))


# Fingerprints


def test_a_fingerprint_is_the_files_sha256(stored: Stored) -> None:
    data = RNG.bytes(300_000)
    assert fingerprint(stored(data)) == hashlib.sha256(data).hexdigest()


def test_a_missing_file_has_no_fingerprint(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or directory"):
        fingerprint(tmp_path / "none")

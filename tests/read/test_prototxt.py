"""Nets from files: text, binary, and everything that is neither."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caffe2keras.errors import PrototxtError
from caffe2keras.proto import caffe_pb2
from caffe2keras.read.prototxt import parse_prototxt, read_net, read_prototxt
from caffe2keras.read.schema import BOOKKEEPING

FIXTURES = Path(__file__).parents[1] / "fixtures"
NET = 'name: "tiny"\nlayer {\n  name: "café"\n  type: "ReLU"\n}\n'
Stored = Callable[..., Path]


def refusal(path: Path, read: Callable[[Path], Any] = read_net) -> str:
    with pytest.raises(PrototxtError) as caught:
        read(path)
    return str(caught.value).replace(str(path), path.name)


def plain(net: caffe_pb2.NetParameter) -> caffe_pb2.NetParameter:
    """The net without our bookkeeping."""
    for message in (net, *net.layer, *net.layers):
        for field in BOOKKEEPING.intersection(message.DESCRIPTOR.fields_by_name):
            message.ClearField(field)
    return net


# Text


@pytest.mark.parametrize(
    "data",
    [
        NET.encode(),
        NET.encode().removesuffix(b"\n"),
        NET.encode("utf-8-sig"),
        NET.encode("latin-1"),
        NET.replace("\n", "\r\n").encode(),
        NET.replace("\n", "\r").encode(),
    ],
    ids=["utf-8", "no last line end", "byte order mark", "latin-1", "dos", "old mac"],
)
def test_text_comes_in_many_codings(stored: Stored, data: bytes) -> None:
    net = read_net(stored(data, "net"))
    assert (net.name, net.layer[0].name) == ("tiny", "café")
    assert (net.layer[0].source_line, net.layer[0].source_column) == (2, 1)


def test_a_comment_in_another_coding_leaves_the_names_alone(stored: Stored) -> None:
    data = "# 卷积\n".encode("gbk") + NET.encode()
    assert read_net(stored(data, "net.prototxt")).layer[0].name == "café"


def test_the_fixtures_are_read_as_protobuf_reads_them() -> None:
    paths = sorted(FIXTURES.glob("*/*/net.prototxt"))
    assert len(paths) > 285
    for path in paths:
        theirs = text_format.Parse(path.read_text(), caffe_pb2.NetParameter())
        assert plain(read_net(path)) == theirs, path


def test_a_net_may_consist_of_inputs() -> None:
    assert list(parse_prototxt('input: "a"', "net.prototxt").input) == ["a"]


def test_errors_name_the_file_line_and_column(stored: Stored) -> None:
    path = stored(b"layer {\r\n  name 3\r\n}", "net.prototxt")
    assert refusal(path) == ('expected ":" or "{" after name, received 3\n  in: net.prototxt:2:8')


@pytest.mark.parametrize("text", ["", "# nothing\n", "state { phase: TEST }", "name: 'bare'"])
def test_a_text_without_layers_is_refused(text: str) -> None:
    with pytest.raises(PrototxtError) as caught:
        parse_prototxt(text, "net.prototxt")
    assert str(caught.value) == (
        "there are no layers in this file\n"
        "  in: net.prototxt\n"
        "  why: a net is a row of `layer { ... }` or, before 2015, of `layers { ... }`"
    )


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ('net: "lenet.prototxt" base_lr: 0.01', 'give the net that it trains: "lenet.prototxt"'),
        ("base_lr: 0.01", "give its net instead"),
    ],
)
def test_a_solver_is_refused_by_name(text: str, hint: str) -> None:
    with pytest.raises(PrototxtError) as caught:
        parse_prototxt(text, "solver.prototxt")
    assert str(caught.value) == (
        f"this is a solver, not a net\n  in: solver.prototxt\n  try: {hint}"
    )


# Other files


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.prototxt") == (
        "this file cannot be read: no such file or directory\n  in: none.prototxt"
    )


@pytest.mark.parametrize(
    ("data", "what", "hint"),
    [
        (b"", "an empty file", "fetch or copy it again"),
        (
            b"\x89HDF\r\n\x1a\n" + bytes(99),
            "an HDF5 file",
            "give the .prototxt; were the two files swapped?",
        ),
        (b"PK\x03\x04rest", "a zip archive", "unpack it and give the file inside"),
        (NET.encode("utf-16"), "UTF-16 text", "save it as UTF-8"),
        (
            b"<html><body>404</body></html>",
            "a web page",
            "download the raw file, not the page that shows it",
        ),
    ],
)
def test_files_of_another_kind_are_called_by_name(
    stored: Stored, data: bytes, what: str, hint: str
) -> None:
    assert refusal(stored(data, "net.prototxt")) == (
        f"this is no prototxt but {what}\n  in: net.prototxt\n  try: {hint}"
    )


# Binary nets


def test_a_binary_net_is_read_as_its_text_is(stored: Stored) -> None:
    net = text_format.Parse(NET, caffe_pb2.NetParameter())
    assert read_net(stored(net.SerializeToString(), "net.prototxt")) == net


def test_only_read_net_takes_binary_nets(stored: Stored) -> None:
    net = text_format.Parse(NET, caffe_pb2.NetParameter())
    path = stored(net.SerializeToString(), "net.prototxt")
    assert refusal(path, read_prototxt) == (
        "this is no prototxt but a binary file\n"
        "  in: net.prototxt\n"
        "  try: give the .prototxt; were the two files swapped?"
    )


def test_unknown_fields_of_a_binary_net_are_kept_by_number(stored: Stored, wire: Any) -> None:
    param = wire.block(106, wire.scalar(1, 3), wire.scalar(77, 5), wire.block(78, b"\xff\x00"))
    body = wire.block(1, b"conv") + param + wire.block(9999, b"text")
    net = read_net(stored(wire.scalar(88, 1) + wire.block(100, body), "net.prototxt"))
    assert [(one.path, one.value) for one in net.unknown_field] == [("88", "1")]
    assert [(one.path, one.value) for one in net.layer[0].unknown_field] == [
        ("9999", "text"),
        ("convolution_param.77", "5"),
        ("convolution_param.78", "2 bytes"),
    ]
    assert net.layer[0].convolution_param.num_output == 3


def test_a_caffemodel_given_as_prototxt_is_refused(stored: Stored, wire: Any) -> None:
    path = stored(wire.layer("conv1", wire.shape(2) + wire.block(5, bytes(8))), "net.prototxt")
    assert refusal(path) == (
        "this is a caffemodel, not a prototxt\n"
        "  in: net.prototxt\n"
        "  why: the architecture comes from the prototxt, the caffemodel gives the weights\n"
        "  try: give the deploy.prototxt first and this file second"
    )


def test_a_binary_file_that_is_no_net_is_refused(stored: Stored) -> None:
    assert refusal(stored(b"\x7fELF\x02\x01\x01" + bytes(9), "net.prototxt")) == (
        "this is no prototxt but a binary file\n"
        "  in: net.prototxt\n"
        "  why: field 15 has wire type 7, which Caffe never writes\n"
        "  try: give the .prototxt of the net"
    )


def test_names_in_a_binary_net_need_not_be_utf8(stored: Stored, wire: Any) -> None:
    body = wire.block(1, b"caf\xe9") + wire.block(3, b"\xe9") + wire.block(3, b"plain")
    layer = read_net(stored(wire.block(100, body), "net.prototxt")).layer[0]
    assert (layer.name, list(layer.bottom)) == ("café", ["é", "plain"])


def test_a_binary_net_of_wrong_fields_is_refused(stored: Stored, wire: Any) -> None:
    path = stored(wire.block(100, wire.block(106, b"\x0a\x09")), "net.prototxt")
    assert "Error parsing message" in refusal(path)


@settings(
    deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.binary(max_size=99), inside=st.booleans())
def test_noise_brings_a_net_or_an_error(
    stored: Stored, wire: Any, data: bytes, inside: bool
) -> None:
    path = stored(wire.block(100, data) if inside else data, "net.prototxt")
    try:
        read_net(path)
    except PrototxtError as error:
        assert error.where.startswith(str(path))

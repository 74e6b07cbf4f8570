"""Nets from text, upgraded, and compared with text."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from caffe2keras.proto.caffe_pb2 import NetParameter
from caffe2keras.read.prototxt import parse_prototxt
from caffe2keras.upgrade import upgrade


def without_addresses(net: NetParameter) -> NetParameter:
    bare = NetParameter()
    bare.CopyFrom(net)
    for layer in bare.layer:
        layer.ClearField("source_line")
        layer.ClearField("source_column")
    return bare


@pytest.fixture
def upgraded() -> Callable[[str], NetParameter]:
    """The current form of a net's text."""
    return lambda text: upgrade(parse_prototxt(text, "net.prototxt"), "net.prototxt")


@pytest.fixture
def becomes(upgraded: Callable[[str], NetParameter]) -> Callable[[str, str], None]:
    """The one text, upgraded, is the other one; line numbers apart."""

    def check(old: str, new: str) -> None:
        expected = without_addresses(parse_prototxt(new, "new.prototxt"))
        assert str(without_addresses(upgraded(old))) == str(expected)

    return check

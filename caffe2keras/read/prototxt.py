"""A net's architecture, from text or from a binary NetParameter."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from caffe2keras.errors import PrototxtError
from caffe2keras.read.content import Content, content_of, decoded, first_bytes, whole
from caffe2keras.read.textformat import parse_text

if TYPE_CHECKING:
    from caffe2keras.proto.caffe_pb2 import NetParameter

__all__ = ["parse_prototxt", "read_net", "read_prototxt"]


def read_net(path: str | PathLike[str]) -> NetParameter:
    """A net's architecture, text or binary as the file has it.

    Args:
        path: a prototxt, or a binary NetParameter without weights.

    Raises:
        PrototxtError: it is missing, something else, or not well formed.
    """
    path = Path(path)
    if content_of(first_bytes(path, PrototxtError)) is Content.BINARY:
        from caffe2keras.read.binary_net import read_binary_net

        return read_binary_net(path)
    return read_prototxt(path)


def read_prototxt(path: str | PathLike[str]) -> NetParameter:
    """A net's architecture from its text form.

    Unknown fields, and unknown members of enums, are kept as ``unknown_field`` entries of the layer
    (or net) around them; each layer knows the line and column that it begins at.

    Args:
        path: the prototxt, UTF-8 or Latin-1, with or without a byte order mark.

    Raises:
        PrototxtError: it is missing, something else, or not well formed.
    """
    path = Path(path)
    content = content_of(first_bytes(path, PrototxtError))
    if content is not Content.TEXT:
        hint = content.hint or "give the .prototxt; were the two files swapped?"
        raise PrototxtError(
            what=f"this is no prototxt but {content.value}", where=str(path), hint=hint
        )
    return parse_prototxt(decoded(whole(path, PrototxtError)), str(path))


def parse_prototxt(text: str, filename: str) -> NetParameter:
    """A net's architecture from the text of a prototxt.

    Args:
        text: the text.
        filename: for messages.

    Raises:
        PrototxtError: it is not well formed, describes a solver, or says nothing at all.
    """
    from caffe2keras.proto import caffe_pb2

    net = caffe_pb2.NetParameter()
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    parse_text(text, net, filename)
    if not (net.layer or net.layers or net.input):
        raise _no_net(net, filename)
    return net


def _no_net(net: NetParameter, filename: str) -> PrototxtError:
    """Why a well-formed text without layers is no net."""
    from caffe2keras.proto import caffe_pb2

    unknown = {field.path: field.value for field in net.unknown_field}
    if unknown.keys() & caffe_pb2.SolverParameter.DESCRIPTOR.fields_by_name.keys():
        net_file = next((unknown[key] for key in ("net", "train_net") if key in unknown), "")
        hint = f"give the net that it trains: {net_file}" if net_file else "give its net instead"
        return PrototxtError(what="this is a solver, not a net", where=filename, hint=hint)
    return PrototxtError(
        what="there are no layers in this file",
        where=filename,
        why="a net is a row of `layer { ... }` or, before 2015, of `layers { ... }`",
    )

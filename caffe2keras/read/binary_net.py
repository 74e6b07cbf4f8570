"""A net's architecture from a binary NetParameter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

from caffe2keras.errors import CaffemodelError, PrototxtError
from caffe2keras.proto import caffe_pb2
from caffe2keras.read.binary import read_binary

__all__ = ["read_binary_net"]


def read_binary_net(path: Path) -> caffe_pb2.NetParameter:
    """The net in a binary file that holds no weights.

    A caffemodel is refused: the net inside it is the one that was trained, not the one to deploy.

    Raises:
        PrototxtError: it is a caffemodel, or no NetParameter at all.
    """
    _refuse_weights(path)
    net = caffe_pb2.NetParameter()
    try:
        net.ParseFromString(path.read_bytes())
    except (DecodeError, OSError) as cause:
        raise _no_prototxt(path, str(cause)) from cause
    _keep_unknown(net, net, "")
    return net


def _refuse_weights(path: Path) -> None:
    try:
        weights = read_binary(path)
    except CaffemodelError as cause:
        raise _no_prototxt(path, cause.why) from cause
    if any(layer.blobs for layer in weights.layers):
        raise PrototxtError(
            what="this is a caffemodel, not a prototxt",
            where=str(path),
            why="the architecture comes from the prototxt, the caffemodel gives the weights",
            hint="give the deploy.prototxt first and this file second",
        )


def _no_prototxt(path: Path, why: str) -> PrototxtError:
    return PrototxtError(
        what="this is no prototxt but a binary file",
        where=str(path),
        why=why,
        hint="give the .prototxt of the net",
    )


def _keep_unknown(message: Any, keeper: Any, trail: str) -> None:
    """Note fields that the message does not have, by their numbers, as the text form's by name."""
    if "unknown_field" in message.DESCRIPTOR.fields_by_name:
        keeper, trail = message, ""
    unknown: Any = UnknownFieldSet(message)
    for field in unknown:
        keeper.unknown_field.add(path=f"{trail}{field.field_number}", value=_shown(field.data))
    for field, value in message.ListFields():
        if field.message_type is None or field.name == "unknown_field":
            continue
        repeated = field.default_value == []
        for i, child in enumerate(value if repeated else [value]):
            _keep_unknown(child, keeper, f"{trail}{field.name}{f'[{i}]' if repeated else ''}.")


def _shown(data: Any) -> str:
    if isinstance(data, bytes):
        return data.decode() if data.isascii() else f"{len(data)} bytes"
    return str(data)

"""A net's architecture from a binary NetParameter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

from caffe2keras.errors import CaffemodelError, PrototxtError
from caffe2keras.proto import caffe_pb2
from caffe2keras.read.binary import read_binary
from caffe2keras.read.content import decoded, whole

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
        net.ParseFromString(whole(path, PrototxtError))
    except DecodeError as cause:
        raise _no_prototxt(path, str(cause)) from cause
    _settle(net, net, "")
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


def _settle(message: Any, keeper: Any, trail: str) -> None:
    """Make a parsed message what reading its text would have made it.

    Fields that it does not have are noted by their numbers; text that is no UTF-8, which protobuf
    hands out as bytes, is decoded.
    """
    if "unknown_field" in message.DESCRIPTOR.fields_by_name:
        keeper, trail = message, ""
    unknown: Any = UnknownFieldSet(message)
    for field in unknown:
        keeper.unknown_field.add(path=f"{trail}{field.field_number}", value=_shown(field.data))
    for field, value in message.ListFields():
        repeated = field.default_value == []
        if field.message_type is not None and field.name != "unknown_field":
            for i, child in enumerate(value if repeated else [value]):
                _settle(child, keeper, f"{trail}{field.name}{f'[{i}]' if repeated else ''}.")
        elif field.type == field.TYPE_STRING and repeated:
            value[:] = [_text(item) for item in value]
        elif field.type == field.TYPE_STRING:
            setattr(message, field.name, _text(value))


def _text(value: str | bytes) -> str:
    return decoded(value) if isinstance(value, bytes) else value


def _shown(data: Any) -> str:
    if isinstance(data, bytes):
        return data.decode() if data.isascii() else f"{len(data)} bytes"
    return str(data)

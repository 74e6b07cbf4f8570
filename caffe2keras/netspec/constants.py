"""``params``: the members of the enums in Caffe's parameter messages, as ``P.Pooling.MAX``."""

from __future__ import annotations

import difflib
from typing import Any

from caffe2keras.errors import NetSpecError
from caffe2keras.proto import caffe_pb2

__all__ = ["Parameters", "params"]

_MESSAGES = {
    name.removesuffix("Parameter"): message
    for name, message in caffe_pb2.DESCRIPTOR.message_types_by_name.items()
    if name.endswith("Parameter")
}


class _Members:
    """The constants of one message."""

    def __init__(self, name: str) -> None:
        self._name = name
        enums = _MESSAGES[name].enum_types
        self._values = {v.name: int(v.number) for enum in enums for v in enum.values}

    def __getattr__(self, member: str) -> int:
        if member.startswith("_"):
            raise AttributeError(member)
        if member not in self._values:
            known = ", ".join(self._values) or "none at all"
            raise NetSpecError(
                what=f'{self._name} has no constant "{member}"',
                where=f"params.{self._name}.{member}",
                why=f"it has {known}",
                hint=_meant(member, self._values, f"params.{self._name}."),
            )
        return self._values[member]

    def __dir__(self) -> list[str]:
        return list(self._values)


class Parameters:
    """Makes constants by name: ``Parameters().Pooling.MAX`` is the number that stands for MAX."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in _MESSAGES:
            raise NetSpecError(
                what=f'there are no parameters called "{name}"',
                where=f"params.{name}",
                hint=_meant(name, _MESSAGES, "params."),
            )
        return _Members(name)

    def __dir__(self) -> list[str]:
        return list(_MESSAGES)


params = Parameters()


def _meant(word: str, known: dict[str, Any], path: str) -> str:
    spelled = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), spelled, n=1)
    return f"{path}{spelled[near[0]]}" if near else ""

"""Move one value from an older message to a newer one."""

from __future__ import annotations

from typing import Any

from caffe2keras.proto.caffe_pb2 import LayerParameter, V1LayerParameter

__all__ = ["carry", "report_unknown"]


def carry(value: Any, target: Any, name: str) -> None:
    """Set a field, whatever its kind; a single value becomes the first of a repeated field.

    Args:
        value: as ``ListFields`` gives it.
        target: the message that has the field.
        name: the field.
    """
    field = target.DESCRIPTOR.fields_by_name[name]
    if isinstance(getattr(target, name), int | float | str | bool | bytes):
        setattr(target, name, value)
    elif hasattr(getattr(target, name), "extend"):
        single = field.message_type is None and isinstance(value, int | float | str | bool)
        getattr(target, name).extend([value] if single else value)
    else:
        getattr(target, name).MergeFrom(value)


def report_unknown(layer: LayerParameter | V1LayerParameter, path: str, value: Any) -> None:
    """Record a field that has no place in the newer schema, so that it is refused by name."""
    layer.unknown_field.add(
        path=path, value=str(value).strip(), line=layer.source_line, column=layer.source_column
    )

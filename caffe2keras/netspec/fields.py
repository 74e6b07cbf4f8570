"""A layer's keyword arguments, written into its message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caffe2keras.errors import NetSpecError
from caffe2keras.proto.caffe_pb2 import LayerParameter
from caffe2keras.read.schema import closest_field, fields_of

__all__ = ["set_parameters"]


def _parameters_of_types() -> dict[str, str]:
    """Layer type -> its field of LayerParameter, found as pycaffe does: by the message's name.

    A message serves two fields where a fork took over another's; the first is the original.
    """
    found: dict[str, str] = {}
    for field in fields_of(LayerParameter.DESCRIPTOR).values():
        if field.child is not None and not field.repeated and field.name.endswith("_param"):
            found.setdefault(field.child.name.removesuffix("Parameter"), field.name)
    # The message is of junhyukoh's type "Lstm"; the type "LSTM" has none of its own.
    del found["LSTM"]
    return found


_PARAMETERS = _parameters_of_types()

# The types of Caffe whose parameters have another name, for hints: pycaffe finds them no more than
# we do, and a script has to spell the message out.
_NAMED_OTHERWISE = {
    "Deconvolution": "convolution_param",
    "LSTM": "recurrent_param",
    "RNN": "recurrent_param",
    "SoftmaxWithLoss": "loss_param",
}


def set_parameters(layer: LayerParameter, arguments: Mapping[str, Any]) -> None:
    """Write keyword arguments into a layer.

    ``kernel_size=3`` of a Convolution belongs to its ``convolution_param``; what that does not
    have, or ends in "param", to the layer itself. Lists become repeated fields, dicts messages; a
    single value of a repeated field is a list of one.

    Args:
        layer: the layer, whose name and type are set.
        arguments: name -> value.

    Raises:
        NetSpecError: the type has no such parameter, or the value does not fit.
    """
    writer = _Writer(layer)
    for name, value in arguments.items():
        own = _PARAMETERS.get(layer.type)
        if own and not name.endswith("param") and _has(getattr(layer, own), name):
            writer.write(getattr(layer, own), name, value, f"{own}.{name}")
        else:
            writer.write(layer, name, value, name)


def _has(message: Any, name: str) -> bool:
    return name in fields_of(message.DESCRIPTOR)


class _Writer:
    """Writes values into one layer's messages; its errors name the layer and the field."""

    def __init__(self, layer: LayerParameter) -> None:
        self._layer = layer

    def write(self, message: Any, name: str, value: Any, path: str) -> None:
        """Set a field of a message to a Python value, recursively."""
        field = fields_of(message.DESCRIPTOR).get(name)
        if field is None:
            raise self._unknown(message, name, path)
        if field.repeated:
            self._extend(getattr(message, name), value, path)
        elif isinstance(value, Mapping) and field.child is not None:
            self._fill(getattr(message, name), value, path)
        else:
            self._set(message, name, value, path)

    def _extend(self, items: Any, value: Any, path: str) -> None:
        for index, item in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(item, Mapping) and hasattr(items, "add"):
                self._fill(items.add(), item, f"{path}[{index}]")
                continue
            try:
                items.append(item)
            except (TypeError, ValueError) as cause:
                raise self._unfit(item, path, cause) from cause

    def _fill(self, message: Any, values: Mapping[str, Any], path: str) -> None:
        for name, value in values.items():
            self.write(message, name, value, f"{path}.{name}")

    def _set(self, message: Any, name: str, value: Any, path: str) -> None:
        try:
            setattr(message, name, value)
        except (TypeError, ValueError, AttributeError) as cause:
            raise self._unfit(value, path, cause) from cause

    def _unknown(self, message: Any, name: str, path: str) -> NetSpecError:
        own = _PARAMETERS.get(self._layer.type)
        if message is self._layer and own:
            why, hint = f"neither {own} nor the layer itself has it", self._meant(name, own)
        else:
            why = f'{message.DESCRIPTOR.name} has no field "{name}"'
            hint = self._spelled_out(name) or closest_field(message.DESCRIPTOR, name)
        what = f'{self._layer.type} has no parameter "{path}"'
        return NetSpecError(what=what, where=self._where(), why=why, hint=hint)

    def _meant(self, name: str, own: str) -> str:
        if name.endswith("param"):
            return own
        near = closest_field(getattr(self._layer, own).DESCRIPTOR, name)
        return near or closest_field(self._layer.DESCRIPTOR, name)

    def _spelled_out(self, name: str) -> str:
        other = _NAMED_OTHERWISE.get(self._layer.type)
        known = other and _has(getattr(self._layer, other), name)
        return f"{other}=dict({name}=...)" if known else ""

    def _where(self) -> str:
        return f'layer "{self._layer.name}" ({self._layer.type})'

    def _unfit(self, value: Any, path: str, cause: Exception) -> NetSpecError:
        whole = isinstance(value, float) and value.is_integer()
        return NetSpecError(
            what=f'{self._layer.type}: "{path}" cannot be {value!r}',
            where=self._where(),
            why=str(cause),
            hint=f"{value:.0f}; in Python 3 it is // that divides to whole numbers"
            if whole
            else "",
        )

"""Blob names become values that are assigned once (net.cpp: AppendBottom, AppendTop)."""

from __future__ import annotations

import difflib
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from caffe2keras.errors import CycleError, DuplicateBlobError, UnknownBlobError
from caffe2keras.graph.net import Blob, Layer, Note
from caffe2keras.params import Params
from caffe2keras.shapes.registry import comes_from_a_plugin

if TYPE_CHECKING:
    from caffe2keras.proto.caffe_pb2 import LayerParameter

__all__ = ["did_you_mean", "name_layers", "wire"]


# Characters; looking for what is nearest to a long text takes long.
_LONGEST_SLIP = 200

_NOTHING: Mapping[str, tuple[str, str]] = MappingProxyType({})


def did_you_mean(name: str, known: Collection[str]) -> str:
    """A hint with the nearest known names, or ""."""
    if len(name) > _LONGEST_SLIP:
        return ""
    short = [one for one in known if len(one) <= _LONGEST_SLIP]
    near = difflib.get_close_matches(name, short, n=3)
    return "did you mean " + " or ".join(f'"{one}"' for one in near) + "?" if near else ""


def name_layers(messages: Sequence[LayerParameter]) -> tuple[tuple[str, ...], tuple[Note, ...]]:
    """Each layer's name; one that has none is called by its type and its place in the net."""
    taken = {message.name for message in messages}
    names: list[str] = []
    notes: list[Note] = []
    for index, message in enumerate(messages):
        name = message.name or _free_name(f"{message.type.lower() or 'layer'}_{index}", taken)
        if not message.name:
            text = f"the {message.type} on line {message.source_line} has no name of its own"
            notes.append(Note("decided", name, text))
        names.append(name)
    return tuple(names), tuple(notes)


def wire(
    messages: Sequence[LayerParameter],
    names: Sequence[str],
    source: str = "",
    left_out: Mapping[str, tuple[str, str]] = _NOTHING,
) -> tuple[Layer, ...]:
    """Connect layers; the blobs have no shapes yet.

    Args:
        messages: the layers, in the prototxt's order.
        names: theirs, as :func:`name_layers` gives them.
        source: the prototxt's file name, for messages.
        left_out: blob -> why the layer that produces it is missing, and what brings it back.

    Raises:
        UnknownBlobError: a bottom that no layer before produces.
        CycleError: a bottom that is produced later, by a layer that waits for this one.
        DuplicateBlobError: a top that exists already, and not as the bottom at the same place.
    """
    current: dict[str, Blob] = {}
    producers: dict[str, str] = {}
    layers: list[Layer] = []
    for index, (message, name) in enumerate(zip(messages, names, strict=True)):
        # An Input layer made of the net's own fields stands on no line.
        where = f"{source}:{message.source_line}" if message.source_line else source
        layer = Layer(name, _type_of(message), Params(message), where=where)
        missing = next((blob for blob in message.bottom if blob not in current), None)
        if missing is not None:
            raise _unknown_blob(layer, missing, messages, index, current, left_out)
        bottoms = tuple(current[blob] for blob in message.bottom)
        tops = tuple(
            _produce(layer, message, place, current, producers) for place in range(len(message.top))
        )
        layers.append(replace(layer, bottoms=bottoms, tops=tops))
    return tuple(layers)


def _type_of(message: LayerParameter) -> str:
    """The type; that of a Python layer is its class, where a plugin knows that."""
    kind = f"Python:{message.python_param.module}.{message.python_param.layer}"
    return kind if message.type == "Python" and comes_from_a_plugin(kind) else message.type


def _produce(
    layer: Layer,
    message: LayerParameter,
    place: int,
    current: dict[str, Blob],
    producers: dict[str, str],
) -> Blob:
    name = message.top[place]
    in_place = place < len(message.bottom) and message.bottom[place] == name
    if name in current and not in_place:
        raise DuplicateBlobError(
            what=f'{layer} produces blob "{name}", which exists already',
            where=layer.where,
            why=f"{producers[name]} produces it too; a layer may only overwrite "
            "its own bottom at the same place",
            hint="rename one of the tops, or give one of the layers an include rule",
        )
    blob = Blob(name, current[name].version + 1 if name in current else 0)
    current[name] = blob
    producers[name] = f"{layer} at {layer.where}"
    return blob


def _unknown_blob(
    layer: Layer,
    blob: str,
    messages: Sequence[LayerParameter],
    index: int,
    current: Mapping[str, Blob],
    left_out: Mapping[str, tuple[str, str]],
) -> UnknownBlobError | CycleError:
    what = f'{layer} reads blob "{blob}", which no layer before it produces'
    if blob in messages[index].top:
        return CycleError(
            what=f'{layer} reads blob "{blob}", which it produces itself',
            where=layer.where,
            why="a layer can work in place on a blob only after another one has produced it",
            hint="break the circle: Caffe's nets are acyclic",
        )
    later = _first_producer(blob, messages, index + 1)
    if later is None:
        near = did_you_mean(blob, {*current, *(top for later in messages for top in later.top)})
        why, cure = left_out.get(blob, ("", near))
        return UnknownBlobError(
            what=what,
            where=layer.where,
            why=why,
            hint=cure or f"--input-shape {blob}=N,C,H,W makes it an input",
        )
    producer = messages[later]
    name = f'layer "{producer.name}" ({producer.type})'
    if _waits_for(messages, index, later):
        return CycleError(
            what=f"{layer} and {name} wait for each other",
            where=layer.where,
            why=f'{name} on line {producer.source_line} produces "{blob}", but needs what '
            "comes from here",
            hint="break the circle: Caffe's nets are acyclic",
        )
    return UnknownBlobError(
        what=what,
        where=layer.where,
        why=f"{name} on line {producer.source_line} produces it, which is too late: "
        "Caffe runs layers in the order of the file",
        hint=f"move {name} before {layer}",
    )


def _first_producer(blob: str, messages: Sequence[LayerParameter], start: int) -> int | None:
    return next((i for i in range(start, len(messages)) if blob in messages[i].top), None)


def _waits_for(messages: Sequence[LayerParameter], source: int, target: int) -> bool:
    # Breadth first over blob names, each name and each layer visited once.
    readers: dict[str, list[int]] = {}
    for index, message in enumerate(messages):
        for blob in message.bottom:
            readers.setdefault(blob, []).append(index)
    seen: set[str] = set()
    queue = deque([source])
    while queue:
        index = queue.popleft()
        if index == target:
            return True
        fresh = [blob for blob in messages[index].top if blob not in seen]
        seen.update(fresh)
        queue.extend(reader for blob in fresh for reader in readers.get(blob, ()))
    return False


def _free_name(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name

"""A converted file as a chart: Keras's layers under the names of the Caffe layers they stand for.

It is read from the file's own config, without Keras, so it shows what the file holds and not what
somebody meant to put there.
"""

from __future__ import annotations

import json
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import h5py

from caffe2keras.diagram.chart import Chart, Edge, Node, Step
from caffe2keras.diagram.kinds import kind_of
from caffe2keras.errors import InputError
from caffe2keras.record import BlobRecord, Record

__all__ = ["chart_of_file"]

Call = tuple[str, int]  # a layer of Keras's, and which of its calls
Tensor = tuple[str, int, int]


def chart_of_file(path: str | PathLike[str], record: Record) -> Chart:
    """What is to be drawn of a converted file.

    Args:
        path: the file, HDF5 or ``.keras``.
        record: its record.

    Raises:
        InputError: it cannot be read, or has no config.
    """
    calls = _calls(_config(Path(path)))
    return _Builder(calls, record).chart()


def _config(path: Path) -> Mapping[str, Any]:
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                text = archive.read("config.json")
        else:
            with h5py.File(path, "r") as file:
                text = file.attrs["model_config"]
        config: Mapping[str, Any] = json.loads(text)["config"]
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(
            what=f"{path} has no description of its layers",
            why=str(error),
            hint="convert the Caffe net again",
        ) from error
    return config


def _calls(config: Mapping[str, Any]) -> dict[Call, tuple[str, tuple[Tensor, ...]]]:
    """Each call -> its layer's class and what it reads, in an order of execution."""
    waiting = {}
    for layer in config["layers"]:
        name = layer.get("name") or layer["config"]["name"]
        nodes = layer["inbound_nodes"] or [[]]
        for number, node in enumerate(nodes):
            waiting[name, number] = layer["class_name"], tuple(_tensors(node))
    return _in_order(waiting)


def _tensors(value: Any) -> Iterator[Tensor]:
    """The tensors that a node names; Keras 2 and 3 nest them differently, the triples are alike."""
    if isinstance(value, Mapping):
        for member in value.values():
            yield from _tensors(member)
    elif isinstance(value, list):
        if [type(part) for part in value[:3]] == [str, int, int]:
            yield value[0], value[1], value[2]
        else:
            for member in value:
                yield from _tensors(member)


def _in_order(
    waiting: dict[Call, tuple[str, tuple[Tensor, ...]]],
) -> dict[Call, tuple[str, tuple[Tensor, ...]]]:
    """Each call behind those that it reads; a layer called twice stands in the file but once."""
    ordered: dict[Call, tuple[str, tuple[Tensor, ...]]] = {}
    for start in waiting:
        stack = [start]
        while stack:
            call = stack[-1]
            missing = [t[:2] for t in waiting[call][1] if t[:2] in waiting and t[:2] not in ordered]
            if missing and call not in ordered:
                stack.extend(reversed(missing))
            else:
                ordered.setdefault(stack.pop(), waiting[call])
    return ordered


class _Builder:
    """Groups calls into nodes.

    A call that works in place, so far as Caffe is concerned, joins the one whose blob it changes;
    one that no blob of Caffe's comes from (a padding, a permutation) joins the one that it is for.
    """

    def __init__(self, calls: dict[Call, tuple[str, tuple[Tensor, ...]]], record: Record) -> None:
        self.calls = calls
        self.title = record.net
        self.blobs: defaultdict[Call, list[BlobRecord]] = defaultdict(list)
        for entry in record.blobs:
            self.blobs[entry.layer, entry.node].append(entry)
        self.readers = Counter(tensor[:2] for _, reads in calls.values() for tensor in reads)
        self.home: dict[Call, Call] = {}  # call -> the call that its node is called after
        for call, (_, reads) in calls.items():
            self.home[call] = self._home(call, reads)
        self._send_helpers_on()

    def _home(self, call: Call, reads: tuple[Tensor, ...]) -> Call:
        if len(reads) == 1 and self.readers[reads[0][:2]] == 1:
            before = reads[0][:2]
            changed = {entry.blob for entry in self.blobs[before] if not entry.final}
            if changed & {entry.blob for entry in self.blobs[call]}:
                return self.home[before]
        return call

    def _send_helpers_on(self) -> None:
        """From the end on, so that a helper of a helper ends where both are needed."""
        reader = {t[:2]: call for call, (_, reads) in self.calls.items() for t in reads}
        for call in reversed(self.calls):
            if not self.blobs[call] and self.readers[call] == 1:
                self.home[call] = self.home[reader[call]]

    def chart(self) -> Chart:
        groups: defaultdict[Call, list[Call]] = defaultdict(list)
        for call in self.calls:
            groups[self.home[call]].append(call)
        order = [call for call in self.calls if self.home[call] == call]
        places = {call: place for place, call in enumerate(order)}
        nodes = tuple(self._node(call, groups[call]) for call in order)
        return Chart(self.title, nodes, tuple(self._edges(places)))

    def _node(self, main: Call, group: list[Call]) -> Node:
        helpers = group[: group.index(main)]
        own = group[group.index(main) :]
        helping = ", ".join(self._class(call) for call in helpers)
        steps = tuple(
            Step(
                self._name(call),
                self._class(call),
                f"behind {helping}" if helping and not n else "",
            )
            for n, call in enumerate(own)
        )
        blobs = dict.fromkeys(entry.blob for call in own for entry in self.blobs[call])
        return Node(steps, kind_of(self._class(main)), tuple(blobs))

    def _name(self, call: Call) -> str:
        return self.blobs[call][0].caffe_layer if self.blobs[call] else call[0]

    def _class(self, call: Call) -> str:
        return self.calls[call][0].removeprefix("caffe2keras>")

    def _edges(self, places: Mapping[Call, int]) -> Iterator[Edge]:
        targets: defaultdict[Tensor, dict[int, None]] = defaultdict(dict)
        for call, (_, reads) in self.calls.items():
            for tensor in reads:
                if self.home[tensor[:2]] != self.home[call]:
                    targets[tensor][places[self.home[call]]] = None
        read = {tensor for _, reads in self.calls.values() for tensor in reads}
        made: defaultdict[Call, set[Tensor]] = defaultdict(set)
        for tensor in read:
            made[tensor[:2]].add(tensor)
        for call in self.calls:
            made[call] |= {(*call, entry.tensor) for entry in self.blobs[call]}
            for tensor in sorted(made[call]):
                if tensor not in read or targets[tensor]:
                    yield from self._edge(tensor, places[self.home[call]], list(targets[tensor]))

    def _edge(self, tensor: Tensor, source: int, targets: list[int]) -> Iterator[Edge]:
        entry = next((one for one in self.blobs[tensor[:2]] if one.tensor == tensor[2]), None)
        name, shape = (entry.blob, entry.shape) if entry else (tensor[0], None)
        for target in targets or (None,):
            yield Edge(source, name, shape, target)

"""The calls of a Keras model, one statement each, before they have become text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from caffe2keras.emit.source.arguments import arguments, is_channels_first
from caffe2keras.spec import KerasModel, NamedLayer, TensorRef

__all__ = ["Statement", "data_format_of", "statements_of"]

Call = tuple[str, int]


@dataclass(frozen=True)
class Statement:
    """One call of a layer.

    Attributes:
        named: the layer.
        node: which call of it.
        arguments: of its constructor, but the name, as source.
        inputs: what it is called with.
        shared: whether the layer is called several times, and so made beforehand.
        several: whether the call gives a list.
        title: what people call the result: the Caffe layer's name, or the Keras layer's.
    """

    named: NamedLayer
    node: int
    arguments: Mapping[str, str]
    inputs: tuple[TensorRef, ...]
    shared: bool
    several: bool
    title: str

    @property
    def class_name(self) -> str:
        """The layer's class, as a config spells it."""
        return self.named.layer.class_name


def data_format_of(model: KerasModel) -> str:
    """How most of the model's layers keep images."""
    return "channels_first" if is_channels_first(model.layers) else "channels_last"


def statements_of(model: KerasModel) -> list[Statement]:
    """All calls that the outputs need, in order of execution, inputs left out."""
    by_name = {named.name: named for named in model.layers}
    ranks = {blob.tensor: len(blob.shape) for blob in model.blobs}
    data_format = data_format_of(model)
    counts: dict[str, int] = {}
    calls: list[tuple[str, int, tuple[TensorRef, ...]]] = []
    for node in model.nodes:
        calls.append((node.layer, counts.get(node.layer, 0), node.inputs))
        counts[node.layer] = calls[-1][1] + 1
    needed = _needed(model, {(name, number): inputs for name, number, inputs in calls})
    lists = _calls_with_lists(model)
    statements = []
    for name, number, inputs in calls:
        if (name, number) not in needed:
            continue
        tensors = (TensorRef(name, number), *inputs[:1])
        rank = next((ranks[tensor] for tensor in tensors if tensor in ranks), None)
        statements.append(
            Statement(
                named=by_name[name],
                node=number,
                arguments=arguments(by_name[name].layer, rank, data_format),
                inputs=inputs,
                shared=counts[name] > 1,
                several=(name, number) in lists or _returns_states(by_name[name]),
                title=_title(model, name, number) if counts[name] > 1 else name,
            )
        )
    return statements


def _needed(model: KerasModel, inputs: Mapping[Call, tuple[TensorRef, ...]]) -> set[Call]:
    waiting = [(tensor.layer, tensor.node) for tensor in model.outputs]
    needed: set[Call] = set()
    while waiting:
        call = waiting.pop()
        if call not in needed:
            needed.add(call)
            waiting += [(tensor.layer, tensor.node) for tensor in inputs.get(call, ())]
    return needed


def _calls_with_lists(model: KerasModel) -> set[Call]:
    read = [tensor for node in model.nodes for tensor in node.inputs]
    known = [blob.tensor for blob in model.blobs]
    return {(t.layer, t.node) for t in (*read, *known, *model.outputs) if t.tensor}


def _returns_states(named: NamedLayer) -> bool:
    config = named.layer.config
    return bool(config.get("return_state") or config.get("return_states"))


def _title(model: KerasModel, layer: str, node: int) -> str:
    """What to call one of several calls: like the Caffe layer that is this one."""
    made = (b for b in model.blobs if (b.tensor.layer, b.tensor.node) == (layer, node))
    blob = next(made, None)
    return blob.caffe_layer if blob is not None else f"{layer}_{node + 1}"

"""From an upgraded NetParameter to a Net: filtered, wired, fed, shaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from caffe2keras.errors import GraphError, InputError
from caffe2keras.graph.idle import set_idle_messages_aside
from caffe2keras.graph.inference import infer_shapes
from caffe2keras.graph.memory import overwritten
from caffe2keras.graph.net import Blob, Layer, Net, Shape
from caffe2keras.graph.phase import TEST, NetState, note_layers_in_training, select_layers
from caffe2keras.graph.sharing import share_weights
from caffe2keras.graph.sources import require_shapes, settle_sources
from caffe2keras.graph.training import split_off_training
from caffe2keras.graph.wiring import did_you_mean, name_layers, wire

if TYPE_CHECKING:
    from caffe2keras.proto.caffe_pb2 import LayerParameter, NetParameter

__all__ = ["build_net", "unread_blobs"]

_NOTHING_TOLD: Mapping[str, Shape] = MappingProxyType({})


def build_net(
    net: NetParameter,
    *,
    source: str,
    state: NetState = TEST,
    input_shapes: Mapping[str, Shape] = _NOTHING_TOLD,
    outputs: Sequence[str] = (),
) -> Net:
    """The net that Caffe would build from this prototxt, in this state.

    Args:
        net: upgraded to the current schema; never changed.
        source: the file's name, for messages.
        state: phase, level and stages.
        input_shapes: input blob -> shape in Caffe's axis order; goes before what is declared.
        outputs: blobs that the net shall end in; by default those that nobody reads.

    Returns:
        The net, without numbers. Shapes are None behind layers that we have no shape rule for.

    Raises:
        GraphError: there is no layer, a blob is unknown or doubly produced, a shape cannot be.
        InputError: the shape of an input is unknown, or ``input_shapes`` or ``outputs`` name a
            blob that is none, or ``outputs`` one that is only fed.
        UnsupportedError: a DummyData layer would draw random numbers.
    """
    messages, left_out = select_layers(net, state, source)
    if not messages:
        raise _empty(net, state, source)
    messages = [*_fed_from_outside(messages, input_shapes), *messages]
    messages, idle = set_idle_messages_aside(messages)
    names, naming = name_layers(messages)
    wired = wire(messages, names, source, _producers(left_out, state))
    lost: frozenset[tuple[str, int]] = frozenset()
    if outputs:
        lost = overwritten(Net(net.name, wired, ()))
        wired = _cut(wired, outputs, source)
    sources = settle_sources(wired, input_shapes, source)
    split = split_off_training(sources.layers)
    require_shapes(sources.layers, sources.shapes, split.kept)
    training = split.heads | split.label_path
    layers = share_weights(infer_shapes(sources.layers, sources.shapes, training))
    ends = _computed(layers, outputs) if outputs else unread_blobs(layers)
    notes = (*naming, *idle, *note_layers_in_training(messages, state), *sources.notes)
    return Net(net.name, layers, ends, notes, lost=lost)


def _fed_from_outside(
    messages: Sequence[LayerParameter], input_shapes: Mapping[str, Shape]
) -> Sequence[LayerParameter]:
    """An Input layer for each blob that is read, never produced, and has a shape from the user.

    Training nets often have their data layer in the other phase only.
    """
    produced = {top for message in messages for top in message.top}
    read = {bottom for message in messages for bottom in message.bottom}
    kind = type(messages[0])
    return [
        kind(name=blob, type="Input", top=[blob])
        for blob in input_shapes
        if blob in read and blob not in produced
    ]


def unread_blobs(layers: Sequence[Layer]) -> tuple[Blob, ...]:
    """The blobs that no layer reads, in order of production."""
    read = {bottom.key for layer in layers for bottom in layer.bottoms}
    return tuple(top for layer in layers for top in layer.tops if top.key not in read)


def _cut(layers: Sequence[Layer], outputs: Sequence[str], source: str) -> tuple[Layer, ...]:
    """Only the layers that these blobs need; a blob means its last version."""
    needed = {blob.key for blob in _named(layers, outputs, source)}
    kept: list[Layer] = []
    for layer in reversed(layers):
        if any(top.key in needed for top in layer.tops):
            needed.update(bottom.key for bottom in layer.bottoms)
            kept.append(layer)
    return tuple(reversed(kept))


def _named(layers: Sequence[Layer], names: Sequence[str], source: str = "") -> tuple[Blob, ...]:
    last = {top.name: top for layer in layers for top in layer.tops}
    for name in names:
        if name not in last:
            raise InputError(
                what=f'there is no blob "{name}" to end the net in',
                where=source,
                hint=did_you_mean(name, last),
            )
    return tuple(last[name] for name in names)


def _computed(layers: Sequence[Layer], names: Sequence[str]) -> tuple[Blob, ...]:
    """The blobs of these names, none of which may be an input as it is fed."""
    ends = _named(layers, names)
    fed = {top.key: one for one in layers if one.type == "Input" for top in one.tops}
    for blob in ends:
        if blob.key in fed:
            raise InputError(
                what=f'the net cannot end in blob "{blob.name}"',
                where=fed[blob.key].where,
                why="it is an input, and no layer computes it",
                hint="name a blob that a layer computes",
            )
    return ends


def _producers(
    left_out: Sequence[LayerParameter], state: NetState
) -> Mapping[str, tuple[str, str]]:
    """For each blob that another state would have: why it is missing, and what brings it back."""
    return {
        top: (
            f'layer "{layer.name}" ({layer.type}) on line {layer.source_line} produces it, but '
            f"its rules leave it out in {state}",
            next((f"--stage {stage}" for rule in layer.include for stage in rule.stage), ""),
        )
        for layer in left_out
        for top in layer.top
    }


def _empty(net: NetParameter, state: NetState, source: str) -> GraphError:
    if not net.layer:
        return GraphError(
            what="the net has no layers",
            where=source,
            hint="is this a solver, or a file of another kind?",
        )
    return GraphError(
        what=f"none of the net's {len(net.layer)} layers is there in {state}",
        where=source,
        why="include and exclude rules leave them all out",
        hint="try the other phase, or name the stages that the rules ask for",
    )

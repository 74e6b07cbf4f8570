"""The end of a model that is to be trained: its outputs, and what they are held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from caffe2keras.errors import UnsupportedCombinationError
from caffe2keras.graph.net import Blob, Layer, Net
from caffe2keras.graph.training import weighted_tops
from caffe2keras.layer_map.assembly import Assembly
from caffe2keras.layer_map.loss import loss_entry
from caffe2keras.layout import Layout
from caffe2keras.spec import (
    Call,
    Fragment,
    FragmentInput,
    FragmentOutput,
    KerasHead,
    KerasLayer,
    KerasModel,
)

__all__ = ["as_trained", "end_in_heads", "stopped_bottoms"]

# BatchNorm in training: Caffe keeps to the stored statistics where it is told to.
_STORED = "caffe2keras>StoredStatisticsNormalization"


def end_in_heads(assembly: Assembly, net: Net) -> tuple[KerasHead, ...] | None:
    """Let the model end in what its losses compare; one head for each output, in their order.

    Losses inside the model are added by one layer, which the first output passes through.

    Args:
        assembly: with every layer of the net.
        net: after the passes; None is the answer for one that predicts.
    """
    if not net.is_training:
        return None
    heads = [layer for layer in net.layers if layer.tops and layer.tops[0].key in net.heads]
    for blob, layout in _wanted(assembly, heads).items():
        # The same numbers, which live in this layout from here on.
        same = Fragment((), (FragmentInput(0),), (layout,))
        source = replace(heads[0], name=blob.name, type=assembly.origin(blob))
        assembly.add(replace(source, bottoms=(blob,), tops=(blob,)), (layout,), same)
    terms = [
        (top, weight)
        for layer in net.layers
        for top, weight in weighted_tops(layer)
        if layer not in heads
    ]
    if terms:
        _add_losses(assembly, net, terms)
    order = [top for layer in net.layers for top in layer.tops if top in net.outputs]
    return tuple(_head(assembly, blob, heads) for blob in order) if heads else ()


def as_trained(model: KerasModel, net: Net) -> KerasModel:
    """The model with what its layers do in training as the net says it.

    In predictions a BatchNorm with ``use_global_stats: true`` is Keras's own.
    """
    if not net.is_training:
        return model
    stored = {
        layer.name
        for layer in net.layers
        if layer.type == "BatchNorm" and layer.params.fresh().batch_norm_param.use_global_stats
    }
    layers = tuple(
        replace(named, layer=replace(named.layer, class_name=_STORED))
        if named.caffe_layer in stored and named.layer.class_name == "BatchNormalization"
        else named
        for named in model.layers
    )
    return replace(model, layers=layers)


def stopped_bottoms(layer: Layer) -> tuple[int, ...]:
    """Which bottoms of a layer no gradient goes back through: ``propagate_down: false``.

    Raises:
        UnsupportedCombinationError: a layer that became part of this one says so, or a layer that
            is applied to each of its bottoms says so of some.
    """
    flags = list(layer.params.message.propagate_down)
    if len(flags) > len(layer.bottoms) and len(set(flags)) == 1:
        flags = flags[: len(layer.bottoms)]
    inner = [one.name for one in layer.absorbed if not all(one.params.message.propagate_down)]
    if inner or len(flags) > len(layer.bottoms):
        raise UnsupportedCombinationError(
            what="propagate_down: false" + "".join(f" of {name}" for name in inner),
            why="it is one Keras layer with others, and no gradient can end within it",
            hint="give lr_mult: 0 to the layers that shall not learn instead",
        )
    return tuple(index for index, flag in enumerate(flags) if not flag)


def _wanted(assembly: Assembly, heads: list[Layer]) -> Mapping[Blob, Layout]:
    """For each prediction the layout that all its heads can compare in: Caffe's goes with all."""
    wanted: dict[Blob, Layout] = {}
    for head in heads:
        entry = loss_entry(head.type)
        given = tuple(assembly.layout(blob) for blob in head.bottoms)
        if entry is not None and callable(entry.wants):
            layout = entry.wants(head, given)[0]
            blob = head.bottoms[0]
            if blob not in wanted or layout.is_caffe_order:
                wanted[blob] = layout
    return wanted


def _add_losses(assembly: Assembly, net: Net, terms: list[tuple[Blob, float]]) -> None:
    carrier = net.outputs[0]
    blobs = (carrier, *(blob for blob, _ in terms))
    layouts = tuple(assembly.layout(blob) for blob in blobs)
    adds = KerasLayer("caffe2keras>AddLoss", {"weights": [weight for _, weight in terms]})
    call = Call(adds, tuple(FragmentInput(i) for i in range(len(blobs))))
    producer = next(layer for layer in net.layers if carrier in layer.tops)
    layer = replace(producer, name="added_loss", bottoms=blobs, tops=(carrier,))
    assembly.add(layer, layouts, Fragment((call,), (FragmentOutput(0),), layouts[:1]))


def _head(assembly: Assembly, blob: Blob, heads: list[Layer]) -> KerasHead:
    own = [head for head in heads if head.bottoms[0] == blob]
    losses = [head for head in own if head.type != "Accuracy"]
    metrics = tuple(_config(assembly, head) for head in own if head.type == "Accuracy")
    labels = own[0].bottoms[1].name
    if not losses:
        return KerasHead(blob.name, labels, metrics=metrics)
    (loss,) = losses
    weight = sum(weight for _, weight in weighted_tops(loss))
    return KerasHead(blob.name, labels, _config(assembly, loss), weight, metrics, loss.tops[0].name)


def _config(assembly: Assembly, head: Layer) -> Mapping[str, Any]:
    """The loss or metric in the layer that computes its value."""
    named = assembly.layers[assembly.tensor(head.tops[0]).layer]
    config: Mapping[str, Any] = named.layer.config["loss"]
    return config

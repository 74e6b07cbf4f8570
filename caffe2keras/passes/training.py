"""Losses, accuracies and labels: a converted net predicts, it does not compare."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from caffe2keras.errors import GraphError
from caffe2keras.graph.net import Blob, Layer, Net, Note
from caffe2keras.graph.training import PREDICTORS, Split, split_off_training
from caffe2keras.params import Params

__all__ = ["drop_training_layers"]

Key = tuple[str, int]


def drop_training_layers(net: Net) -> Net:
    """Let the net end in its predictions.

    Given:  data ─ … ─▶ ip2;  ip2, label ─ SoftmaxWithLoss ─▶ loss;  ip2, label ─ Accuracy
    Result: data ─ … ─▶ ip2 ─ Softmax ─▶ prob

    A loss that predicts before it compares keeps its name and becomes what predicts. Its top is
    called as the loss's second top, if it has one; else "prob" where the net has one such head
    and no blob of that name; else by the layer's name and "_prob". Never as the loss itself, whose
    numbers are others. Layers that only prepare labels go with them. Every act leaves a note.

    Raises:
        GraphError: nothing would be left.
    """
    split = split_off_training(net.layers, net.outputs)
    if not split.heads and not split.label_path:
        return net
    heads = _predictors(net.layers, split)
    layers: list[Layer] = []
    notes: list[Note] = []
    for index, layer in enumerate(net.layers):
        if index in heads:
            layers.append(heads[index])
            notes.append(_becomes(layer, heads[index]))
        elif index in split.heads:
            notes.append(Note("dropped", layer.name, f"{layer.type} adds nothing to a prediction"))
        elif index in split.label_path:
            notes.append(Note("dropped", layer.name, f"this {layer.type} only serves the labels"))
        else:
            layer, dropped = _without_labels(layer, split.kept)
            layers.append(layer)
            notes += dropped
    if all(layer.type == "Input" for layer in layers):
        raise _nothing_left(net)
    produced = {top.key for head in heads.values() for top in head.tops}
    wanted = {*split.kept, *produced}
    return replace(
        net,
        layers=tuple(layers),
        outputs=_outputs(net, layers, wanted),
        notes=(*net.notes, *notes),
    )


def _predictors(layers: Sequence[Layer], split: Split) -> Mapping[int, Layer]:
    """For each loss that predicts, by its index, the layer that does."""
    # A net may hold both the loss and, for its deployment, the softmax on the same scores.
    taken = {
        (layer.type, layer.bottoms[0].key)
        for index, layer in enumerate(layers)
        if index not in split.heads and layer.bottoms
    }
    losses: dict[int, Layer] = {}
    for index in sorted(split.heads):
        layer = layers[index]
        if layer.type not in PREDICTORS or layer.bottoms[0].key not in split.kept:
            continue
        head = (PREDICTORS[layer.type], layer.bottoms[0].key)
        if head not in taken:
            taken.add(head)
            losses[index] = layer
    names = {top.name for layer in layers for top in layer.tops}
    return {index: _predictor(loss, names, len(losses) == 1) for index, loss in losses.items()}


def _predictor(loss: Layer, names: set[str], alone: bool) -> Layer:
    scores = loss.bottoms[0]
    if len(loss.tops) > 1:
        top = replace(loss.tops[1], dims=scores.dims)
    else:
        top = Blob(
            _free("prob" if alone else f"{loss.name}_prob", loss.name, names), 0, scores.dims
        )
    kind = PREDICTORS[loss.type]
    return replace(
        loss, type=kind, params=_predictor_params(loss, kind), bottoms=(scores,), tops=(top,)
    )


def _free(name: str, layer: str, names: set[str]) -> str:
    if name in names:
        name = f"{layer}_prob"
    while name in names:
        name += "_"
    names.add(name)
    return name


def _predictor_params(loss: Layer, kind: str) -> Params:
    """Of the loss's parameters only those of its prediction."""
    old = loss.params.message
    new = type(old)(name=old.name, type=kind, source_line=old.source_line)
    if loss.type == "InfogainLoss":
        new.softmax_param.axis = old.infogain_loss_param.axis
    elif kind == "Softmax" and old.HasField("softmax_param"):
        new.softmax_param.CopyFrom(old.softmax_param)
    return Params(new)


def _becomes(loss: Layer, head: Layer) -> Note:
    text = f'this {loss.type} becomes the {head.type} in it, blob "{head.tops[0].name}"'
    return Note("decided", loss.name, text)


def _without_labels(layer: Layer, kept: Collection[Key]) -> tuple[Layer, list[Note]]:
    """An input that feeds predictions and labels keeps what the predictions need."""
    if layer.type != "Input":
        return layer, []
    tops = tuple(top for top in layer.tops if top.key in kept)
    notes = [
        Note("dropped", top.name, "this input only serves the labels")
        for top in layer.tops
        if top not in tops
    ]
    return replace(layer, tops=tops), notes


def _outputs(net: Net, layers: Sequence[Layer], wanted: Collection[Key]) -> tuple[Blob, ...]:
    """What the net ended in and still has, and the predictions that only heads read."""
    read = {bottom.key for layer in layers for bottom in layer.bottoms}
    before = {blob.key for blob in net.outputs}
    return tuple(
        top
        for layer in layers
        for top in layer.tops
        if top.key in before or (top.key in wanted and top.key not in read)
    )


def _nothing_left(net: Net) -> GraphError:
    return GraphError(
        what="without its losses and labels nothing of this net is left",
        where=net.layers[0].where,
        why="no layer computes a prediction from an input",
        hint="give the net that the weights were trained with",
    )

"""A net that is to be trained: its losses, told apart by where their labels come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from caffe2keras.errors import InputError
from caffe2keras.graph.net import Blob, Layer, Net, Note, Shape
from caffe2keras.graph.training import PREDICTORS, weighted_tops
from caffe2keras.passes.training import drop_training_layers

__all__ = ["keep_training_heads"]

Key = tuple[str, int]

# Losses that may compare one prediction, their first bottom, with one blob of labels.
_OF_TWO = frozenset(
    {
        "EuclideanLoss",
        "HingeLoss",
        "InfogainLoss",
        "MultinomialLogisticLoss",
        "SigmoidCrossEntropyLoss",
        "SmoothL1Loss",
        "SoftmaxWithLoss",
    }
)

# Those with a label for each place, and not a number for each of the prediction's.
_OF_CLASSES = frozenset(
    {"Accuracy", "HingeLoss", "InfogainLoss", "MultinomialLogisticLoss", "SoftmaxWithLoss"}
)

# What serves neither a loss nor a prediction.
_WITHOUT_USE = frozenset({"Silence", "HDF5Output"})


def keep_training_heads(net: Net) -> Net:
    """Let the net end in what its losses compare, and keep the losses.

    Given:  data ─ … ─▶ ip2;  ip2, label ─ SoftmaxWithLoss ─▶ loss;  ip2, label ─ Accuracy
    Result: the same, with the output ip2, and with both tops in ``net.heads``

    Those heads are the ones whose labels are fed and read by such heads alone, one loss for a
    prediction: Keras takes their labels as ``y``. Every other loss is computed inside the model,
    and its labels are inputs. A net without any loss is left to predict.

    Raises:
        InputError: the shape of labels that stay inputs is unknown.
    """
    named = [_with_top(one, net) for one in net.layers if one.type not in _WITHOUT_USE]
    if not any(True for layer in named for _ in weighted_tops(layer)):
        text = "no layer of this net has a loss, so it becomes a model that predicts"
        return drop_training_layers(replace(net, notes=(*net.notes, Note("decided", "loss", text))))
    fed = {blob.key for blob in net.inputs}
    outer = _outer_heads(named, fed)
    told = _label_shapes(outer.values())
    layers: list[Layer] = []
    notes: list[Note] = []
    for index, layer in enumerate(named):
        if index in outer:
            notes.append(_taken_as_y(outer[index]))
        elif layer.type == "Accuracy":
            notes.append(Note("dropped", layer.name, "what it compares with is no y of the model"))
            continue
        elif any(weighted_tops(layer)):
            notes.append(_computed_inside(layer, fed))
        layers.append(_with_shapes(outer.get(index, layer), told))
    _require_shapes(layers, fed)
    notes += _normalizations(layers)
    ends = [head.bottoms[0] for head in outer.values()]
    return replace(
        net,
        layers=tuple(layers),
        outputs=tuple(dict.fromkeys(ends)) or _first_loss(layers),
        heads=tuple(head.tops[0].key for head in outer.values()),
        is_training=True,
        notes=(*net.notes, *notes),
    )


def _with_top(layer: Layer, net: Net) -> Layer:
    """A loss may leave its top unnamed (net.cpp: AutoTopBlobs)."""
    if layer.tops or not layer.type.endswith("Loss"):
        return layer
    names = {top.name for one in net.layers for top in one.tops}
    name = layer.name
    while name in names:
        name += "_"
    return replace(layer, tops=(Blob(name, 0, ()),))


def _outer_heads(layers: Sequence[Layer], fed: AbstractSet[Key]) -> Mapping[int, Layer]:
    """By index the heads that compare with what only such heads read; the prediction is first."""
    heads = {
        index: _prediction_first(layer, fed)
        for index, layer in enumerate(layers)
        if layer.type in (*_OF_TWO, "Accuracy")
        and len(layer.bottoms) == 2
        and not _is_stopped(layer, fed)
    }
    same = _same_choice(layers, heads.values())
    heads = {index: _on_scores(head, same) for index, head in _one_loss_each(heads).items()}
    while True:
        inside = [
            layer
            for index, layer in enumerate(layers)
            if index not in heads and layer.type != "Accuracy"
        ]
        read = {bottom.key for layer in inside for bottom in layer.bottoms}
        read |= {head.bottoms[0].key for head in heads.values()}
        kept = {i: head for i, head in heads.items() if head.bottoms[1].key in fed - read}
        if len(kept) == len(heads):
            return kept
        heads = kept


def _is_stopped(loss: Layer, fed: AbstractSet[Key]) -> bool:
    """Whether no gradient goes back to what the loss compares; an output of Keras's has one."""
    flags = zip(loss.bottoms, loss.params.message.propagate_down, strict=False)
    return loss.type != "Accuracy" and any(
        not flag and bottom.key not in fed for bottom, flag in flags
    )


def _prediction_first(head: Layer, fed: AbstractSet[Key]) -> Layer:
    first, second = head.bottoms
    if head.type == "EuclideanLoss" and first.key in fed and second.key not in fed:
        return replace(head, bottoms=(second, first))
    return head


def _one_loss_each(heads: Mapping[int, Layer]) -> Mapping[int, Layer]:
    """Without the second loss on a prediction, since Keras has one loss for an output."""
    kept: dict[int, Layer] = {}
    taken: set[Key] = set()
    for index, head in heads.items():
        if head.type == "Accuracy" or head.bottoms[0].key not in taken:
            kept[index] = head
        if head.type != "Accuracy":
            taken.add(head.bottoms[0].key)
    return kept


def _same_choice(layers: Sequence[Layer], heads: Iterable[Layer]) -> Mapping[Key, Blob]:
    """Probabilities -> the scores that a loss reads: the largest are the same."""
    losses = [head for head in heads if head.type in PREDICTORS]
    scores = {head.bottoms[0].key for head in losses}
    same = {head.tops[1].key: head.bottoms[0] for head in losses if len(head.tops) > 1}
    for layer in layers:
        if layer.type == "Softmax" and layer.bottoms[0].key in scores:
            same[layer.tops[0].key] = layer.bottoms[0]
    return same


def _on_scores(head: Layer, same: Mapping[Key, Blob]) -> Layer:
    scores = same.get(head.bottoms[0].key)
    if head.type != "Accuracy" or scores is None:
        return head
    return replace(head, bottoms=(scores, head.bottoms[1]))


def _label_shapes(heads: Iterable[Layer]) -> Mapping[Key, Shape]:
    """For labels whose shape nobody has told, the one that the first head expects."""
    shapes: dict[Key, Shape] = {}
    for head in heads:
        prediction, label = head.bottoms
        if label.dims is None and prediction.dims is not None:
            expected = prediction.dims
            if head.type in _OF_CLASSES:
                expected = _without_classes(head, expected)
            shapes.setdefault(label.key, expected)
    return shapes


def _without_classes(head: Layer, scores: Shape) -> Shape:
    params = head.params.fresh()
    axes = {
        "Accuracy": params.accuracy_param.axis,
        "InfogainLoss": params.infogain_loss_param.axis,
        "SoftmaxWithLoss": params.softmax_param.axis,
    }
    if head.type not in axes:
        return scores[:1]
    axis = axes[head.type] % max(len(scores), 1)
    return (*scores[:axis], *scores[axis + 1 :])


def _with_shapes(layer: Layer, told: Mapping[Key, Shape]) -> Layer:
    """The layer with the labels' shapes; a loss behind unknown ones is a number all the same."""
    bottoms = tuple(replace(b, dims=told.get(b.key, b.dims)) for b in layer.bottoms)
    tops = tuple(replace(t, dims=told.get(t.key, t.dims)) for t in layer.tops)
    if layer.type.endswith(("Loss", "Accuracy")):
        first = [replace(top, dims=top.dims or ()) for top in tops[:1]]
        rest = [replace(top, dims=top.dims or bottoms[0].dims) for top in tops[1:]]
        tops = (*first, *rest)
    return replace(layer, bottoms=bottoms, tops=tops)


def _taken_as_y(head: Layer) -> Note:
    what = "a metric" if head.type == "Accuracy" else "the loss"
    prediction, labels = head.bottoms
    text = f'{what} of output "{prediction.name}" against "{labels.name}", which fit takes as y'
    return Note("decided", head.name, text)


def _computed_inside(layer: Layer, fed: AbstractSet[Key]) -> Note:
    inputs = [f'"{blob.name}"' for blob in layer.bottoms if blob.key in fed]
    text = "this loss is computed inside the model"
    if inputs:
        text += f", which is fed {', '.join(inputs)}"
    return Note("decided", layer.name, text)


def _normalizations(layers: Sequence[Layer]) -> list[Note]:
    """How Keras's moving statistics differ; what training computes by is the same."""
    names = [
        layer.name
        for layer in layers
        if layer.type == "BatchNorm" and not layer.params.fresh().batch_norm_param.use_global_stats
    ]
    text = (
        "trains with each batch's statistics, as in Caffe; what it stores for predictions is "
        "Keras's moving average, without Caffe's m / (m - 1) and its correction of the first steps"
    )
    return [Note("differs", names[0] + (", ..." if names[1:] else ""), text)] if names else []


def _require_shapes(layers: Sequence[Layer], fed: AbstractSet[Key]) -> None:
    for layer in layers:
        for blob in layer.bottoms:
            if blob.dims is None and blob.key in fed and any(weighted_tops(layer)):
                raise InputError(
                    what=f'nobody has told the shape of input "{blob.name}"',
                    where=layer.where,
                    why=f"{layer} compares with it inside the model, so it stays an input",
                    hint=f"--input-shape {blob.name}=N",
                )


def _first_loss(layers: Sequence[Layer]) -> tuple[Blob, ...]:
    return tuple(top for layer in layers for top, _ in weighted_tops(layer))[:1]

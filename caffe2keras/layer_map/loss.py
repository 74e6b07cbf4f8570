"""Losses and measures of a net that is to be trained, each as the layer that computes its value.

Where Keras takes the labels as ``y``, no output of the model needs that layer, and only the loss
in its config is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from caffe2keras.errors import UnsupportedCombinationError, UnsupportedError
from caffe2keras.graph.net import Layer
from caffe2keras.layer_map.registry import Entry, Layouts, Mapper, Placed
from caffe2keras.layout import Layout, caffe_order
from caffe2keras.params import Params
from caffe2keras.read.blobs import read_blobs
from caffe2keras.spec import Call, Fragment, FragmentInput, FragmentOutput, KerasLayer

__all__ = ["loss_entry", "reason_for_loss"]

_SCALAR = caffe_order(0)


def reason_for_loss(kind: str) -> UnsupportedError:
    """Why a loss is not converted, and what to try."""
    return UnsupportedError(
        what=f'type "{kind}"',
        why="no Keras loss is known here that computes it",
        hint="convert in phase TEST, for a model that predicts",
    )


def loss_entry(kind: str) -> Entry | None:
    """The mapping of a loss or measure; None for other types."""
    if kind not in _MAPPERS:
        return None
    mapper, wants = _MAPPERS[kind]
    return Entry(mapper, wants, per_bottom=False, fixes_size=lambda _: False, any_batch_axis=False)


def _softmax_with_loss(layer: Placed) -> Fragment:
    """Stock where all labels count and lie in one row; see runtime's SoftmaxWithLoss."""
    _need_inputs(layer, 2)
    scores, labels = layer.inputs
    axis = scores.axis(layer.params.softmax_param.axis)
    layer.params.softmax_param.honoured("engine")
    config = _class_config(layer, axis)
    # Without an ignored label all of these divide by the number of samples, as the mean does.
    plain = scores.rank == 2 and labels.shape[1:] in ((), (1,)) and axis == 1
    if plain and config["ignore_label"] is None and config["normalization"] != "NONE":
        loss = _stock("SparseCategoricalCrossentropy", from_logits=True)
    else:
        loss = _ours("SoftmaxWithLoss", **config)
    return _value(layer, loss, probabilities=KerasLayer("Softmax", {"axis": config["axis"]}))


def _infogain_loss(layer: Placed) -> Fragment:
    """The matrix from a file goes into the config; from a bottom it stays an input."""
    p = layer.params.infogain_loss_param
    config = _class_config(layer, layer.inputs[0].axis(p.axis))
    if len(layer.inputs) < 3:
        config["matrix"] = _matrix(layer, p.source)
    probabilities = KerasLayer("Softmax", {"axis": config["axis"]})
    return _value(layer, _ours("InfogainLoss", **config), probabilities=probabilities)


def _matrix(layer: Placed, source: str) -> list[list[float]]:
    """The matrix in a file, as Caffe finds it: from the folder that it is started in."""
    classes = layer.inputs[0].shape[layer.inputs[0].axis(layer.params.infogain_loss_param.axis)]
    if not Path(source).is_file():
        raise UnsupportedCombinationError(
            what=f'infogain_loss_param.source = "{source}"',
            why="there is no such file here, and the loss needs its matrix",
            hint="start the conversion in the folder that the path is meant from",
        )
    blobs = read_blobs(source)
    (matrix,) = {**blobs.inputs, **blobs.outputs}.values()
    if matrix.size != classes**2:
        raise UnsupportedCombinationError(
            what=f'infogain_loss_param.source = "{source}"',
            why=f"{classes} classes take {classes**2} numbers, received {matrix.size}",
        )
    return [[float(v) for v in row] for row in matrix.reshape(classes, classes)]


def _multinomial_logistic_loss(layer: Placed) -> Fragment:
    """Of probabilities, one place for each sample."""
    return _value(layer, _ours("MultinomialLogisticLoss"))


def _hinge_loss(layer: Placed) -> Fragment:
    """L1 or L2."""
    squared = layer.params.hinge_loss_param.norm == "L2"
    return _value(layer, _ours("HingeLoss", squared=squared))


def _euclidean_loss(layer: Placed) -> Fragment:
    """Half the squared distance."""
    return _value(layer, _ours("EuclideanLoss"))


def _sigmoid_cross_entropy_loss(layer: Placed) -> Fragment:
    """Stock where the divisor is the number of all targets."""
    p, (scores, targets) = layer.params.loss_param, layer.inputs
    mode, ignored = _normalization(p, default="BATCH_SIZE"), _ignored(p)
    alone = scores.shape[1:] == (1,) and mode != "NONE"
    if ignored is None and scores.shape == targets.shape and (alone or mode in ("FULL", "VALID")):
        return _value(layer, _stock("BinaryCrossentropy", from_logits=True))
    loss = _ours("SigmoidCrossEntropyLoss", ignore_label=ignored, normalization=mode)
    return _value(layer, loss)


def _contrastive_loss(layer: Placed) -> Fragment:
    """Two predictions, and whether they are alike."""
    p = layer.params.contrastive_loss_param
    loss = _ours("ContrastiveLoss", margin=p.margin, legacy=p.legacy_version)
    return _value(layer, loss, predictions=2)


def _smooth_l1_loss(layer: Placed) -> Fragment:
    """Fast R-CNN's; two or four bottoms."""
    if len(layer.inputs) not in (2, 4):
        _need_inputs(layer, 2)
    return _value(layer, _ours("SmoothL1Loss", sigma=layer.params.smooth_l1_loss_param.sigma))


def _accuracy(layer: Placed) -> Fragment:
    """Stock for one label a sample that all count; see runtime's Accuracy."""
    p, (scores, labels) = layer.params.accuracy_param, layer.inputs
    axis, ignored = scores.axis(p.axis), _ignored(p)
    plain = scores.rank == 2 and labels.shape[1:] in ((), (1,)) and axis == 1
    if plain and ignored is None and p.top_k == 1:
        metric = _stock("SparseCategoricalAccuracy")
    elif plain and ignored is None:
        metric = _stock("SparseTopKCategoricalAccuracy", k=p.top_k)
    else:
        config = {"top_k": p.top_k, "axis": scores.keras_axis(axis), "ignore_label": ignored}
        metric = _ours("Accuracy", **config)
    metric["config"]["name"] = _metric_name(layer.name)
    return _value(layer, metric)


def _metric_name(name: str) -> str:
    return "".join(c if c.isalnum() or c in "_-" else "_" for c in name)


def _class_config(layer: Placed, axis: int) -> dict[str, Any]:
    """What losses over a softmax have in common; ``axis`` is Caffe's."""
    scores, p = layer.inputs[0], layer.params.loss_param
    return {
        "axis": scores.keras_axis(axis),
        "ignore_label": _ignored(p),
        "normalization": _normalization(p, default="VALID"),
        "batch_axes": axis,
    }


def _normalization(p: Params, default: str) -> str:
    # softmax_loss_layer.cpp: the old field counts only where the new one is not given.
    if p.has("normalize") and not p.has("normalization"):
        return "VALID" if p.normalize else "BATCH_SIZE"
    return str(p.normalization) if p.has("normalization") else default


def _ignored(p: Params) -> int | None:
    return int(p.ignore_label) if p.has("ignore_label") else None


def _stock(name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": name, "config": config}


def _ours(name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": f"caffe2keras>{name}", "config": config}


def _value(
    layer: Placed,
    loss: Mapping[str, Any],
    predictions: int = 1,
    probabilities: KerasLayer | None = None,
) -> Fragment:
    """The layer that computes the value, and for a second top the one that predicts."""
    value = KerasLayer("caffe2keras>LossValue", {"loss": dict(loss), "predictions": predictions})
    inputs = tuple(FragmentInput(i) for i in range(len(layer.inputs)))
    calls, layouts = [Call(value, inputs)], [_SCALAR]
    most = 1 if probabilities is None else 2
    if len(layer.outputs) > most:
        # R-FCN's fork has a third top, the losses of single regions.
        raise UnsupportedCombinationError(
            what=f"{layer.type} with {len(layer.outputs)} tops",
            why=f"only the first {most} can be said in Keras",
            hint="remove the others from the prototxt",
        )
    if probabilities is not None and len(layer.outputs) > 1:
        calls.append(Call(probabilities, (FragmentInput(0),)))
        layouts.append(layer.inputs[0].layout)
    outputs = tuple(FragmentOutput(i) for i in range(len(calls)))
    return Fragment(tuple(calls), outputs, tuple(layouts))


def _need_inputs(layer: Placed, count: int) -> None:
    if len(layer.inputs) != count:
        raise UnsupportedCombinationError(
            what=f"{layer.type} with {len(layer.inputs)} bottoms",
            why=f"Caffe's takes {count}",
            hint="convert in phase TEST, for a model that predicts",
        )


def _by_places(layer: Layer, given: Layouts) -> Layouts:
    """Labels in Caffe's order, and scores whose places are in that order, too."""
    params = layer.params.fresh()
    axis = {
        "Accuracy": params.accuracy_param.axis,
        "InfogainLoss": params.infogain_loss_param.axis,
    }.get(layer.type, params.softmax_param.axis)
    scores = given[0]
    axis = axis % max(scores.rank, 1)
    places = [one for one in scores.permutation if one != axis]
    in_order = places == sorted(places)
    return (scores if in_order else caffe_order(scores.rank), *_in_caffe_order(given[1:]))


def _alike(layer: Layer, given: Layouts) -> Layouts:
    """All in the first one's layout where their shapes are the same, else in Caffe's order."""
    if all(blob.dims == layer.bottoms[0].dims for blob in layer.bottoms):
        return (given[0],) * len(given)
    return _in_caffe_order(given)


def _flat(layer: Layer, given: Layouts) -> Layouts:
    return _in_caffe_order(given)


def _in_caffe_order(given: Layouts) -> tuple[Layout, ...]:
    return tuple(caffe_order(one.rank) for one in given)


_MAPPERS: Mapping[str, tuple[Mapper, Any]] = {
    "Accuracy": (_accuracy, _by_places),
    "ContrastiveLoss": (_contrastive_loss, _flat),
    "EuclideanLoss": (_euclidean_loss, _alike),
    "HingeLoss": (_hinge_loss, _flat),
    "InfogainLoss": (_infogain_loss, _by_places),
    "MultinomialLogisticLoss": (_multinomial_logistic_loss, _flat),
    "SigmoidCrossEntropyLoss": (_sigmoid_cross_entropy_loss, _alike),
    "SmoothL1Loss": (_smooth_l1_loss, _alike),
    "SoftmaxWithLoss": (_softmax_with_loss, _by_places),
}

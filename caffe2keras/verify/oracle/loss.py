"""Losses: their values, before Caffe weights them by loss_weight."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from caffe2keras.errors import ShapeError, UnsupportedFieldError
from caffe2keras.graph.net import Layer
from caffe2keras.params import Params
from caffe2keras.verify.oracle.activation import softmax
from caffe2keras.verify.oracle.axes import canonical, three_parts
from caffe2keras.verify.oracle.registry import Array, Arrays, Tops, computes

__all__ = [
    "contrastive_loss",
    "hinge_loss",
    "sigmoid_cross_entropy_loss",
    "smooth_l1_loss",
    "softmax_with_loss",
]

# What stands in for a probability of 0 under the logarithm: FLT_MIN in softmax_loss_layer.cpp,
# kLOG_THRESHOLD of loss_layer.hpp in the others.
SMALLEST_FLOAT = float(np.finfo(np.float32).tiny)
LOG_THRESHOLD = float(np.float32(1e-20))


def _normalizer(mode: str, outer: int, inner: int, valid: int) -> int:
    """What a sum of losses is divided by; never less than 1 (softmax_loss_layer.cpp)."""
    counts = {"FULL": outer * inner, "VALID": valid, "BATCH_SIZE": outer, "NONE": 1}
    return max(1, counts[mode])


def _normalization(p: Params, default: str) -> str:
    """The mode; the old field normalize counts only where normalization was not given."""
    if p.has("normalize") and not p.has("normalization"):
        return "VALID" if p.normalize else "BATCH_SIZE"
    return str(p.normalization) if p.has("normalization") else default


def _labelled_loss(
    layer: Layer,
    scores: Array,
    labels: Array,
    axis: int,
    loss: Callable[[Array, npt.NDArray[np.int64]], Array],
) -> tuple[Array, ...]:
    """Softmax, then the mean loss over all places whose label is not ignored.

    Args:
        layer: with its loss_param; a second top receives the probabilities.
        scores: with the classes along the axis.
        labels: as many as there are places.
        axis: where the classes are.
        loss: (places, classes) probabilities, (places,) labels -> (places,) losses.
    """
    p = layer.params.loss_param
    outer, classes, inner = three_parts(scores.shape, axis)
    if labels.size != outer * inner:
        raise ShapeError(what=f"expected {outer * inner} labels, received {labels.size}")
    probabilities = softmax(scores, axis)
    rows = np.moveaxis(probabilities.reshape(outer, classes, inner), 1, -1).reshape(-1, classes)
    wanted = labels.reshape(-1).astype(np.int64)
    if p.has("ignore_label"):
        rows, wanted = rows[wanted != p.ignore_label], wanted[wanted != p.ignore_label]
    total = loss(rows, wanted).sum()
    mode = _normalization(p, default="VALID")
    value = np.asarray(total / _normalizer(mode, outer, inner, len(wanted)), scores.dtype)
    return (value, probabilities)[: len(layer.tops)]


@computes("SoftmaxWithLoss")
def softmax_with_loss(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """-log of the label's probability (softmax_loss_layer.cpp)."""
    scores, labels = bottoms

    def loss(rows: Array, wanted: npt.NDArray[np.int64]) -> Array:
        own = np.take_along_axis(rows, wanted[:, np.newaxis], 1)
        return -np.log(np.maximum(own, SMALLEST_FLOAT))

    axis = canonical(layer.params.softmax_param.axis, scores.ndim)
    return _labelled_loss(layer, scores, labels, axis, loss)


@computes("InfogainLoss")
def infogain_loss(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """-log of every probability, weighted by the label's row of a matrix, the third bottom.

    From infogain_loss_layer.cpp.

    Raises:
        UnsupportedFieldError: the matrix is in a file.
    """
    p = layer.params.infogain_loss_param
    if len(bottoms) < 3:
        raise UnsupportedFieldError(
            what=f'{layer}: infogain_loss_param.source = "{p.source}"',
            where=layer.where,
            why="the oracle opens no files",
            hint="give the matrix as a third bottom",
        )
    scores, labels, matrix = bottoms

    def loss(rows: Array, wanted: npt.NDArray[np.int64]) -> Array:
        gains = matrix.reshape(rows.shape[1], rows.shape[1])[wanted]
        return -(gains * np.log(np.maximum(rows, LOG_THRESHOLD)))

    return _labelled_loss(layer, scores, labels, canonical(p.axis, scores.ndim), loss)


@computes("MultinomialLogisticLoss")
def multinomial_logistic_loss(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """-log of the label's probability, of probabilities (multinomial_logistic_loss_layer.cpp)."""
    probabilities, labels = bottoms
    rows = probabilities.reshape(len(probabilities), -1)
    own = np.take_along_axis(rows, labels.reshape(-1, 1).astype(np.int64), 1)
    return (np.asarray(-np.log(np.maximum(own, LOG_THRESHOLD)).mean()),)


@computes("EuclideanLoss")
def euclidean_loss(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """Half the squared distance for each sample, on the average (euclidean_loss_layer.cpp)."""
    a, b = bottoms
    difference = a.reshape(len(a), -1) - b.reshape(len(b), -1)
    return (np.asarray((difference * difference).sum() / len(a) / 2),)


@computes("HingeLoss")
def hinge_loss(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """By how much scores miss the margin, summed plain or squared (hinge_loss_layer.cpp)."""
    scores, labels = bottoms
    rows = scores.reshape(len(scores), -1).copy()
    own = np.arange(len(rows)), labels.reshape(-1).astype(np.int64)
    rows[own] *= -1
    short = np.maximum(0, 1 + rows)
    squared = layer.params.hinge_loss_param.norm == "L2"
    return (np.asarray((short * short if squared else short).sum() / len(rows)),)


@computes("SigmoidCrossEntropyLoss")
def sigmoid_cross_entropy_loss(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """-t · log p - (1 - t) · log(1 - p) with p = sigmoid x, for each sample.

    From sigmoid_cross_entropy_loss_layer.cpp; unlike softmax's, its normalization is the batch
    size where nothing is said.
    """
    p = layer.params.loss_param
    x, target = (bottom.reshape(len(bottom), -1) for bottom in bottoms)
    losses = np.maximum(x, 0) - x * target + np.log1p(np.exp(-np.abs(x)))
    valid = np.ones(x.shape, bool)
    if p.has("ignore_label"):
        valid = target.astype(np.int64) != p.ignore_label
    mode = _normalization(p, default="BATCH_SIZE")
    divisor = _normalizer(mode, len(x), x.shape[1], int(valid.sum()))
    return (np.asarray(losses[valid].sum() / divisor),)


@computes("ContrastiveLoss")
def contrastive_loss(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """Similar pairs pay for their distance, others for being nearer than the margin.

    The legacy version takes the margin from the squared distance (contrastive_loss_layer.cpp).
    """
    p = layer.params.contrastive_loss_param
    a, b = (bottom.reshape(len(bottom), -1) for bottom in bottoms[:2])
    similar = bottoms[2].reshape(-1).astype(np.int64) != 0
    squared = ((a - b) ** 2).sum(axis=1)
    if p.legacy_version:
        apart = np.maximum(p.margin - squared, 0)
    else:
        apart = np.maximum(p.margin - np.sqrt(squared), 0) ** 2
    return (np.asarray(np.where(similar, squared, apart).sum() / len(a) / 2),)


@computes("SmoothL1Loss")
def smooth_l1_loss(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """Squares near zero and absolute values beyond, for each sample.

    Further bottoms weight the differences and then the losses (smooth_L1_loss_layer.cu in
    rbgirshick's caffe-fast-rcnn).
    """
    sharpness = layer.params.smooth_l1_loss_param.sigma**2
    difference = bottoms[0] - bottoms[1].reshape(bottoms[0].shape)
    if len(bottoms) == 4:
        difference = difference * bottoms[2].reshape(difference.shape)
    size = np.abs(difference)
    near = 0.5 * sharpness * difference * difference
    losses = np.where(size < 1 / sharpness, near, size - 0.5 / sharpness)
    if len(bottoms) == 4:
        losses = losses * bottoms[3].reshape(losses.shape)
    return (np.asarray(losses.sum() / len(losses)),)

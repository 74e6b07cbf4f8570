"""Losses and measures, which compare a prediction with labels, and sinks, which produce nothing."""

from __future__ import annotations

from collections.abc import Sequence

from caffe2keras.graph.net import Shape
from caffe2keras.params import Params
from caffe2keras.shapes.demands import (
    blobs,
    canonical_axis,
    count,
    demand,
    legacy_shape,
    unbounded,
)
from caffe2keras.shapes.registry import Inferred, infers

__all__ = [
    "accuracy",
    "contrastive_loss",
    "detection_loss",
    "euclidean_loss",
    "hdf5_output",
    "hinge_loss",
    "infogain_loss",
    "multinomial_logistic_loss",
    "sigmoid_cross_entropy_loss",
    "silence",
    "softmax_with_loss",
]

SCALAR: Shape = ()


@infers("Silence")
@blobs(bottoms=(1, unbounded), tops=0)
def silence(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """Takes anything, produces nothing."""
    return Inferred(())


@infers("HDF5Output")
@blobs(bottoms=2, tops=0)
def hdf5_output(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """Data and labels of one batch size, saved."""
    _same_batch(bottoms)
    return Inferred(())


@infers("Accuracy")
@blobs(bottoms=2, tops=(1, 2))
def accuracy(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """Scores (*outer, C, *inner), labels -> a scalar, and one accuracy for each class, (C,)."""
    p, (scores, labels) = params.accuracy_param, bottoms
    axis = _one_label_each(p.axis, scores, labels)
    demand(p.top_k <= scores[axis], f"top_k {p.top_k} exceeds the {scores[axis]} classes")
    return Inferred((SCALAR, (scores[axis],))[:tops])


@infers("SoftmaxWithLoss")
@blobs(bottoms=2, tops=(1, 2), unnamed=True)
def softmax_with_loss(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """Scores (*outer, C, *inner), labels -> a scalar, and the probabilities."""
    _same_batch(bottoms)
    _one_label_each(params.softmax_param.axis, *bottoms)
    return Inferred((SCALAR, bottoms[0])[:tops])


@infers("InfogainLoss")
@blobs(bottoms=(2, 3), tops=(1, 2), unnamed=True)
def infogain_loss(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """Scores, labels, a matrix of C·C numbers or a file of them -> a scalar, the probabilities."""
    p, (scores, labels, *matrix) = params.infogain_loss_param, bottoms
    _same_batch((scores, labels))
    classes = scores[_one_label_each(p.axis, scores, labels)]
    demand(bool(matrix) or p.has("source"), "the matrix is missing: no third input, no source")
    for shape in matrix:
        demand(
            count(shape) == classes**2,
            f"the matrix for {classes} classes takes {classes**2} numbers, received {shape}",
        )
    return Inferred((SCALAR, scores)[:tops])


@infers("EuclideanLoss")
@blobs(bottoms=2, unnamed=True)
def euclidean_loss(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """Two blobs with as many numbers in an item -> a scalar."""
    _same_batch(bottoms)
    demand(
        count(bottoms[0], 1) == count(bottoms[1], 1),
        f"the items of {bottoms[0]} and {bottoms[1]} differ in size",
    )
    return Inferred((SCALAR,))


@infers("SigmoidCrossEntropyLoss")
@blobs(bottoms=2, unnamed=True)
def sigmoid_cross_entropy_loss(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """Two blobs with as many numbers -> a scalar."""
    _same_batch(bottoms)
    demand(
        count(bottoms[0]) == count(bottoms[1]),
        f"{bottoms[0]} and {bottoms[1]} differ in size",
    )
    return Inferred((SCALAR,))


@infers("HingeLoss")
@blobs(bottoms=2, unnamed=True)
def hinge_loss(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """Scores and labels of one batch size -> a scalar."""
    _same_batch(bottoms)
    return Inferred((SCALAR,))


@infers("MultinomialLogisticLoss")
@blobs(bottoms=2, unnamed=True)
def multinomial_logistic_loss(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """Probabilities and labels, one for an item -> a scalar."""
    _same_batch(bottoms)
    _one_number_each(bottoms[1], "labels")
    return Inferred((SCALAR,))


@infers("ContrastiveLoss")
@blobs(bottoms=3, unnamed=True)
def contrastive_loss(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """Two feature vectors (N, C), similar or not (N,) -> a scalar."""
    left, right = legacy_shape(bottoms[0]), legacy_shape(bottoms[1])
    _same_batch(bottoms[:2])
    demand(
        left[1:] == (left[1], 1, 1) and right[1:] == left[1:],
        f"the features take one shape (N, C), received {bottoms[0]} and {bottoms[1]}",
    )
    _one_number_each(bottoms[2], "labels")
    return Inferred((SCALAR,))


@infers("MultiBoxLoss", "RegionLoss", "SmoothL1Loss", "Yolov3")
@blobs(bottoms=(2, unbounded), unnamed=True)
def detection_loss(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """The losses of SSD, YOLO and R-CNN: a scalar. What they train on is not looked at here."""
    return Inferred((SCALAR,))


def _same_batch(bottoms: Sequence[Shape]) -> None:
    first, second = bottoms[:2]
    demand(len(first) > 0 and len(second) > 0, "a scalar has no batch to compare over")
    demand(
        first[0] == second[0], f"the first extents of {first} and {second} differ, the batch sizes"
    )


def _one_label_each(axis: int, scores: Shape, labels: Shape) -> int:
    """The class axis of the scores; there is one label for each vector along it."""
    axis = canonical_axis(axis, scores)
    expected = count(scores, 0, axis) * count(scores, axis + 1)
    demand(
        count(labels) == expected,
        f"scores {scores} with classes along axis {axis} take {expected} labels, received {labels}",
    )
    return axis


def _one_number_each(shape: Shape, noun: str) -> None:
    demand(legacy_shape(shape)[1:] == (1, 1, 1), f"the {noun} take one number an item, got {shape}")

"""Reductions: Reduction, ArgMax, Accuracy."""

from __future__ import annotations

import numpy as np

from caffe2keras.errors import ShapeError
from caffe2keras.graph.net import Layer
from caffe2keras.verify.oracle.axes import canonical, three_parts
from caffe2keras.verify.oracle.registry import Array, Arrays, Tops, computes

__all__ = ["accuracy", "arg_max", "reduction"]


@computes("Reduction")
def reduction(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """SUM, ASUM, SUMSQ or MEAN of everything from an axis on, times coeff (reduction_layer.cpp)."""
    p = layer.params.reduction_param
    (x,) = bottoms
    axis = canonical(p.axis, x.ndim)
    rows = x.reshape(*x.shape[:axis], -1)
    if p.operation == "ASUM":
        rows = np.abs(rows)
    elif p.operation == "SUMSQ":
        rows = rows * rows
    y = rows.mean(axis=-1) if p.operation == "MEAN" else rows.sum(axis=-1)
    return (np.asarray(y * p.coeff, x.dtype),)


@computes("ArgMax")
def arg_max(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """The indices or values of the top_k greatest, along an axis or over a whole image.

    Without an axis: (N, 1, k) indices, or (N, 2, k) indices and values. Among equal values the
    later index comes first, since Caffe sorts pairs (argmax_layer.cpp).
    """
    p = layer.params.argmax_param
    (x,) = bottoms
    if p.has("axis"):
        axis = canonical(p.axis, x.ndim)
        index = _greatest(x, axis, p.top_k)
        values = np.take_along_axis(x, index, axis)
        return (values if p.out_max_val else index.astype(x.dtype),)
    rows = x.reshape(len(x), -1)
    index = _greatest(rows, 1, p.top_k)
    found = [index.astype(x.dtype)]
    if p.out_max_val:
        found.append(np.take_along_axis(rows, index, 1))
    shape = (len(x), len(found), p.top_k, *(1,) * (x.ndim - 3))
    return (np.stack(found, axis=1).reshape(shape),)


def _greatest(x: Array, axis: int, count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
    backwards = np.flip(x, axis)
    order = np.argsort(-backwards, axis=axis, kind="stable")
    return np.take(x.shape[axis] - 1 - order, np.arange(count), axis=axis)


@computes("Accuracy")
def accuracy(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """The share of labels among the top_k; as a second top, that of each class.

    A prediction as high as the label's own counts against it (accuracy_layer.cpp).
    """
    p = layer.params.accuracy_param
    scores, labels = bottoms
    axis = canonical(p.axis, scores.ndim)
    outer, classes, inner = three_parts(scores.shape, axis)
    if labels.size != outer * inner:
        raise ShapeError(what=f"expected {outer * inner} labels, received {labels.size}")
    rows = np.moveaxis(scores.reshape(outer, classes, inner), 1, -1).reshape(-1, classes)
    wanted = labels.reshape(-1).astype(np.int64)
    if p.has("ignore_label"):
        rows, wanted = rows[wanted != p.ignore_label], wanted[wanted != p.ignore_label]
    own = np.take_along_axis(rows, wanted[:, np.newaxis], 1)
    right = (rows >= own).sum(axis=1) - 1 < p.top_k
    share = np.asarray(right.mean() if right.size else 0.0, scores.dtype)
    if len(layer.tops) == 1:
        return (share,)
    asked = np.bincount(wanted, minlength=classes)
    found = np.bincount(wanted, weights=right, minlength=classes)
    return share, (found / np.maximum(asked, 1)).astype(scores.dtype)

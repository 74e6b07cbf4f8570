"""Losses whose labels are class numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe2keras.runtime.base_loss import CaffeLoss, check_normalization, divisor, with_value
from caffe2keras.runtime.dialect import keras, ops, prod

__all__ = [
    "HingeLoss",
    "InfogainLoss",
    "MultinomialLogisticLoss",
    "SoftmaxWithLoss",
]

# What stands in for a probability of 0 under the logarithm: FLT_MIN in softmax_loss_layer.cpp,
# kLOG_THRESHOLD of loss_layer.hpp in the others.
_LOG_OF_SMALLEST_FLOAT = -87.33654475
_LOG_THRESHOLD = 1e-20
_LOG_OF_THRESHOLD = -46.05170186


class _ClassLoss(CaffeLoss):
    """A loss over the log-probabilities of a softmax, some labels left out.

    Args:
        axis: where the classes are.
        ignore_label: a label whose places count for nothing; None for no such label.
        normalization: what the sum is divided by, see :class:`SoftmaxWithLoss`.
        batch_axes: how many of the first axes number the batch for ``"BATCH_SIZE"``.
        name: of the loss.
    """

    def __init__(
        self,
        axis: int = -1,
        ignore_label: int | None = None,
        normalization: str = "VALID",
        batch_axes: int = 1,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.axis = int(axis)
        self.ignore_label = ignore_label
        self.normalization = check_normalization(normalization)
        self.batch_axes = int(batch_axes)

    def call(self, y_true: Any, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        """Each sample's share, (N,)."""
        shape = ops.shape(y_pred)
        labels, *rest = y_true if isinstance(y_true, (list, tuple)) else (y_true,)
        logs = ops.moveaxis(ops.log_softmax(y_pred, axis=self.axis), self.axis, -1)
        rows = ops.reshape(logs, (-1, y_pred.shape[self.axis]))
        labels = ops.cast(ops.reshape(labels, (-1,)), "int32")
        valid = ops.ones_like(labels, dtype="bool")
        if self.ignore_label is not None:
            valid = ops.not_equal(labels, self.ignore_label)
        losses = self._losses(rows, ops.where(valid, labels, 0), *rest)
        losses = ops.where(valid, losses, 0.0)
        by = divisor(
            self.normalization,
            full=ops.size(labels),
            valid=ops.sum(ops.cast(valid, "float32")),
            batch=prod(shape[: self.batch_axes]),
        )
        return ops.sum(ops.reshape(losses, (shape[0], -1)), axis=1) / by

    def _losses(
        self, rows: keras.KerasTensor, labels: keras.KerasTensor, *rest: keras.KerasTensor
    ) -> keras.KerasTensor:
        """(places, classes) log-probabilities, (places,) labels -> (places,) losses."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "axis": self.axis,
            "ignore_label": self.ignore_label,
            "normalization": self.normalization,
            "batch_axes": self.batch_axes,
        }


@keras.saving.register_keras_serializable(package="caffe2keras")
class SoftmaxWithLoss(_ClassLoss):
    """``-log softmax(scores)[label]``, of scores and not of probabilities.

    Caffe's SoftmaxWithLoss (softmax_loss_layer.cpp). The sum over all places whose label is not
    ignored is divided by the number

    * of these places: ``"VALID"``, the default;
    * of all places: ``"FULL"``;
    * of samples: ``"BATCH_SIZE"`` (the old ``normalize: false``);
    * 1: ``"NONE"``;

    and never by less than 1. A loss ends at 87.3, Caffe's -log(FLT_MIN); its gradient does not.

    Args:
        axis: where the classes are.
        ignore_label: a label whose places count for nothing; None for no such label.
        normalization: as above.
        batch_axes: how many of the first axes number the batch for ``"BATCH_SIZE"``.
        name: of the loss.

    Call arguments:
        y_true: as many labels as there are places, in any shape with them in order:
            (N,), (N, 1), (N, H, W), (N, 1, H, W), (N, H, W, 1), ...
        y_pred: scores, the classes along ``axis``.

    Example:
        >>> SoftmaxWithLoss(ignore_label=255)(keras.ops.array([1, 255]), keras.ops.zeros((2, 4)))
        # log 4
    """

    def _losses(
        self, rows: keras.KerasTensor, labels: keras.KerasTensor, *rest: keras.KerasTensor
    ) -> keras.KerasTensor:
        own = _picked(rows, labels)
        return -with_value(own, ops.maximum(own, _LOG_OF_SMALLEST_FLOAT))


@keras.saving.register_keras_serializable(package="caffe2keras")
class InfogainLoss(_ClassLoss):
    """``-Σ_k H[label, k] · log softmax(scores)[k]``.

    Caffe's InfogainLoss (infogain_loss_layer.cpp). A logarithm ends at log 1e-20; its gradient
    does not. The matrix is an argument, or comes as a second target.

    Args:
        matrix: H, a row of weights for each label; None where the targets bring it.
        **kwargs: as for :class:`SoftmaxWithLoss`.

    Call arguments:
        y_true: the labels, or a list of labels and matrix, the latter with any axes.
        y_pred: scores, the classes along ``axis``.
    """

    def __init__(self, matrix: Sequence[Sequence[float]] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.matrix = None if matrix is None else [[float(v) for v in row] for row in matrix]

    def _losses(
        self, rows: keras.KerasTensor, labels: keras.KerasTensor, *rest: keras.KerasTensor
    ) -> keras.KerasTensor:
        classes = rows.shape[-1]
        if self.matrix is None:
            matrix = ops.reshape(rest[0], (classes, classes))
        else:
            matrix = ops.convert_to_tensor(self.matrix, dtype="float32")
        gains = ops.take(ops.stop_gradient(matrix), labels, axis=0)
        return -ops.sum(gains * with_value(rows, ops.maximum(rows, _LOG_OF_THRESHOLD)), axis=-1)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "matrix": self.matrix}


@keras.saving.register_keras_serializable(package="caffe2keras")
class MultinomialLogisticLoss(CaffeLoss):
    """``-log probabilities[label]``, the mean over the samples.

    Caffe's MultinomialLogisticLoss (multinomial_logistic_loss_layer.cpp). A probability below
    1e-20 counts as 1e-20, and its gradient is the one there.

    Call arguments:
        y_true: a class number for each sample.
        y_pred: probabilities, (N, classes, ...) with one place each.
    """

    def call(self, y_true: Any, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        """Each sample's share, (N,)."""
        rows = ops.reshape(y_pred, (ops.shape(y_pred)[0], -1))
        own = _picked(rows, ops.cast(ops.reshape(y_true, (-1,)), "int32"))
        own = with_value(own, ops.maximum(own, _LOG_THRESHOLD))
        return -ops.log(own) / ops.cast(ops.shape(y_pred)[0], "float32")


@keras.saving.register_keras_serializable(package="caffe2keras")
class HingeLoss(CaffeLoss):
    """``Σ_k max(0, 1 ± score_k)``, minus for the label's class, the mean over the samples.

    Caffe's HingeLoss (hinge_loss_layer.cpp).

    Args:
        squared: whether the terms are squared, Caffe's ``norm: L2``.
        name: of the loss.

    Call arguments:
        y_true: a class number for each sample.
        y_pred: scores, (N, ...); what is behind the batch numbers the classes, in Caffe's order.
    """

    def __init__(self, squared: bool = False, name: str | None = None) -> None:
        super().__init__(name=name)
        self.squared = bool(squared)

    def call(self, y_true: Any, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        """Each sample's share, (N,)."""
        rows = ops.reshape(y_pred, (ops.shape(y_pred)[0], -1))
        own = _one_hot(rows, ops.cast(ops.reshape(y_true, (-1,)), "int32"))
        short = ops.relu(1.0 + rows * (1.0 - 2.0 * own))
        terms = ops.square(short) if self.squared else short
        return ops.sum(terms, axis=1) / ops.cast(ops.shape(y_pred)[0], "float32")

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "squared": self.squared}


def _picked(rows: keras.KerasTensor, labels: keras.KerasTensor) -> keras.KerasTensor:
    """From each row the value at its label."""
    own = ops.take_along_axis(rows, ops.expand_dims(labels, 1), axis=1)
    return ops.squeeze(own, axis=1)


def _one_hot(rows: keras.KerasTensor, labels: keras.KerasTensor) -> keras.KerasTensor:
    classes = ops.arange(ops.shape(rows)[1], dtype="int32")
    return ops.cast(ops.equal(classes, ops.expand_dims(labels, 1)), "float32")

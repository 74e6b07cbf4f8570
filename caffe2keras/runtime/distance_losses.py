"""Losses that compare numbers with numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe2keras.runtime.base_loss import (
    CaffeLoss,
    check_normalization,
    divisor,
    seen_as,
    with_value,
)
from caffe2keras.runtime.dialect import keras, ops

__all__ = ["ContrastiveLoss", "EuclideanLoss", "SigmoidCrossEntropyLoss", "SmoothL1Loss"]


@keras.saving.register_keras_serializable(package="caffe2keras")
class EuclideanLoss(CaffeLoss):
    """``Σ (a - b)² / 2N``: half the squared distance, the mean over the samples.

    Caffe's EuclideanLoss (euclidean_loss_layer.cpp).

    Call arguments:
        y_true: as many numbers as ``y_pred`` has.
        y_pred: (N, ...).
    """

    def call(self, y_true: Any, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        """Each sample's share, (N,)."""
        return 0.5 * _per_sample(ops.square(y_pred - seen_as(y_true, y_pred)))


@keras.saving.register_keras_serializable(package="caffe2keras")
class SigmoidCrossEntropyLoss(CaffeLoss):
    """``-t · log p - (1 - t) · log(1 - p)`` with p = sigmoid(score).

    Caffe's SigmoidCrossEntropyLoss (sigmoid_cross_entropy_loss_layer.cpp). The sum over all
    targets that are not ignored is divided by the number

    * of samples: ``"BATCH_SIZE"``, the default;
    * of these targets: ``"VALID"``;
    * of all targets: ``"FULL"``;
    * 1: ``"NONE"``;

    and never by less than 1.

    Args:
        ignore_label: a target, its fraction cut off, that counts for nothing; None for none.
        normalization: as above.
        name: of the loss.

    Call arguments:
        y_true: as many targets as ``y_pred`` has numbers.
        y_pred: scores, (N, ...).
    """

    def __init__(
        self,
        ignore_label: int | None = None,
        normalization: str = "BATCH_SIZE",
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.ignore_label = ignore_label
        self.normalization = check_normalization(normalization)

    def call(self, y_true: Any, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        """Each sample's share, (N,)."""
        target = ops.stop_gradient(seen_as(y_true, y_pred))
        losses = ops.softplus(y_pred) - y_pred * target
        valid = ops.ones_like(target)
        if self.ignore_label is not None:
            wanted = ops.not_equal(ops.cast(target, "int32"), self.ignore_label)
            valid = ops.cast(wanted, "float32")
            losses = ops.where(wanted, losses, 0.0)
        by = divisor(
            self.normalization,
            full=ops.size(y_pred),
            valid=ops.sum(valid),
            batch=ops.shape(y_pred)[0],
        )
        return _sums(losses) / by

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "ignore_label": self.ignore_label,
            "normalization": self.normalization,
        }


@keras.saving.register_keras_serializable(package="caffe2keras")
class ContrastiveLoss(CaffeLoss):
    """Similar pairs pay for their distance d, others for being nearer than a margin.

    ``Σ (d² if similar else max(margin - d, 0)²) / 2N``; the legacy version has
    ``max(margin - d², 0)``. Caffe's ContrastiveLoss (contrastive_loss_layer.cpp), whose gradient
    divides by d + 1e-4 where the derivative would by d.

    Args:
        margin: as above.
        legacy: whether the margin is one of the squared distance.
        name: of the loss.

    Call arguments:
        y_true: for each pair, 0 if it is not similar.
        y_pred: a list of two, each (N, ...).
    """

    def __init__(self, margin: float = 1.0, legacy: bool = False, name: str | None = None) -> None:
        super().__init__(name=name)
        self.margin = float(margin)
        self.legacy = bool(legacy)

    def call(self, y_true: Any, y_pred: Sequence[keras.KerasTensor]) -> keras.KerasTensor:
        """Each sample's share, (N,)."""
        first, second = y_pred
        squared = _sums(ops.square(first - second))
        similar = ops.not_equal(ops.cast(ops.reshape(y_true, (-1,)), "int32"), 0)
        apart = ops.relu(self.margin - squared) if self.legacy else self._apart(squared)
        samples = ops.cast(ops.shape(first)[0], "float32")
        return 0.5 * ops.where(similar, squared, apart) / samples

    def _apart(self, squared: keras.KerasTensor) -> keras.KerasTensor:
        distance = ops.sqrt(ops.stop_gradient(squared))
        short = ops.relu(self.margin - distance)
        return with_value(-squared * short / (distance + 1e-4), ops.square(short))

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "margin": self.margin, "legacy": self.legacy}


@keras.saving.register_keras_serializable(package="caffe2keras")
class SmoothL1Loss(CaffeLoss):
    """Squares near zero and absolute values beyond, the mean over the samples.

    ``0.5 · s · x²`` where ``|x| < 1 / s``, else ``|x| - 0.5 / s``, with s = sigma². The
    SmoothL1Loss of Fast R-CNN (smooth_L1_loss_layer.cu in rbgirshick's caffe-fast-rcnn).

    Args:
        sigma: as above.
        name: of the loss.

    Call arguments:
        y_true: the targets; or a list of targets, weights of the differences, and weights of the
            losses.
        y_pred: (N, ...).
    """

    def __init__(self, sigma: float = 1.0, name: str | None = None) -> None:
        super().__init__(name=name)
        self.sigma = float(sigma)

    def call(self, y_true: Any, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        """Each sample's share, (N,)."""
        parts = y_true if isinstance(y_true, (list, tuple)) else (y_true,)
        target, *weights = (seen_as(part, y_pred) for part in parts)
        difference = y_pred - target
        if weights:
            difference = difference * weights[0]
        sharpness, size = self.sigma**2, ops.abs(difference)
        near = 0.5 * sharpness * ops.square(difference)
        losses = ops.where(size < 1 / sharpness, near, size - 0.5 / sharpness)
        return _per_sample(losses * weights[1] if weights else losses)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "sigma": self.sigma}


def _sums(values: keras.KerasTensor) -> keras.KerasTensor:
    return ops.sum(ops.reshape(values, (ops.shape(values)[0], -1)), axis=1)


def _per_sample(values: keras.KerasTensor) -> keras.KerasTensor:
    return _sums(values) / ops.cast(ops.shape(values)[0], "float32")

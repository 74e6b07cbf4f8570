"""What Caffe's losses have in common: labels in its order, and a divisor for the sum."""

from __future__ import annotations

from typing import Any

from caffe2keras.runtime.dialect import keras, ops

__all__ = ["NORMALIZATIONS", "CaffeLoss", "check_normalization", "divisor", "seen_as", "with_value"]

NORMALIZATIONS = ("FULL", "VALID", "BATCH_SIZE", "NONE")


class CaffeLoss(keras.losses.Loss):
    """A loss that answers, for each sample, its share of what Caffe computes for the batch.

    The shares are summed, so that Caffe's own divisors count. With sample weights each share is
    weighted; the divisor stays.

    Args:
        name: of the loss.
    """

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name=name, reduction="sum")

    def get_config(self) -> dict[str, Any]:
        """The arguments; the reduction is always the sum."""
        return {"name": self.name}


def check_normalization(normalization: str) -> str:
    """One of ``NORMALIZATIONS``; ValueError for anything else."""
    if normalization not in NORMALIZATIONS:
        raise ValueError(
            f"`normalization` must be one of {', '.join(NORMALIZATIONS)}. "
            f"Received: normalization={normalization}"
        )
    return normalization


def divisor(normalization: str, full: Any, valid: Any, batch: Any) -> keras.KerasTensor:
    """What a sum of losses is divided by, never less than 1 (``get_normalizer``).

    Args:
        normalization: one of ``NORMALIZATIONS``.
        full: how many losses there are.
        valid: how many of them are not ignored.
        batch: how many samples.
    """
    counts = {"FULL": full, "VALID": valid, "BATCH_SIZE": batch, "NONE": 1}
    return ops.maximum(ops.cast(counts[normalization], "float32"), 1.0)


def seen_as(values: keras.KerasTensor, scores: keras.KerasTensor) -> keras.KerasTensor:
    """Values with the axes of scores that has as many numbers."""
    return ops.reshape(values, ops.shape(scores))


def with_value(path: keras.KerasTensor, value: keras.KerasTensor) -> keras.KerasTensor:
    """``value`` going forward, the gradient of ``path`` going back.

    For where Caffe's backward pass is not the derivative of its forward pass.
    """
    return path + ops.stop_gradient(value - path)

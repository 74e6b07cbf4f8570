"""Losses that Keras computes beside the model, of its outputs and ``y``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from caffe2keras.backend import import_keras
from caffe2keras.record import BlobRecord, HeadRecord, Record
from caffe2keras.verify.compare import Tolerance, compare
from caffe2keras.verify.report import BlobResult
from caffe2keras.verify.witness import Witness

__all__ = ["comparable_heads", "loss_results", "predictions_beside"]

Array = npt.NDArray[Any]


def comparable_heads(record: Record, witness: Witness) -> tuple[HeadRecord, ...]:
    """The outputs whose loss the witness knows, and the labels that it was computed of."""
    heads = record.training.heads if record.training is not None else ()
    return tuple(
        head
        for head in heads
        if head.loss is not None
        and head.loss_blob in witness.expected
        and head.labels in witness.labels
    )


def predictions_beside(
    record: Record, heads: Sequence[HeadRecord], wanted: Sequence[BlobRecord]
) -> tuple[BlobRecord, ...]:
    """What the losses need and nobody compares by itself."""
    needed = {head.prediction for head in heads} - {entry.blob for entry in wanted}
    final = {entry.blob: entry for entry in record.blobs if entry.final}
    return tuple(final[blob] for blob in sorted(needed) if blob in final)


def loss_results(
    heads: Sequence[HeadRecord],
    computed: Mapping[BlobRecord, Array],
    witness: Witness,
    tolerance: Tolerance,
) -> tuple[BlobResult, ...]:
    """Each loss by the very object that Keras trains by, against the witness's value.

    Args:
        heads: what to compare.
        computed: the model's blobs, in Caffe's axis order.
        witness: with the labels.
        tolerance: as for blobs.
    """
    by_name = {entry.blob: (entry, array) for entry, array in computed.items()}
    results = []
    for head in heads:
        if head.prediction in by_name:
            entry, prediction = by_name[head.prediction]
            received = _value(head, entry, prediction, witness.labels[head.labels])
            expected = np.reshape(witness.expected[head.loss_blob], ())
            difference = compare(received, expected, tolerance)
            results.append(BlobResult("loss", head.loss_blob, (), difference, ()))
    return tuple(results)


def _value(head: HeadRecord, entry: BlobRecord, prediction: Array, labels: Array) -> Array:
    keras = import_keras()
    if labels.shape == prediction.shape:
        labels = entry.layout.to_keras(labels)
    loss = keras.losses.deserialize(head.loss)
    scores = np.ascontiguousarray(entry.layout.to_keras(prediction), np.float32)
    value = loss(np.ascontiguousarray(labels, np.float32), scores)
    return np.asarray(keras.ops.convert_to_numpy(value))

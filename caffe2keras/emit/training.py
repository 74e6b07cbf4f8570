"""What a model is trained for, as Keras keeps it in an HDF5 file and as our record has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caffe2keras.spec import KerasHead, KerasModel

__all__ = ["training_config", "training_record"]

# Caffe's net says nothing of its solver, and Keras's loader asks for an optimizer.
_OPTIMIZER = {"class_name": "SGD", "config": {"learning_rate": 0.01}}


def training_config(model: KerasModel) -> Mapping[str, Any] | None:
    """The root attribute ``training_config``, which Keras's loader compiles by.

    Losses and metrics stand in the order of the outputs. None for a model that predicts.
    """
    if model.heads is None:
        return None
    several = len(model.heads) > 1
    losses = [_object(head.loss) for head in model.heads]
    metrics = [[_object(one) for one in head.metrics] for head in model.heads]
    weights = [head.weight for head in model.heads]
    return {
        "optimizer_config": _OPTIMIZER,
        "loss": losses if several else next(iter(losses), None),
        "metrics": (metrics if several else metrics[0]) if any(metrics) else None,
        "weighted_metrics": None,
        "sample_weight_mode": None,
        "loss_weights": None
        if all(weight == 1 for weight in weights)
        else (weights if several else weights[0]),
    }


def training_record(model: KerasModel) -> Mapping[str, Any] | None:
    """The record's ``training``: the heads, and what Keras compiles by."""
    config = training_config(model)
    if config is None or model.heads is None:
        return None
    return {"heads": [_head(head) for head in model.heads], "compile": config}


def _head(head: KerasHead) -> Mapping[str, Any]:
    return {
        "prediction": head.prediction,
        "labels": head.labels,
        "loss": _object(head.loss),
        "loss_blob": head.loss_blob,
        "weight": head.weight,
    }


def _object(config: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    return None if config is None else dict(config)

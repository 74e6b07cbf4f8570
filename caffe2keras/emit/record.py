"""The record that travels in the file: what came from where, and what was decided.

It is a JSON object in the root attribute ``caffe2keras``; ``load.read_record`` reads it back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from caffe2keras.emit.storage import DType
from caffe2keras.emit.training import training_record
from caffe2keras.layout import DataFormat
from caffe2keras.provenance import PluginRecord, PreprocessingRecord, Sources
from caffe2keras.spec import (
    SAMPLED_DROPOUT,
    BlobTensor,
    KerasModel,
    NamedLayer,
    TensorRef,
    Variable,
)

__all__ = ["record_of"]


def record_of(
    model: KerasModel,
    *,
    net_name: str,
    data_format: DataFormat,
    sources: Sources,
    version: str,
    plugins: Sequence[PluginRecord] = (),
    preprocessing: PreprocessingRecord | None = None,
    dtype: DType = "float32",
) -> dict[str, Any]:
    """The whole record, ready for JSON.

    Args:
        model: what is written.
        net_name: Caffe's name of the net.
        data_format: of the Keras model.
        sources: the files converted.
        version: of this tool.
        plugins: those that have mapped a layer.
        preprocessing: what makes the net's blob of a picture, where that is known.
        dtype: how the file keeps its numbers.
    """
    ends = dict.fromkeys(model.outputs)
    drawn = _drawn(model)
    return {
        "version": version,
        "net": net_name,
        "data_format": data_format,
        "sources": asdict(sources),
        "inputs": [_input(_first_on(model, tensor)) for tensor in model.inputs],
        "outputs": [_name_of_output(model, tensor) for tensor in ends],
        "blobs": [_blob(blob, drawn) for blob in model.blobs],
        "variables": [
            _variable(named, variable)
            for named in model.layers
            for variable in named.layer.variables
            if variable.weight is not None
        ],
        "notes": [
            {"kind": note.kind, "subject": note.subject, "text": note.text} for note in model.notes
        ],
        "static_batch": model.static_batch,
        "resizable": model.resizable,
        "dtype": dtype,
        "preprocessing": asdict(preprocessing) if preprocessing else None,
        "solver": None,
        "training": training_record(model),
        "plugins": [asdict(plugin) for plugin in plugins],
    }


def _input(blob: BlobTensor) -> dict[str, Any]:
    return {
        "blob": blob.blob,
        "layer": blob.tensor.layer,
        "shape": list(blob.shape),
        "layout": list(blob.layout.permutation),
    }


def _first_on(model: KerasModel, tensor: TensorRef) -> BlobTensor:
    # Layers that change nothing give what is fed further names; the first is the net's input.
    return next(blob for blob in model.blobs if blob.tensor == tensor)


def _name_of_output(model: KerasModel, tensor: object) -> str:
    # Layers that change nothing give one tensor several names; the last is the net's output.
    return [blob.blob for blob in model.blobs if blob.tensor == tensor][-1]


def _drawn(model: KerasModel) -> frozenset[tuple[str, int]]:
    """The calls whose outputs are random: layers that draw when predicting, all behind them."""
    draws = {named.name for named in model.layers if named.layer.class_name == SAMPLED_DROPOUT}
    calls: Counter[str] = Counter()
    drawn: set[tuple[str, int]] = set()
    for node in model.nodes:
        call = (node.layer, calls[node.layer])
        calls[node.layer] += 1
        if node.layer in draws or any((t.layer, t.node) in drawn for t in node.inputs):
            drawn.add(call)
    return frozenset(drawn)


def _blob(blob: BlobTensor, drawn: frozenset[tuple[str, int]]) -> dict[str, Any]:
    entry = {
        "blob": blob.blob,
        "caffe_layer": blob.caffe_layer,
        "shape": list(blob.shape),
        "layer": blob.tensor.layer,
        "node": blob.tensor.node,
        "tensor": blob.tensor.tensor,
        "layout": list(blob.layout.permutation),
        "final": blob.final,
    }
    if blob.padded_axis is not None:
        entry["padded_axis"] = blob.padded_axis
    if (blob.tensor.layer, blob.tensor.node) in drawn:
        entry["drawn"] = True
    return entry


def _variable(named: NamedLayer, variable: Variable) -> dict[str, Any]:
    weight = variable.weight
    if weight is None:
        raise ValueError(f"{named.name}/{variable.name} does not come from Caffe")
    return {
        "layer": named.name,
        "variable": variable.name,
        "caffe_layer": weight.owner,
        "index": weight.index,
        "lr_mult": weight.lr_mult,
        "decay_mult": weight.decay_mult,
        "param": weight.param_name,
    }

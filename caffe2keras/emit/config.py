"""A KerasModel as Keras's functional JSON, in the dialect that every Keras reads.

The dialect is that of Keras 2.3: class ``Model``, nested node lists, ``batch_input_shape``, plain
``"float32"``, and no key that a layer does not need. Keras 3 reads it as well.
"""

from __future__ import annotations

import json
from typing import Any

from caffe2keras.spec import KerasModel, KerasNode, NamedLayer, TensorRef

__all__ = ["model_config", "to_json"]


def model_config(model: KerasModel) -> dict[str, Any]:
    """The model's config, without weights."""
    calls: dict[str, list[KerasNode]] = {}
    for node in model.nodes:
        calls.setdefault(node.layer, []).append(node)
    return {
        "class_name": "Model",
        "config": {
            "name": model.name,
            "layers": [_layer(named, calls.get(named.name, [])) for named in model.layers],
            "input_layers": [_tensor(tensor) for tensor in model.inputs],
            "output_layers": [_tensor(tensor) for tensor in model.outputs],
        },
    }


def _layer(named: NamedLayer, calls: list[KerasNode]) -> dict[str, Any]:
    return {
        "name": named.name,
        "class_name": named.layer.class_name,
        "config": {**named.layer.config, "name": named.name, "dtype": "float32"},
        "inbound_nodes": [[[*_tensor(source), {}] for source in call.inputs] for call in calls],
    }


def _tensor(tensor: TensorRef) -> list[Any]:
    return [tensor.layer, tensor.node, tensor.tensor]


def to_json(value: Any) -> bytes:
    """Compact JSON with sorted keys: the same value gives the same bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()

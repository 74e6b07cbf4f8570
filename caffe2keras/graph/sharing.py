"""Learned arrays that several layers share under one name (net.cpp: AppendParam)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from caffe2keras.errors import ShapeError
from caffe2keras.graph.net import Layer, Weight

__all__ = ["share_weights"]


@dataclass
class _Shared:
    """One array under a name; the multipliers are None until a layer states them."""

    weight: Weight
    layer: Layer
    lr_mult: float | None = None
    decay_mult: float | None = None


def share_weights(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """Apply every layer's ``param`` fields to its learned arrays.

    The first layer that uses a name owns the array. A multiplier holds for all that share it: the
    owner's if it states one, else that of the first layer that does.

    Raises:
        ShapeError: shared arrays differ in shape, or in size where ``share_mode`` is PERMISSIVE.
    """
    shared: dict[str, _Shared] = {}
    for layer in layers:
        for weight, spec in _named(layer):
            _join(shared.setdefault(spec.name, _Shared(weight, layer)), layer, weight, spec)
    return tuple(_apply(layer, shared) for layer in layers)


def _specs(layer: Layer) -> Sequence[Any]:
    return layer.params.fresh().param if layer.weights else ()


def _named(layer: Layer) -> list[tuple[Weight, Any]]:
    pairs = zip(layer.weights, _specs(layer), strict=False)
    return [(weight, spec) for weight, spec in pairs if spec.name]


def _join(shared: _Shared, layer: Layer, weight: Weight, spec: Any) -> None:
    permissive = spec.share_mode == "PERMISSIVE"
    same = (
        math.prod(weight.shape) == math.prod(shared.weight.shape)
        if permissive
        else weight.shape == shared.weight.shape
    )
    if not same:
        raise ShapeError(
            what=f'{layer} cannot share "{spec.name}": its array {weight.index} has shape '
            f"{weight.shape}, the owner's has {shared.weight.shape}",
            where=layer.where,
            why=f"{shared.layer} at {shared.layer.where} named it first",
            hint="" if permissive else "share_mode: PERMISSIVE asks for equal sizes only",
        )
    if shared.lr_mult is None and spec.has("lr_mult"):
        shared.lr_mult = spec.lr_mult
    if shared.decay_mult is None and spec.has("decay_mult"):
        shared.decay_mult = spec.decay_mult


def _apply(layer: Layer, shared: dict[str, _Shared]) -> Layer:
    specs = _specs(layer)
    weights = [
        _specified(weight, specs[weight.index], shared) if weight.index < len(specs) else weight
        for weight in layer.weights
    ]
    return replace(layer, weights=tuple(weights))


def _specified(weight: Weight, spec: Any, shared: dict[str, _Shared]) -> Weight:
    if not spec.name:
        return replace(weight, lr_mult=spec.lr_mult, decay_mult=spec.decay_mult)
    common = shared[spec.name]
    return replace(
        weight,
        owner=common.weight.owner,
        index=common.weight.index,
        lr_mult=1.0 if common.lr_mult is None else common.lr_mult,
        decay_mult=1.0 if common.decay_mult is None else common.decay_mult,
        param_name=spec.name,
    )

"""Shapes flow through the net, in Caffe's order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from math import prod

import caffe2keras.shapes  # noqa: F401  the rules register themselves
from caffe2keras.errors import Caffe2KerasError, GraphError, ShapeError
from caffe2keras.graph.net import Blob, Layer, Shape, Weight
from caffe2keras.shapes.registry import MOST_NUMBERS, Inferred, infer, known_types

__all__ = ["infer_shapes"]

Key = tuple[str, int]


def infer_shapes(
    layers: Sequence[Layer],
    inputs: Mapping[Key, Shape | None],
    training: AbstractSet[int] = frozenset(),
) -> tuple[Layer, ...]:
    """Give every blob its shape and every layer its learned arrays, without their numbers.

    Args:
        layers: wired, in order of execution.
        inputs: the shapes of the blobs that come from outside; None for an unknown one.
        training: indices of layers that only serve training. A conversion drops them, so that
            labels that do not fit the data leave shapes unknown and are no error.

    Returns:
        The layers. Behind an unknown shape, or a layer without a rule, shapes are None.

    Raises:
        ShapeError: a layer cannot take its inputs; it names the layer and its line.
        GraphError: two layers of one name have learned arrays, which no file could tell apart.
    """
    known = known_types()
    dims: dict[Key, Shape | None] = dict(inputs)
    shaped: list[Layer] = []
    learned: dict[str, Layer] = {}
    for index, layer in enumerate(layers):
        bottoms = tuple(replace(blob, dims=dims[blob.key]) for blob in layer.bottoms)
        layer = replace(layer, bottoms=bottoms)
        has_rule = layer.type in known and layer.type != "Input"
        inferred = _infer(layer, index in training) if has_rule else None
        if inferred is not None:
            dims.update(zip((top.key for top in layer.tops), inferred.tops, strict=False))
        tops = tuple(replace(top, dims=dims.setdefault(top.key, None)) for top in layer.tops)
        _refuse_too_large(layer, tops)
        weights = _weights(layer.name, inferred.weights if inferred else ())
        layer = replace(layer, tops=tops, weights=weights)
        if weights and learned.setdefault(layer.name, layer) is not layer:
            raise _same_name(learned[layer.name], layer)
        shaped.append(layer)
    return tuple(shaped)


def _infer(layer: Layer, is_training: bool) -> Inferred | None:
    bottoms = [blob.dims for blob in layer.bottoms if blob.dims is not None]
    if len(bottoms) < len(layer.bottoms):
        return None
    try:
        inferred = infer(layer.type, layer.params, bottoms, len(layer.tops))
    except Caffe2KerasError as error:
        if is_training and isinstance(error, ShapeError):
            return None
        error.located(f"{layer.where}, {layer}")
        raise
    # A loss may leave its top unnamed (net.cpp: AutoTopBlobs); nobody can read it then.
    if len(inferred.tops) < len(layer.tops):
        raise ShapeError(
            what=f"{layer} produces {len(inferred.tops)} blobs, but {len(layer.tops)} are named",
            where=layer.where,
            hint="remove the tops that this type does not have",
        )
    return inferred


def _weights(owner: str, shapes: tuple[Shape, ...]) -> tuple[Weight, ...]:
    return tuple(Weight(owner, index, shape) for index, shape in enumerate(shapes))


def _refuse_too_large(layer: Layer, tops: tuple[Blob, ...]) -> None:
    """What the prototxt declares, a shape rule has not seen."""
    for top in tops:
        if top.dims is not None and prod(top.dims) > MOST_NUMBERS:
            raise ShapeError(
                what=f'"{top.name}" of {layer} has {prod(top.dims):,} numbers',
                where=layer.where,
                why=f"Caffe's blobs hold {MOST_NUMBERS:,} at most",
            )


def _same_name(first: Layer, second: Layer) -> GraphError:
    return GraphError(
        what=f'two layers with learned arrays are called "{first.name}"',
        where=second.where,
        why=f"the other one is {first} at {first.where}; weights are found by layer name",
        hint="rename one of them",
    )

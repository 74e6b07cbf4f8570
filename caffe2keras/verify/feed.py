"""What is fed to both sides: given by the user, recorded, or drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

from caffe2keras.errors import BlobFileError, InputError
from caffe2keras.graph.net import Layer, Net
from caffe2keras.load import OpenShape, check_input_shapes
from caffe2keras.read.blobs import read_blobs
from caffe2keras.record import Record

__all__ = ["complete", "draw", "draw_arrays", "given_inputs", "label_blobs", "open_shapes"]

Array = npt.NDArray[Any]
StrPath = str | PathLike[str]

# Two entries tell a mixed-up batch as well as ten do, in a fifth of the time.
_BATCH = 2

# Their second bottom is class numbers.
_LABELLED = (
    "Accuracy",
    "HingeLoss",
    "InfogainLoss",
    "MultinomialLogisticLoss",
    "SoftmaxWithLoss",
)

# How many values whole numbers may have: all of them, or each by its place.
Limit = int | npt.NDArray[np.intp]


def _regions(layer: Layer, scale: float) -> Limit:
    """Of regions (R, 5): which image, and four numbers within an image of the net's input."""
    features, regions = (bottom.shape for bottom in layer.bottoms)
    height, width = (max(int(extent / scale), 1) for extent in features[2:4])
    limits = np.array([features[0], width, height, width, height])
    return limits.reshape(5, *(1,) * (len(regions) - 2))


def _classes(layer: Layer) -> Limit:
    """Of labels: how many classes the scores have."""
    scores, params = layer.bottoms[0].shape, layer.params.fresh()
    if layer.type in ("HingeLoss", "MultinomialLogisticLoss"):
        return int(np.prod(scores[1:]))
    axes = {
        "Accuracy": params.accuracy_param.axis,
        "InfogainLoss": params.infogain_loss_param.axis,
    }
    return int(scores[axes.get(layer.type, params.softmax_param.axis)])


# (type, which bottom) -> how many values its whole numbers may have
_INDICES: Mapping[tuple[str, int], Callable[[Layer], Limit]] = {
    **{(kind, 1): _classes for kind in _LABELLED},
    ("ContrastiveLoss", 2): lambda layer: 2,  # whether the pair is alike
    ("SigmoidCrossEntropyLoss", 1): lambda layer: 2,
    ("BatchReindex", 1): lambda layer: layer.bottoms[0].shape[0],
    ("Embed", 0): lambda layer: int(layer.params.fresh().embed_param.input_dim),
    ("LSTM", 1): lambda layer: 2,  # whether the sequence goes on
    ("Lstm", 1): lambda layer: 2,
    ("PSROIPooling", 1): lambda layer: _regions(
        layer, layer.params.fresh().psroi_pooling_param.spatial_scale
    ),
    ("RNN", 1): lambda layer: 2,
    ("ROIPooling", 1): lambda layer: _regions(
        layer, layer.params.fresh().roi_pooling_param.spatial_scale
    ),
}


def given_inputs(
    record: Record, inputs: Mapping[str, npt.ArrayLike] | StrPath | None
) -> dict[str, Array]:
    """What the user wants to be fed, by input blob; a file's other blobs are left aside.

    Raises:
        InputError: the file cannot be read, or a name belongs to no input of the net.
    """
    names = [entry.blob for entry in record.inputs]
    if inputs is None:
        return {}
    if not isinstance(inputs, Mapping):
        reference = read_blobs(inputs)
        blobs = {**reference.outputs, **reference.inputs}
        return {name: blobs[name] for name in names if name in blobs}
    for name in inputs:
        if name not in names:
            hint = "its inputs are " + ", ".join(names)
            raise InputError(what=f'the net has no input "{name}"', hint=hint)
    return {name: np.asarray(array) for name, array in inputs.items()}


def complete(record: Record, arrays: Mapping[str, Array], path: StrPath) -> dict[str, Array]:
    """The arrays of all the net's inputs, from among those that a file holds.

    Raises:
        BlobFileError: one is not there.
        InputError: one has a shape that the net was not converted for.
    """
    missing = [entry.blob for entry in record.inputs if entry.blob not in arrays]
    if missing:
        raise BlobFileError(
            what=f'{path} has no numbers for the net\'s input "{missing[0]}"',
            why="it holds " + ", ".join(sorted(arrays)),
            hint=f'store what was fed as "input/{missing[0]}"',
        )
    inputs = {entry.blob: arrays[entry.blob] for entry in record.inputs}
    check_input_shapes(record, open_shapes(record, inputs))
    return inputs


def draw(record: Record, net: Net, given: Mapping[str, Array], seed: int) -> dict[str, Array]:
    """The given inputs, and random numbers for the others.

    They are normally distributed, or whole numbers in range where a layer takes them as indices.

    Raises:
        InputError: a given input has a shape that the net was not converted for.
    """
    check_input_shapes(record, open_shapes(record, given))
    limits = _index_limits(net)
    unneeded = _unneeded(record, net)
    # Constants that the net makes have the size of the batch that is declared.
    constants = any(layer.type in ("DummyData", "Parameter") for layer in net.layers)
    labels = label_blobs(record)
    counted = (set(limits) | set(unneeded)) - labels
    shapes = _shapes(record, given, shrink=not (counted or constants))
    sizes = {shape[0] for shape in shapes.values() if shape}
    for blob, shape in unneeded.items():
        # One label for each sample that is fed, or as many for each.
        follows = blob in labels and len(sizes) == 1
        shapes[blob] = (*sizes, *shape[1:]) if follows else shape
    return draw_arrays(net, shapes, given, seed)


def draw_arrays(
    net: Net | None,
    shapes: Mapping[str, tuple[int, ...]],
    given: Mapping[str, Array],
    seed: int,
) -> dict[str, Array]:
    """The given arrays, and random numbers for the other blobs.

    Args:
        net: tells where layers take numbers as indices; nobody does of None.
        shapes: of all blobs, in order.
        given: some of them.
        seed: of the numbers.
    """
    random = np.random.default_rng(seed)
    limits = _index_limits(net) if net is not None else {}
    return {
        blob: given[blob] if blob in given else _random(random, shape, limits.get(blob))
        for blob, shape in shapes.items()
    }


def label_blobs(record: Record) -> set[str]:
    """What Keras takes as ``y`` of a model that is to be trained."""
    return {head.labels for head in record.training.heads} if record.training else set()


def _unneeded(record: Record, net: Net) -> dict[str, tuple[int, ...]]:
    """The inputs that layers read and the model does not take: their numbers do not matter."""
    taken = {entry.blob for entry in record.inputs}
    read = {bottom.key for layer in net.layers for bottom in layer.bottoms}
    return {b.name: b.shape for b in net.inputs if b.key in read and b.name not in taken}


def _random(random: np.random.Generator, shape: tuple[int, ...], limit: Limit | None) -> Array:
    if limit is None:
        return random.standard_normal(shape).astype(np.float32)
    return random.integers(limit, size=shape).astype(np.float32)


def _index_limits(net: Net) -> dict[str, Limit]:
    """Input blob -> how many values there are, for those that hold indices."""
    fed = {blob.key for blob in net.inputs}
    return {
        bottom.name: _INDICES[layer.type, place](layer)
        for layer in net.layers
        for place, bottom in enumerate(layer.bottoms)
        if bottom.key in fed and (layer.type, place) in _INDICES
    }


def open_shapes(record: Record, inputs: Mapping[str, Array]) -> dict[str, OpenShape]:
    """The shapes of these inputs, the batch left open where the net leaves it so."""
    shapes: dict[str, OpenShape] = {}
    for entry in (entry for entry in record.inputs if entry.blob in inputs):
        batch = entry.layout.permutation[0] if entry.shape and record.static_batch is None else None
        shapes[entry.blob] = tuple(
            None if axis == batch else extent
            for axis, extent in enumerate(inputs[entry.blob].shape)
        )
    return shapes


def _shapes(record: Record, given: Mapping[str, Array], shrink: bool) -> dict[str, tuple[int, ...]]:
    """The converted shapes, with the batch of what is given, or with few entries if it is free."""
    shapes = {entry.blob: list(entry.shape) for entry in record.inputs}
    axes = {entry.blob: entry.layout.permutation[0] for entry in record.inputs if entry.shape}
    sizes = {shapes[blob][axis] for blob, axis in axes.items()}
    if record.static_batch is None and len(sizes) == 1 and shrink:
        wanted = {given[blob].shape[axis] for blob, axis in axes.items() if blob in given}
        for blob, axis in axes.items():
            shapes[blob][axis] = min(wanted or {_BATCH, *sizes})
    return {blob: tuple(shape) for blob, shape in shapes.items()}

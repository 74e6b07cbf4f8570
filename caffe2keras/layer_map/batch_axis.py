"""Which axis of a fed blob is the batch: the first, or the second where the first is time.

Caffe's recurrent layers take (T, N, ...), and so do LSTMs written out step by step. Layers that
keep their axes carry the knowledge from there back to what is fed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from caffe2keras.errors import InputError
from caffe2keras.graph.net import Blob, Layer, Net
from caffe2keras.graph.wiring import did_you_mean
from caffe2keras.layer_map.registry import mappings
from caffe2keras.layout import Layout

__all__ = ["batch_axes", "batch_first"]

Key = tuple[str, int]


def batch_first(rank: int, axis: int) -> Layout:
    """The layout that has Caffe's axes in their order behind the batch axis."""
    return Layout((axis, *(a for a in range(rank) if a != axis)))


def batch_axes(net: Net, told: Mapping[str, int]) -> Mapping[str, int]:
    """The batch axis of each input whose batch is not the first axis, or that the user named.

    Args:
        net: after the passes.
        told: input blob -> axis, from the user.

    Raises:
        InputError: a name belongs to no input, or an input does not have the axis.
    """
    inputs = {blob.name: blob for blob in net.inputs}
    for name, axis in told.items():
        _check(name, axis, inputs)
    time_major = _time_major(replace(net, layers=tuple(filter(_is_shaped, net.layers))))
    inferred = {blob.name: 1 for blob in net.inputs if blob.key in time_major}
    return {**inferred, **told}


def _check(name: str, axis: int, inputs: Mapping[str, Blob]) -> None:
    if name not in inputs:
        raise InputError(
            what=f'a batch axis is given for "{name}", which is no input of this net',
            why="its inputs are " + (", ".join(sorted(inputs)) or "none"),
            hint=did_you_mean(name, inputs),
        )
    shape = inputs[name].shape
    if not 0 <= axis < len(shape):
        raise InputError(
            what=f'batch axis {axis} is given for "{name}"',
            why=f"its shape is {shape}, so its axes are 0 to {len(shape) - 1}",
        )


def _is_shaped(layer: Layer) -> bool:
    """Whether all its blobs have shapes; behind a layer that is not known they have none."""
    return all(blob.dims is not None for blob in (*layer.bottoms, *layer.tops))


def _time_major(net: Net) -> set[Key]:
    """The blobs of the form (T, N, ...), as far as layers that keep their axes reach."""
    found = {key for layer in net.layers for key in _certain(net, layer)}
    reached: set[Key] = set()
    while found:
        reached |= found
        found = {
            blob.key
            for layer in net.layers
            for group in [tuple(_of_one_axis_order(layer))]
            if any(blob.key in reached for blob in group)
            for blob in group
        } - reached
    return reached


def _certain(net: Net, layer: Layer) -> Iterator[Key]:
    """The blobs that a layer itself knows to have the time first."""
    if layer.type in ("LSTM", "RNN"):
        states = len(layer.tops) - 1
        yield from (blob.key for blob in layer.bottoms[:2])
        yield from (blob.key for blob in layer.bottoms[len(layer.bottoms) - states :])
        yield from (blob.key for blob in layer.tops)
    if layer.type == "Lstm" and len(layer.bottoms[0].shape) == 3:
        yield from (blob.key for blob in (*layer.bottoms, *layer.tops) if len(blob.shape) > 1)
    if layer.type == "LSTMUnit":
        yield from (blob.key for blob in (*layer.bottoms, *layer.tops))
    if layer.type == "Reshape" and _rests_beside_steps(net, layer):
        yield layer.bottoms[0].key
    if layer.type == "Slice" and _cuts_steps(layer) and _works_on_steps(net, layer):
        yield layer.bottoms[0].key


def _rests_beside_steps(net: Net, layer: Layer) -> bool:
    """Whether it takes the time off (1, N, ...), for the static input of a recurrent layer."""
    x, top = layer.bottoms[0].shape, layer.tops[0]
    return (
        len(x) > 2
        and x[0] == 1
        and top.shape == x[1:]
        and any(
            top.key in [blob.key for blob in recurrent.bottoms[2:3]]
            and len(recurrent.bottoms) > 1 + len(recurrent.tops)
            for recurrent in net.layers
            if recurrent.type in ("LSTM", "RNN")
        )
    )


def _cuts_steps(layer: Layer) -> bool:
    """Whether it cuts (T, N, ...) into all of its steps (1, N, ...)."""
    x, tops = layer.bottoms[0], layer.tops
    return (
        len(x.shape) > 2
        and len(tops) == x.shape[0] > 1
        and all(top.shape == (1, *x.shape[1:]) for top in tops)
    )


def _works_on_steps(net: Net, cut: Layer) -> bool:
    """Whether a matrix product that keeps (T, N) stands right before or behind the cut."""
    beside = {blob.key for blob in (*cut.bottoms, *cut.tops)}
    return any(
        layer.type == "InnerProduct"
        and _keeps_two_axes(layer)
        and any(blob.key in beside for blob in (*layer.bottoms, *layer.tops))
        for layer in net.layers
    )


def _keeps_two_axes(layer: Layer) -> bool:
    x = layer.bottoms[0]
    return int(layer.params.fresh().inner_product_param.axis) % len(x.shape) >= 2


def _of_one_axis_order(layer: Layer) -> Iterator[Blob]:
    """The blobs of a layer whose first two axes mean the same."""
    entry = mappings().get(layer.type)
    if entry is None or not entry.any_batch_axis or _moves_axes(layer):
        return
    rank = len(layer.bottoms[0].shape) if layer.bottoms else 0
    for blob in (*layer.bottoms, *layer.tops):
        of_one_rank = len(blob.shape) == rank or layer.type in _OF_OTHER_RANK
        if len(blob.shape) >= 2 and of_one_rank:
            yield blob


# What they produce, or read beside x, lacks axes or has more, but not among the first two.
_OF_OTHER_RANK = frozenset({"Embed", "InnerProduct", "Reshape", "Flatten", "Scale", "Bias"})

# What they have in one place does not stand there in the other, or only some of their blobs do.
_OF_THEIR_OWN_AXES = frozenset(
    {"LSTM", "LSTMUnit", "Lstm", "Permute", "RNN", "Reduction", "Transpose"}
)


def _moves_axes(layer: Layer) -> bool:
    params = layer.params.fresh()
    if layer.type == "InnerProduct":
        return not _keeps_two_axes(layer)
    if layer.type in ("Reshape", "Flatten"):
        return layer.bottoms[0].shape[:2] != layer.tops[0].shape[:2]
    if layer.type in ("Scale", "Bias") and len(layer.bottoms) > 1:
        p = params.scale_param if layer.type == "Scale" else params.bias_param
        return bool(p.axis % len(layer.bottoms[0].shape) != 0)
    return layer.type in _OF_THEIR_OWN_AXES

"""The dispatcher: applies the mappings, keeps the promise that nothing is dropped, wires the model.

Every layer is tried before anything is refused, so that the user hears everything at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from caffe2keras.errors import (
    InputError,
    UnsupportedCombinationError,
    UnsupportedError,
    UnsupportedFieldError,
)
from caffe2keras.graph.memory import stale_reads
from caffe2keras.graph.net import Blob, Layer, Net
from caffe2keras.layer_map.assembly import Assembly
from caffe2keras.layer_map.batch_axis import batch_axes as infer_batch_axes
from caffe2keras.layer_map.batch_axis import batch_first
from caffe2keras.layer_map.engines import eight_bit_arithmetic
from caffe2keras.layer_map.loss import loss_entry, reason_for_loss
from caffe2keras.layer_map.pitfalls import tensorflow_fault
from caffe2keras.layer_map.refusals import Refusal, refuse_all
from caffe2keras.layer_map.refused import reason_for
from caffe2keras.layer_map.registry import ENTRIES, Entry, Operand, Placed, mappings
from caffe2keras.layer_map.resizing import is_resizable
from caffe2keras.layer_map.training import as_trained, end_in_heads, stopped_bottoms
from caffe2keras.layout import DataFormat, Layout, caffe_order, image
from caffe2keras.params import Unread
from caffe2keras.spec import Fragment, KerasModel

__all__ = ["Attempt", "map_layer", "map_net", "try_net"]

# What a LayerParameter says about the graph and about training; graph.build has honoured it.
_STRUCTURE = (
    "name", "type", "bottom", "top", "phase", "include", "exclude", "param", "blobs",
    "loss_weight", "propagate_down",
    "python_param.module", "python_param.layer",  # by these a plugin's mapping is chosen
)  # fmt: skip

_INFERRED: Mapping[str, int] = MappingProxyType({})

# Fields that never change the numbers of a forward pass with given weights.
_HARMLESS = frozenset(
    {
        "weight_filler",  # how training starts
        "bias_filler",
        "filler",
        "blob_filler",
        "engine",  # Caffe's own code or cuDNN: the same mathematics
        "force_nd_im2col",  # another way to the same numbers
    }
)


def map_net(
    net: Net,
    data_format: DataFormat = "channels_last",
    batch_axes: Mapping[str, int] = _INFERRED,
) -> KerasModel:
    """Map a whole net.

    Args:
        net: after the passes, weights attached.
        data_format: of the Keras model.
        batch_axes: input blob -> which of its axes is the batch, where the layers that read it
            do not say it well enough.

    Returns:
        The Keras graph as data.

    Raises:
        InputError: ``batch_axes`` names no input, or an axis that it does not have.
        UnsupportedLayersError: something has no counterpart in Keras; it names everything.
        GraphError: the net cannot be fed, or has no output.
    """
    attempt = try_net(net, data_format, batch_axes)
    refuse_all(attempt.refusals)
    heads = end_in_heads(attempt.assembly, net)
    model = replace(attempt.assembly.finish(attempt.resizable), heads=heads)
    return as_trained(model, net)


@dataclass(frozen=True)
class Attempt:
    """How far a net comes.

    Attributes:
        assembly: the model, as far as it goes.
        refusals: the layers that stay out, each with its reason. Layers that wait for what these
            would produce stay out as well.
        resizable: whether what was mapped holds for other sizes of the image.
    """

    assembly: Assembly
    refusals: tuple[Refusal, ...]
    resizable: bool


def try_net(
    net: Net,
    data_format: DataFormat = "channels_last",
    batch_axes: Mapping[str, int] = _INFERRED,
) -> Attempt:
    """Map every layer that can be mapped; arguments as for :func:`map_net`."""
    resizable = is_resizable(net)
    assembly = Assembly(net, data_format)
    axes = infer_batch_axes(net, batch_axes)
    refusals = [_stale(layer, blob) for layer, blob in stale_reads(net)]
    for layer in net.layers:
        for blob in layer.tops if layer.type == "Input" else ():
            # All of them first: constants that stand before the data hang on what is fed.
            assembly.add_input(layer, blob, _input_layout(net, blob, data_format, axes))
            refusals += [] if blob.shape else [_single_number(layer, blob)]
    for layer in net.layers:
        if layer.type != "Input":
            refusals += _map_into(assembly, layer, resizable)
    return Attempt(assembly, tuple(refusals), resizable)


def _single_number(layer: Layer, blob: Blob) -> Refusal:
    error = UnsupportedCombinationError(
        what=f'input "{blob.name}" has no axes',
        why="a Keras model is fed by batches, and a single number has no batch axis",
        hint=f"give it one: --input-shape {blob.name}=1",
    )
    return Refusal(layer, error)


def _map_into(assembly: Assembly, layer: Layer, resizable: bool) -> list[Refusal]:
    """Map one layer and wire it in; what cannot be said comes back, and the layer stays out."""
    if any(not assembly.knows(blob) for blob in layer.bottoms):
        # A layer of unknown shape stands before it, so only its type can be judged.
        return [] if layer.type in mappings() else [_unknown(layer)]
    entry = mappings().get(layer.type) or loss_entry(layer.type)
    if entry is None:
        assembly.stand_in(layer)
        return [_unknown(layer)]
    try:
        _apply(assembly, layer, entry, resizable)
    except InputError as error:
        error.located(f"{layer.where}, {layer}")
        raise
    except UnsupportedError as error:
        assembly.stand_in(layer)
        return [Refusal(layer, error)]
    return []


def _stale(layer: Layer, blob: Blob) -> Refusal:
    error = UnsupportedCombinationError(
        what=f'it reads blob "{blob.name}" after a layer in place has written over its memory',
        why="Caffe lets Reshape, Flatten and their like share memory with their bottom, so it "
        "computes with the other value here, which the net hardly means",
        hint="give the layer in place a top of its own",
    )
    return Refusal(layer, error)


def _unknown(layer: Layer) -> Refusal:
    reason = reason_for_loss if layer.type.endswith("Loss") else reason_for
    return Refusal(layer, reason(layer.type), by_type=True)


def _apply(assembly: Assembly, layer: Layer, entry: Entry, resizable: bool) -> None:
    if not entry.per_bottom:
        _apply_once(assembly, layer, entry, resizable)
        return
    for bottom, top in zip(layer.bottoms, layer.tops, strict=True):
        one = replace(layer, bottoms=(bottom,), tops=(top,))
        _apply_once(assembly, one, entry, resizable)


def _apply_once(assembly: Assembly, layer: Layer, entry: Entry, resizable: bool) -> None:
    wanted = _wanted_layouts(layer, entry, assembly)
    arrivals = tuple(
        Operand(
            blob.shape,
            layout,
            assembly.origin(blob),
            assembly.constant(blob),
            assembly.is_non_negative(blob),
        )
        for blob, layout in zip(layer.bottoms, wanted, strict=True)
    )
    fragment = map_layer(layer, arrivals, entry, assembly.data_format, resizable)
    stops = stopped_bottoms(layer) if assembly.is_trained else ()
    assembly.add(layer, wanted, fragment, stops)


def map_layer(
    layer: Layer,
    arrivals: tuple[Operand, ...],
    entry: Entry,
    data_format: DataFormat,
    resizable: bool,
) -> Fragment:
    """Apply one mapping and refuse whatever it has not read.

    Raises:
        UnsupportedError: from the mapping, or for a field that nobody honours.
    """
    placed = _placed(layer, arrivals, data_format, resizable)
    fragment = entry.mapper(placed)
    notes = (*eight_bit_arithmetic(placed), *tensorflow_fault(placed, fragment))
    for subject in (placed, *placed.absorbed):
        _refuse_unread(subject)
    return replace(fragment, notes=(*fragment.notes, *notes))


def _placed(
    layer: Layer, arrivals: tuple[Operand, ...], data_format: DataFormat, resizable: bool
) -> Placed:
    params = layer.params.fresh()
    params.honoured(*_STRUCTURE)
    return Placed(
        name=layer.name,
        type=layer.type,
        params=params,
        inputs=arrivals,
        outputs=tuple(blob.shape for blob in layer.tops),
        weights=layer.weights,
        data_format=data_format,
        resizable=resizable,
        absorbed=tuple(_placed(a, arrivals, data_format, resizable) for a in layer.absorbed),
        keeps_state=layer.keeps_state,
    )


def _refuse_unread(placed: Placed) -> None:
    dropped = [field for field in placed.params.unread() if not _is_harmless(field.path)]
    if not dropped:
        return
    unknown = [field for field in dropped if field.line]
    known = "no Caffe schema known here has it" if unknown else "the mapping does not honour it"
    if ENTRIES.origin(placed.type):
        known = "the plugin's mapping does not read it"
    suggestions = dict.fromkeys(field.suggestion for field in unknown if field.suggestion)
    raise UnsupportedFieldError(
        what=", ".join(_told(field) for field in dropped),
        why=f"{known}, and to drop it in silence could change the numbers",
        hint=" ".join(f'did you mean "{name}"?' for name in suggestions),
    )


def _told(field: Unread) -> str:
    at = f" (line {field.line}, column {field.column})" if field.line else ""
    return f"{field.path} = {field.value}{at}"


def _is_harmless(path: str) -> bool:
    return any(step.split("[")[0] in _HARMLESS for step in path.split("."))


def _wanted_layouts(layer: Layer, entry: Entry, assembly: Assembly) -> tuple[Layout, ...]:
    """The layouts in which a layer's bottoms shall arrive."""
    given = tuple(assembly.layout(blob) for blob in layer.bottoms)
    if not entry.any_batch_axis and any(g.rank and g.permutation[0] != 0 for g in given):
        # Caffe's order throughout: a layer that is not made for this must see what Caffe sees.
        given = tuple(caffe_order(g.rank) for g in given)
    if callable(entry.wants):
        return entry.wants(layer, given)
    if entry.wants == "image":
        return tuple(image(layout.rank, assembly.data_format) for layout in given)
    if entry.wants == "caffe":
        return tuple(caffe_order(layout.rank) for layout in given)
    if entry.wants == "any" and given:
        return tuple(given[0] if g.rank == given[0].rank else g for g in given)
    return given


def _input_layout(net: Net, blob: Blob, data_format: DataFormat, axes: Mapping[str, int]) -> Layout:
    """The layout of what is fed: an image's for rank 4 and 5, and for rank 3 if it is one."""
    rank = len(blob.shape)
    if axes.get(blob.name, 0) > 0:
        return batch_first(rank, axes[blob.name])
    if rank in (4, 5) or (rank == 3 and _feeds_a_spatial_layer(net, blob)):
        return image(rank, data_format)
    return caffe_order(rank)


def _feeds_a_spatial_layer(net: Net, source: Blob) -> bool:
    """Whether the first layer behind it that cares for a layout wants an image's."""
    followed = {source.key}
    for layer in net.layers:
        if not any(blob.key in followed for blob in layer.bottoms):
            continue
        entry = mappings().get(layer.type)
        if entry is None or entry.wants == "caffe":
            return False
        if entry.wants == "image":
            return True
        followed.update(blob.key for blob in layer.tops)
    return False

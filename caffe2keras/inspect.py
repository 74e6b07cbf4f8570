"""A Caffe net as a table: what each layer holds, costs and becomes. No Keras needed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from caffe2keras.convert import Recurrent, load_net
from caffe2keras.errors import UnsupportedError
from caffe2keras.graph.build import build_net
from caffe2keras.graph.net import Blob, Layer, Net, Note, Shape, Weight
from caffe2keras.graph.phase import NetState, keep_measures
from caffe2keras.layer_map import Attempt, try_net
from caffe2keras.layer_map.refusals import refuse_all
from caffe2keras.layout import DataFormat
from caffe2keras.legible import printable
from caffe2keras.passes import run_passes
from caffe2keras.plugins.loading import load_installed
from caffe2keras.read.prototxt import read_net
from caffe2keras.table import render_table
from caffe2keras.upgrade import upgrade

__all__ = ["BlobInfo", "Inspection", "LayerInfo", "inspect"]

StrPath = str | Path

_NO_SHAPES: Mapping[str, Shape] = MappingProxyType({})
_NO_AXES: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True)
class BlobInfo:
    """A blob; ``shape`` is in Caffe's axis order, None behind a layer that we do not know."""

    name: str
    shape: Shape | None


@dataclass(frozen=True)
class LayerInfo:
    """A layer as it is converted.

    Attributes:
        name: Caffe's; with the names of the layers that are folded into it.
        type: likewise.
        where: ``file:line``.
        bottoms: what it reads.
        tops: what it produces.
        parameters: how many numbers it holds; those that it shares count at their owner.
        macs: multiply-accumulate operations of one forward pass, None where unknown.
        keras: the Keras layers that take its place; empty where it changes nothing.
        refusal: why it is not converted, or "".
        waiting: whether it stands behind a layer of unknown shape, so that nothing can be said.
    """

    name: str
    type: str
    where: str
    bottoms: tuple[BlobInfo, ...]
    tops: tuple[BlobInfo, ...]
    parameters: int
    macs: int | None
    keras: tuple[str, ...]
    refusal: str
    waiting: bool


@dataclass(frozen=True)
class Inspection:
    """A net.

    Attributes:
        net: its name.
        layers: in order of execution.
        notes: what was dropped or decided on the way.
        refusal: what ``convert`` would refuse the net with, or "".
    """

    net: str
    layers: tuple[LayerInfo, ...]
    notes: tuple[Note, ...]
    refusal: str

    @property
    def parameters(self) -> int:
        """How many numbers the net holds."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiply-accumulate operations of one forward pass, as far as they are known."""
        return sum(layer.macs or 0 for layer in self.layers)

    @property
    def unsupported(self) -> dict[str, int]:
        """Caffe type -> how many layers of it cannot be converted."""
        return dict(Counter(layer.type for layer in self.layers if layer.refusal))

    @property
    def exit_code(self) -> int:
        """What the command line ends with: 0, or 5 if something is not supported."""
        return UnsupportedError.exit_code if self.unsupported else 0

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "net": self.net,
            "layers": [asdict(layer) for layer in self.layers],
            "parameters": self.parameters,
            "macs": self.macs,
            "unsupported": self.unsupported,
            "refusal": self.refusal,
            "notes": [asdict(note) for note in self.notes],
        }

    def render(self, width: int | None = None) -> str:
        """As a table, with what is unsupported and the totals below."""
        header = ("layer", "type", "reads", "produces", "parameters", "MACs", "Keras")
        rows = [_row(layer) for layer in self.layers]
        lines = [render_table(header, rows, right=(4, 5), width=width), ""]
        lines += [f"note: {note}" for note in self.notes]
        name = self.net or "a net without a name"
        numbers = f"{self.parameters:,} parameters, {self.macs:,} MACs"
        lines.append(f"{name}: {len(self.layers)} layers, {numbers}")
        lines += [f"unsupported: {self.refusal}"] if self.refusal else []
        return printable("\n".join(lines))


def inspect(
    prototxt: StrPath,
    weights: StrPath | None = None,
    *,
    data_format: DataFormat = "channels_last",
    phase: Literal["TEST", "TRAIN"] = "TEST",
    stages: Sequence[str] = (),
    level: int = 0,
    input_shapes: Mapping[str, Shape] = _NO_SHAPES,
    assume_full_sequences: bool = False,
    recurrent: Recurrent = "roll",
    stateful: bool = False,
    batch_axes: Mapping[str, int] = _NO_AXES,
) -> Inspection:
    """Look at a net without converting it.

    Args:
        prototxt: the architecture.
        weights: its numbers, to check that they fit; nothing else depends on them.
        data_format: of the Keras model that it would become.
        phase: which layers there are.
        stages: likewise.
        level: likewise.
        input_shapes: like the rest, as for :func:`~caffe2keras.convert.convert`.
        assume_full_sequences: likewise.
        recurrent: likewise.
        stateful: likewise.
        batch_axes: likewise.

    Raises:
        InputError: a file cannot be read, or the two do not fit each other.
        GraphError: the net is not well formed.
    """
    load_installed()
    if weights is None:
        state = NetState(phase=phase, level=level, stages=tuple(stages))
        message = upgrade(read_net(prototxt), str(prototxt))
        if phase == "TRAIN":
            message = keep_measures(message, state)
        built = build_net(message, source=str(prototxt), state=state, input_shapes=input_shapes)
        net = run_passes(
            _with_zeros(built),
            recurrent,
            training=phase == "TRAIN",
            assume_full_sequences=assume_full_sequences,
            stateful=stateful,
        )
    else:
        net = load_net(
            prototxt,
            weights,
            phase=phase,
            stages=stages,
            level=level,
            input_shapes=input_shapes,
            assume_full_sequences=assume_full_sequences,
            recurrent=recurrent,
            stateful=stateful,
        )
    return _inspection(net, try_net(net, data_format, batch_axes))


def _with_zeros(net: Net) -> Net:
    """The net with weights that take no memory: mappings look at shapes only."""
    layers = tuple(
        replace(layer, weights=tuple(_zeros(weight) for weight in layer.weights))
        for layer in net.layers
    )
    return replace(net, layers=layers)


def _zeros(weight: Weight) -> Weight:
    zeros = np.broadcast_to(np.float32(0), weight.shape)
    return replace(weight, data=zeros, filled="constant")


def _inspection(net: Net, attempt: Attempt) -> Inspection:
    refusals = {id(refusal.layer): _one_line(refusal.error) for refusal in attempt.refusals}
    layers = tuple(_layer_info(layer, attempt, refusals.get(id(layer), "")) for layer in net.layers)
    return Inspection(net.name, layers, net.notes, _whole_refusal(attempt))


def _one_line(error: UnsupportedError) -> str:
    return f"{error.what}: {error.why}" if error.why else error.what


def _whole_refusal(attempt: Attempt) -> str:
    try:
        refuse_all(attempt.refusals)
    except UnsupportedError as error:
        return str(error)
    return ""


def _layer_info(layer: Layer, attempt: Attempt, refusal: str) -> LayerInfo:
    parts = (layer, *layer.absorbed)
    known = all(attempt.assembly.knows(top) for top in layer.tops)
    return LayerInfo(
        name=" + ".join(part.name for part in parts),
        type=" + ".join(part.type for part in parts),
        where=layer.where,
        bottoms=_blobs(layer.bottoms),
        tops=_blobs(layer.tops),
        parameters=sum(_parameters(part) for part in parts),
        macs=_macs(layer),
        keras=_keras_classes(layer, attempt) if known and not refusal else (),
        refusal=refusal,
        waiting=not known and not refusal,
    )


def _blobs(blobs: Sequence[Blob]) -> tuple[BlobInfo, ...]:
    return tuple(BlobInfo(blob.name, blob.dims) for blob in blobs)


def _parameters(layer: Layer) -> int:
    return sum(math.prod(w.shape) for w in layer.weights if w.owner == layer.name)


def _macs(layer: Layer) -> int | None:
    """How often a number of the kernel is multiplied, over all bottoms.

    Every position of the output (of the input, for a Deconvolution) meets the whole kernel once.
    Layers without a kernel count as nothing, as is customary.
    """
    if any(blob.dims is None for blob in (*layer.bottoms, *layer.tops)):
        return None
    if layer.type not in ("Convolution", "Deconvolution", "InnerProduct"):
        return 0
    if layer.type == "Deconvolution":
        channels, blobs = layer.weights[0].shape[0], layer.bottoms
    else:
        channels, blobs = _outputs(layer), layer.tops
    kernel = math.prod(layer.weights[0].shape)
    return sum(math.prod(blob.shape) // channels * kernel for blob in blobs if channels)


def _outputs(layer: Layer) -> int:
    shape = layer.weights[0].shape
    transposed = layer.type == "InnerProduct" and layer.params.fresh().inner_product_param.transpose
    return shape[-1] if transposed else shape[0]


def _keras_classes(layer: Layer, attempt: Attempt) -> tuple[str, ...]:
    """The classes of a layer's own Keras layers, and of one that it shares with another layer."""
    names = {layer.name, *(part.name for part in layer.absorbed)}
    layers = attempt.assembly.layers
    own = [name for name, named in layers.items() if named.caffe_layer in names]
    passed_on = {attempt.assembly.tensor(bottom).layer for bottom in layer.bottoms}
    last = [attempt.assembly.tensor(top).layer for top in layer.tops]
    # what a refused layer would give stands in no layer
    shared = [name for name in last if name in layers and name not in passed_on]
    return tuple(dict.fromkeys(layers[name].layer.class_name for name in (*own, *shared)))


def _row(layer: LayerInfo) -> tuple[str, ...]:
    macs = "?" if layer.macs is None else f"{layer.macs:,}" if layer.macs else ""
    return (
        layer.name,
        layer.type,
        ", ".join(blob.name for blob in layer.bottoms),
        ", ".join(_shaped(blob) for blob in layer.tops),
        f"{layer.parameters:,}" if layer.parameters else "",
        macs,
        _verdict(layer),
    )


def _shaped(blob: BlobInfo) -> str:
    shape = "?" if blob.shape is None else "x".join(map(str, blob.shape))
    return f"{blob.name} {shape}"


def _verdict(layer: LayerInfo) -> str:
    if layer.refusal:
        return "UNSUPPORTED"
    if layer.waiting:
        return "?"
    return ", ".join(layer.keras) or "(nothing to compute)"

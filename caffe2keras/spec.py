"""The Keras graph as data: frozen values in Keras's words, no Keras imported.

A mapping returns a :class:`Fragment`; the dispatcher joins fragments into a :class:`KerasModel`;
``emit`` writes it to a file or builds it live.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from caffe2keras.graph.net import Note, Shape, Weight
from caffe2keras.layout import Layout

__all__ = [
    "SAMPLED_DROPOUT",
    "BlobTensor",
    "Call",
    "Fragment",
    "FragmentInput",
    "FragmentOutput",
    "KerasHead",
    "KerasLayer",
    "KerasModel",
    "KerasNode",
    "NamedLayer",
    "TensorRef",
    "Variable",
    "line",
]

# The one class that the record must know: what comes of it is random.
SAMPLED_DROPOUT = "caffe2keras>SampledDropout"


@dataclass(frozen=True)
class Variable:
    """One variable of a Keras layer.

    Attributes:
        name: Keras's name, as ``kernel``.
        shape: in Keras's order.
        view: the numbers; read in C order they fill ``shape``. Usually a strided view of the
            mapped weights file whose axes are not merged yet, so that nothing is copied before
            it is written.
        weight: the Caffe array it comes from; None for a constant of ours.
        trainable: whether Keras counts it among the trainable ones.
    """

    name: str
    shape: Shape
    view: npt.NDArray[np.float32] = field(compare=False, repr=False)
    weight: Weight | None = None
    trainable: bool = True


@dataclass(frozen=True)
class KerasLayer:
    """One Keras layer before it has a name.

    Attributes:
        class_name: as a Keras config spells it, ours with the package: ``caffe2keras>LRN``.
        config: its arguments without name, dtype and trainable.
        variables: trainable ones first, in the order in which Keras creates them.
        suffix: what is appended to the Caffe layer's name; "" for the one that is its namesake.
    """

    class_name: str
    config: Mapping[str, Any]
    variables: tuple[Variable, ...] = ()
    suffix: str = ""


@dataclass(frozen=True)
class FragmentInput:
    """The fragment's i-th input."""

    index: int


@dataclass(frozen=True)
class FragmentOutput:
    """A tensor that the fragment's j-th call produces."""

    call: int
    tensor: int = 0


FragmentTensor = FragmentInput | FragmentOutput


@dataclass(frozen=True)
class Call:
    """A layer applied to tensors of its fragment."""

    layer: KerasLayer
    inputs: tuple[FragmentTensor, ...]


@dataclass(frozen=True)
class Fragment:
    """What one Caffe layer becomes.

    Attributes:
        calls: in order of execution; none where the layer changes nothing.
        outputs: one tensor for each top.
        layouts: one for each top; None means: the first input's layout where the rank is the
            same, else Caffe's own order.
        notes: what the user should know.
        ties_batch: it mixes or counts the batch's entries, so that the batch size is fixed.
        padded_axis: the axis, Caffe's, along which the tops' length depends on the values in
            Caffe, and the Keras tensors are filled up with -1 to one that does not; or None.
    """

    calls: tuple[Call, ...]
    outputs: tuple[FragmentTensor, ...]
    layouts: tuple[Layout, ...] | None = None
    notes: tuple[Note, ...] = ()
    ties_batch: bool = False
    padded_axis: int | None = None


def line(
    *layers: KerasLayer,
    inputs: int = 1,
    layout: Layout | None = None,
    notes: tuple[Note, ...] = (),
    ties_batch: bool = False,
    padded_axis: int | None = None,
) -> Fragment:
    """Layers one behind the other; the first takes all inputs, the last gives the only top.

    With no layers at all the fragment hands its first input on.
    """
    tensor: FragmentTensor = FragmentInput(0)
    calls: list[Call] = []
    for layer in layers:
        first = tuple(FragmentInput(i) for i in range(inputs))
        calls.append(Call(layer, (tensor,) if calls else first))
        tensor = FragmentOutput(len(calls) - 1)
    layouts = None if layout is None else (layout,)
    return Fragment(tuple(calls), (tensor,), layouts, notes, ties_batch, padded_axis)


@dataclass(frozen=True)
class TensorRef:
    """A tensor of the Keras model: layer, which call of it, which of its outputs."""

    layer: str
    node: int = 0
    tensor: int = 0


@dataclass(frozen=True)
class NamedLayer:
    """A Keras layer with its unique name and the Caffe layer it stands for."""

    name: str
    layer: KerasLayer
    caffe_layer: str


@dataclass(frozen=True)
class KerasNode:
    """One call of a named layer, in order of execution."""

    layer: str
    inputs: tuple[TensorRef, ...]


@dataclass(frozen=True)
class BlobTensor:
    """Where a Caffe blob lives in the Keras model.

    Attributes:
        blob: Caffe's name.
        shape: Caffe's shape at conversion, batch included.
        tensor: the Keras tensor.
        layout: how its axes stand there.
        final: whether this is the blob's last version (what Caffe holds after a forward pass).
        caffe_layer: the layer that produced it.
        padded_axis: as in :class:`Fragment`.
    """

    blob: str
    shape: Shape
    tensor: TensorRef
    layout: Layout
    final: bool
    caffe_layer: str
    padded_axis: int | None = None


@dataclass(frozen=True)
class KerasHead:
    """What one output of a model that is to be trained is held against.

    Attributes:
        prediction: Caffe's blob that the output is.
        labels: Caffe's blob that Keras takes as ``y``.
        loss: a Keras loss, as ``{"class_name": ..., "config": ...}``; None for an output that is
            only measured.
        weight: Caffe's ``loss_weight``.
        metrics: Keras metrics, likewise.
        loss_blob: Caffe's blob that holds the loss's value, or "".
    """

    prediction: str
    labels: str
    loss: Mapping[str, Any] | None = None
    weight: float = 1.0
    metrics: tuple[Mapping[str, Any], ...] = ()
    loss_blob: str = ""


@dataclass(frozen=True)
class KerasModel:
    """A whole Keras model as data.

    Attributes:
        name: valid for Keras.
        layers: every layer once, in order of first use, ``InputLayer`` included.
        nodes: every call, in order of execution.
        inputs: the model's inputs, in order.
        outputs: the model's outputs, in order.
        blobs: every Caffe blob that survives, in order of production.
        notes: everything the user should know.
        static_batch: the batch size where the net ties it down, else None.
        resizable: whether the layers hold for other heights and widths of the input too.
        heads: one for each output of a model that is to be trained; None for one that predicts.
            Without any, the model's losses are all inside it.
    """

    name: str
    layers: tuple[NamedLayer, ...]
    nodes: tuple[KerasNode, ...]
    inputs: tuple[TensorRef, ...]
    outputs: tuple[TensorRef, ...]
    blobs: tuple[BlobTensor, ...]
    notes: tuple[Note, ...] = ()
    static_batch: int | None = None
    resizable: bool = False
    heads: tuple[KerasHead, ...] | None = None

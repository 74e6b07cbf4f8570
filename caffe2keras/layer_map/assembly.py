"""Fragments joined into one Keras model: names, shared layers, permutations between layouts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from caffe2keras.errors import GraphError
from caffe2keras.graph.constants import constants
from caffe2keras.graph.memory import overwritten
from caffe2keras.graph.net import Blob, Layer, Net, Note
from caffe2keras.graph.signs import non_negative
from caffe2keras.layer_map.names import NameTable, keras_name
from caffe2keras.layer_map.pruning import call_of, needed_calls, renamed_tensor
from caffe2keras.layer_map.wiring import transposition
from caffe2keras.layout import DataFormat, Layout, caffe_order, image
from caffe2keras.spec import (
    BlobTensor,
    Fragment,
    FragmentInput,
    FragmentTensor,
    KerasLayer,
    KerasModel,
    KerasNode,
    NamedLayer,
    TensorRef,
)

__all__ = ["Assembly"]

Key = tuple[str, int]
Tensor = tuple[TensorRef, Layout]


class Assembly:
    """A Keras model in the making.

    Args:
        net: the Caffe net.
        data_format: of the Keras model.
    """

    def __init__(self, net: Net, data_format: DataFormat) -> None:
        self.data_format = data_format
        self._net = net
        self._names = NameTable()
        self._layers: dict[str, NamedLayer] = {}
        self._calls: dict[str, int] = {}
        self._nodes: list[tuple[KerasNode, TensorRef]] = []
        self._shared: dict[str, str] = {}
        self._tensors: dict[Key, Tensor] = {}
        self._relaid: dict[tuple[TensorRef, Layout], TensorRef] = {}
        self._blobs: dict[Key, BlobTensor] = {}
        self._inputs: list[tuple[Blob, TensorRef, Layout]] = []
        self._notes: list[Note] = list(net.notes)
        self._tying: set[TensorRef] = set()
        self._origins: dict[Key, str] = {}
        self._constants = constants(net)
        self._non_negative = non_negative(net)
        self._overwritten = overwritten(net)

    def knows(self, blob: Blob) -> bool:
        """Whether the blob has a Keras tensor yet."""
        return blob.key in self._tensors

    @property
    def layers(self) -> Mapping[str, NamedLayer]:
        """The Keras layers so far, by name, in order of first use."""
        return MappingProxyType(self._layers)

    def tensor(self, blob: Blob) -> TensorRef:
        """Where the blob lives in the Keras model."""
        return self._tensors[blob.key][0]

    def layout(self, blob: Blob) -> Layout:
        """How the blob's axes stand in Keras."""
        return self._tensors[blob.key][1]

    def origin(self, blob: Blob) -> str:
        """The Caffe type of the layer that produced the blob."""
        return self._origins.get(blob.key, "")

    def constant(self, blob: Blob) -> float | None:
        """The one number that the blob holds everywhere, if the net itself says so."""
        return self._constants.get(blob.key)

    def is_non_negative(self, blob: Blob) -> bool:
        """Whether the net itself says that no number of the blob is below zero."""
        return blob.key in self._non_negative

    def add_input(self, layer: Layer, blob: Blob, layout: Layout) -> None:
        """A blob that is fed."""
        name = self._names.unique(keras_name(blob.name, "input"))
        self._layers[name] = NamedLayer(name, KerasLayer("InputLayer", {}), layer.name)
        tensor = TensorRef(name)
        self._inputs.append((blob, tensor, layout))
        self._bind(layer, blob, tensor, layout)

    @property
    def is_trained(self) -> bool:
        """Whether the model is to be trained."""
        return self._net.is_training

    def add(
        self,
        layer: Layer,
        layouts: tuple[Layout, ...],
        fragment: Fragment,
        stops: tuple[int, ...] = (),
    ) -> None:
        """A mapped layer.

        Args:
            layer: the Caffe layer.
            layouts: in which its mapping was told that its bottoms arrive.
            fragment: what the mapping answered.
            stops: the bottoms through which no gradient goes back.
        """
        inputs = [
            self._in_layout(layer, blob, layout)
            for blob, layout in zip(layer.bottoms, layouts, strict=True)
        ]
        for index in stops:
            inputs[index] = self._stopped(layer, layer.bottoms[index], inputs[index])
        if not inputs and fragment.calls:
            # A layer without bottoms (a constant) hangs on whatever is fed first.
            inputs = [self._first_input(layer)]
        outputs: list[TensorRef] = []
        for call in fragment.calls:
            sources = tuple(_resolve(tensor, inputs, outputs) for tensor in call.inputs)
            outputs.append(self._call(layer, call.layer, sources))
        tops = zip(layer.tops, fragment.outputs, _layouts(layer, layouts, fragment), strict=True)
        for blob, tensor, layout in tops:
            ref = _resolve(tensor, inputs, outputs)
            self._bind(layer, blob, ref, layout, fragment.padded_axis)
        self._notes += fragment.notes
        if fragment.ties_batch:
            self._tying.update(outputs)

    def stand_in(self, layer: Layer) -> None:
        """Let a layer that is refused pass, so that those behind it can be looked at too."""
        for blob in layer.tops:
            if blob.dims is not None:
                layout = image(len(blob.dims), self.data_format)
                self._tensors[blob.key] = (TensorRef(""), layout)

    def _bind(
        self,
        layer: Layer,
        blob: Blob,
        tensor: TensorRef,
        layout: Layout,
        padded_axis: int | None = None,
    ) -> None:
        self._tensors[blob.key] = (tensor, layout)
        self._origins[blob.key] = layer.type
        final = blob.key not in self._overwritten
        self._blobs[blob.key] = BlobTensor(
            blob.name, blob.shape, tensor, layout, final, layer.name, padded_axis
        )

    def _first_input(self, layer: Layer) -> TensorRef:
        if not self._inputs:
            raise GraphError(
                what=f"{layer} stands before any input",
                where=layer.where,
                why="a Keras model computes from its inputs, and this net has none so far",
                hint="name a blob that shall be fed, with its shape: --input-shape BLOB=N,C,H,W",
            )
        return self._inputs[0][1]

    def _in_layout(self, layer: Layer, blob: Blob, wanted: Layout) -> TensorRef:
        """The blob's tensor in a layout; what permutes it there is made once."""
        tensor, layout = self._tensors[blob.key]
        if layout == wanted:
            return tensor
        if (tensor, wanted) not in self._relaid:
            (permute,) = transposition(layout.towards(wanted), "_permute")
            named = replace(layer, name=blob.name)
            self._relaid[tensor, wanted] = self._call(named, permute, (tensor,))
            if permute.class_name != "Permute":
                self._tying.add(self._relaid[tensor, wanted])
        return self._relaid[tensor, wanted]

    def _stopped(self, layer: Layer, blob: Blob, tensor: TensorRef) -> TensorRef:
        """The tensor without a way back for gradients; one that is fed has none."""
        if any(tensor == fed for _, fed, _ in self._inputs):
            return tensor
        stop = KerasLayer("caffe2keras>StopGradient", {}, suffix="_stop")
        return self._call(replace(layer, name=blob.name), stop, (tensor,))

    def _call(self, layer: Layer, keras: KerasLayer, inputs: tuple[TensorRef, ...]) -> TensorRef:
        name = self._name_of(layer, keras)
        tensor = TensorRef(name, self._calls.get(name, 0))
        self._calls[name] = tensor.node + 1
        self._nodes.append((KerasNode(name, inputs), tensor))
        return tensor

    def _name_of(self, layer: Layer, keras: KerasLayer) -> str:
        """An existing layer's name, if config and weights are the same; else a new one."""
        identity = _identity(keras)
        if identity in self._shared:
            return self._shared[identity]
        name = self._names.unique(keras_name(layer.name, layer.type.lower()) + keras.suffix)
        self._layers[name] = NamedLayer(name, keras, layer.name)
        if identity:
            self._shared[identity] = name
        return name

    def finish(self, resizable: bool) -> KerasModel:
        """The whole model, without what no output depends on.

        Raises:
            GraphError: nothing is computed.
        """
        outputs = self._outputs()
        nodes, renamed = needed_calls(self._nodes, outputs)
        used = {ref.layer for ref in renamed} | {t.layer for node, _ in nodes for t in node.inputs}
        inputs = [fed for fed in self._inputs if fed[1].layer in used]
        ties_batch = not self._tying.isdisjoint(renamed)
        renamed |= {tensor: tensor for _, tensor, _ in inputs}
        self._notes += _unneeded_inputs(self._inputs, used, self._labels())
        static_batch = self._static_batch(inputs) if ties_batch else None
        layers = (self._with_shape(named, static_batch) for named in self._layers.values())
        return KerasModel(
            name=keras_name(self._net.name, "model"),
            layers=tuple(named for named in layers if named.name in used),
            nodes=tuple(node for node, _ in nodes),
            inputs=tuple(tensor for _, tensor, _ in inputs),
            outputs=tuple(renamed_tensor(tensor, renamed) for tensor in outputs),
            blobs=tuple(
                replace(blob, tensor=renamed_tensor(blob.tensor, renamed))
                for blob in (*self._blobs.values(), *self._aliases())
                if call_of(blob.tensor) in renamed
            ),
            notes=tuple(self._notes),
            static_batch=static_batch,
            resizable=resizable,
        )

    def _labels(self) -> set[str]:
        """What Keras takes as ``y``: inputs of the net and not of the model."""
        heads = (one for one in self._net.layers if one.tops and one.tops[0].key in self._net.heads)
        return {head.bottoms[1].name for head in heads}

    def _aliases(self) -> Iterator[BlobTensor]:
        """The blobs that passes took out, under their own names."""
        for name, blob in self._net.aliases:
            if blob.key in self._blobs:
                yield replace(self._blobs[blob.key], blob=name)

    def _outputs(self) -> tuple[TensorRef, ...]:
        """The tensors of the net's outputs, what is fed and never read left out."""
        computed = [
            self._computed(layer, blob)
            for layer in self._net.layers
            for blob in layer.tops
            if layer.type != "Input" and blob in self._net.outputs
        ]
        if not computed:
            raise GraphError(
                what="the net computes nothing",
                why="no layer is left in this phase whose output could be the model's",
                hint="choose the phase, level or stages with --phase, --level, --stage",
            )
        return tuple(dict.fromkeys(computed))

    def _computed(self, layer: Layer, blob: Blob) -> TensorRef:
        """The tensor of an output; one that is fed and not changed passes through a layer."""
        tensor, layout = self._tensors[blob.key]
        if any(tensor == fed for _, fed, _ in self._inputs):
            tensor = self._call(
                layer, KerasLayer("Activation", {"activation": "linear"}), (tensor,)
            )
            self._bind(layer, blob, tensor, layout)
        return tensor

    def _static_batch(self, inputs: list[tuple[Blob, TensorRef, Layout]]) -> int | None:
        sizes = [blob.shape[layout.permutation[0]] for blob, _, layout in inputs]
        size = sizes[0] if sizes else None
        text = f"the net counts or mixes the batch's entries, so the batch size stays {size}"
        self._notes.append(Note("decided", "batch size", text))
        return size

    def _with_shape(self, named: NamedLayer, static_batch: int | None) -> NamedLayer:
        for blob, tensor, layout in self._inputs:
            if tensor.layer == named.name:
                shape: list[int | None] = list(layout.keras_shape(blob.shape))
                if static_batch is None and shape:
                    shape[0] = None
                keras = replace(named.layer, config={"batch_input_shape": shape})
                return replace(named, layer=keras)
        return named


def _resolve(
    tensor: FragmentTensor, inputs: list[TensorRef], outputs: list[TensorRef]
) -> TensorRef:
    if isinstance(tensor, FragmentInput):
        return inputs[tensor.index]
    return replace(outputs[tensor.call], tensor=tensor.tensor)


def _layouts(layer: Layer, arrived: tuple[Layout, ...], fragment: Fragment) -> tuple[Layout, ...]:
    if fragment.layouts is not None:
        return fragment.layouts
    return tuple(
        arrived[0]
        if arrived and arrived[0].rank == len(blob.shape)
        else caffe_order(len(blob.shape))
        for blob in layer.tops
    )


def _identity(keras: KerasLayer) -> str:
    """What two layers must have in common to be one; "" for those without learned arrays."""
    weights = [variable.weight for variable in keras.variables]
    if not weights or any(weight is None for weight in weights):
        return ""
    arrays = [(weight.owner, weight.index) for weight in weights if weight is not None]
    return json.dumps([keras.class_name, keras.config, arrays], sort_keys=True)


def _unneeded_inputs(
    inputs: Iterable[tuple[Blob, TensorRef, Layout]], used: set[str], labels: set[str]
) -> list[Note]:
    text = "no output depends on its numbers, so it is no input of the model"
    unneeded = (blob.name for blob, tensor, _ in inputs if tensor.layer not in used)
    return [Note("dropped", name, text) for name in unneeded if name not in labels]

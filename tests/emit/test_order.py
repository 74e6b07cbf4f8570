"""Layers are counted as Keras counts them, on any graph."""

from __future__ import annotations

import keras
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caffe2keras.emit.order import layers_in_keras_order
from caffe2keras.spec import KerasLayer, KerasModel, KerasNode, NamedLayer, TensorRef


@st.composite
def graphs(draw: st.DrawFn) -> KerasModel:
    """Random graphs in which some layers are called several times."""
    inputs = tuple(TensorRef(f"in{i}") for i in range(draw(st.integers(1, 3))))
    tensors, nodes, calls = list(inputs), [], {}
    for i in range(draw(st.integers(1, 12))):
        shared = draw(st.booleans())
        name = draw(st.sampled_from(sorted(calls))) if calls and shared else f"layer{i}"
        width = draw(st.integers(1, 3))
        sources = tuple(draw(st.sampled_from(tensors)) for _ in range(width))
        nodes.append(KerasNode(name, sources))
        calls[name] = calls.get(name, -1) + 1
        tensors.append(TensorRef(name, calls[name]))
    read = {source for node in nodes for source in node.inputs}
    outputs = tuple(tensor for tensor in tensors if tensor not in read and tensor not in inputs)
    used = {source.layer for node in nodes for source in node.inputs}
    inputs = tuple(tensor for tensor in inputs if tensor.layer in used)
    names = [tensor.layer for tensor in inputs] + list(calls)
    layers = tuple(NamedLayer(name, KerasLayer("Sum", {}), name) for name in names)
    return KerasModel("net", layers, tuple(nodes), inputs, outputs, ())


class Sum(keras.layers.Layer):
    """Any number of inputs, so that one layer can be called with different ones."""

    def call(self, inputs: list[keras.KerasTensor]) -> keras.KerasTensor:
        return sum(inputs[1:], start=inputs[0])


def live(model: KerasModel) -> keras.Model:
    tensors = {ref: keras.Input((2,), name=ref.layer) for ref in model.inputs}
    layers: dict[str, Sum] = {}
    counts: dict[str, int] = {}
    for node in model.nodes:
        layer = layers.setdefault(node.layer, Sum(name=node.layer))
        ref = TensorRef(node.layer, counts.get(node.layer, 0))
        counts[node.layer] = ref.node + 1
        tensors[ref] = layer([tensors[source] for source in node.inputs])
    return keras.Model([tensors[t] for t in model.inputs], [tensors[t] for t in model.outputs])


@pytest.mark.backend
@settings(deadline=None, max_examples=60)
@given(graphs())
def test_keras_counts_alike(model: KerasModel) -> None:
    ours = [named.name for named in layers_in_keras_order(model)]
    assert ours == [layer.name for layer in live(model).layers]


def test_a_chain_deeper_than_pythons_stack_is_walked() -> None:
    names = [f"layer{i}" for i in range(5000)]
    refs = [TensorRef("in0"), *map(TensorRef, names)]
    nodes = tuple(KerasNode(name, (refs[i],)) for i, name in enumerate(names))
    layers = tuple(NamedLayer(name, KerasLayer("Sum", {}), name) for name in ["in0", *names])
    model = KerasModel("deep", layers, nodes, (refs[0],), (refs[-1],), ())
    assert [named.name for named in layers_in_keras_order(model)] == ["in0", *names]

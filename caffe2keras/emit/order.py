"""The order in which Keras counts a model's layers.

Keras loads HDF5 weights by position: the k-th layer with weights of the file goes to the k-th of
the model. A functional model counts its layers by falling depth, the longest way to an output,
and among equals by the order of a walk from the outputs back (keras/src/ops/function.py; Keras 2
has the same in engine/network.py). The file must count alike.
"""

from __future__ import annotations

from caffe2keras.spec import KerasModel, NamedLayer

__all__ = ["layers_in_keras_order"]

Call = tuple[str, int]


def layers_in_keras_order(model: KerasModel) -> tuple[NamedLayer, ...]:
    """The model's layers as ``keras.Model.layers`` will have them."""
    sources = _sources(model)
    walked, index = _walk(model, sources)
    depth = _depths(walked, sources)
    named = {layer.name: layer for layer in model.layers}
    return tuple(
        named[name] for name in sorted(index, key=lambda name: (-depth[name], index[name]))
    )


def _sources(model: KerasModel) -> dict[Call, tuple[Call, ...]]:
    """Each call of a layer, and the calls that it reads."""
    sources: dict[Call, tuple[Call, ...]] = {(t.layer, t.node): () for t in model.inputs}
    counts: dict[str, int] = {}
    for node in model.nodes:
        number = counts.get(node.layer, 0)
        counts[node.layer] = number + 1
        sources[node.layer, number] = tuple((t.layer, t.node) for t in node.inputs)
    return sources


def _walk(
    model: KerasModel, sources: dict[Call, tuple[Call, ...]]
) -> tuple[list[Call], dict[str, int]]:
    """Depth first from each output: the calls, each behind its sources; layers as first met.

    A stack of ours instead of recursion, since nets may be deeper than Python's.
    """
    finished: dict[Call, None] = {}
    index: dict[str, int] = {}
    for output in model.outputs:
        stack = [((output.layer, output.node), 0)]
        while stack:
            call, position = stack.pop()
            if call in finished:
                continue
            index.setdefault(call[0], len(index))
            if position < len(sources[call]):
                stack += [(call, position + 1), (sources[call][position], 0)]
            else:
                finished[call] = None
    return list(finished), index


def _depths(walked: list[Call], sources: dict[Call, tuple[Call, ...]]) -> dict[str, int]:
    """The longest way from each layer to an output; of its calls the farthest counts."""
    by_call: dict[Call, int] = {}
    by_layer: dict[str, int] = {}
    for call in reversed(walked):
        depth = max(by_call.get(call, 0), by_layer.get(call[0], 0))
        by_layer[call[0]] = by_call[call] = depth
        for source in sources[call]:
            by_call[source] = max(by_call.get(source, 0), depth + 1)
    return by_layer

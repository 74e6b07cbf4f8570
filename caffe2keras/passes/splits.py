"""Split is bookkeeping of Caffe's memory; any number of layers may read one blob."""

from __future__ import annotations

from dataclasses import replace

from caffe2keras.graph.net import Blob, Net

__all__ = ["remove_splits"]


def remove_splits(net: Net) -> Net:
    """Let everyone read the bottom itself.

    Given:  a ─ Split ─▶ a_0, a_1;  a_0 ─ Convolution;  a_1 ─ Pooling
    Result: a ─ Convolution;  a ─ Pooling;  aliases a_0 = a, a_1 = a
    """
    if not any(layer.type == "Split" for layer in net.layers):
        return net
    source: dict[tuple[str, int], Blob] = {}
    layers = []
    for layer in net.layers:
        bottoms = tuple(source.get(blob.key, blob) for blob in layer.bottoms)
        if layer.type == "Split":
            source.update((top.key, bottoms[0]) for top in layer.tops)
        else:
            layers.append(replace(layer, bottoms=bottoms))
    # Two tops of one Split that nobody reads are one output.
    outputs = tuple(dict.fromkeys(source.get(blob.key, blob) for blob in net.outputs))
    named = {
        top: source[top.key] for layer in net.layers for top in layer.tops if top.key in source
    }
    aliases = tuple((top.name, blob) for top, blob in named.items())
    return replace(net, layers=tuple(layers), outputs=outputs, aliases=(*net.aliases, *aliases))

"""Which blobs Caffe overwrites: names that share memory hold the last value written.

A layer in place writes over its bottom. The tops of Reshape and Flatten *are* their bottom's
memory (reshape_layer.cpp, flatten_layer.cpp: ShareData), and so are the only top of a Slice and
the only bottom of a Concat; a layer in place on such a top changes the bottom's stored value too.
What Caffe holds under a blob's name after a forward pass is the value only of blobs that nothing
wrote over.
"""

from __future__ import annotations

from caffe2keras.graph.net import Layer, Net

__all__ = ["overwritten"]

Key = tuple[str, int]


def overwritten(net: Net) -> frozenset[Key]:
    """Keys of the blobs whose memory holds something else after a forward pass."""
    memory: dict[Key, int] = {}
    writer: dict[int, Key] = {}
    holders: dict[int, list[Key]] = {}
    lost: set[Key] = set()
    for layer in net.layers:
        for top in layer.tops:
            source = _shared_with(layer, top.key, memory)
            place = len(writer) if source is None else memory[source]
            memory[top.key] = place
            if source is not None and top.name in {blob.name for blob in layer.bottoms}:
                # In place: whoever held this memory until now has lost its value.
                lost.update(holders[place])
                holders[place] = []
            writer[place] = top.key
            holders.setdefault(place, []).append(top.key)
    return frozenset(lost)


def _shared_with(layer: Layer, top: Key, memory: dict[Key, int]) -> Key | None:
    """The bottom whose memory a top lives in, if any."""
    for bottom in layer.bottoms:
        if bottom.name == top[0] and bottom.key in memory:
            return bottom.key
    alone = len(layer.bottoms) == 1 and len(layer.tops) == 1
    if alone and layer.type in ("Reshape", "Flatten", "Slice", "Concat"):
        return layer.bottoms[0].key if layer.bottoms[0].key in memory else None
    return None

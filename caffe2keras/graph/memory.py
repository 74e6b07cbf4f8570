"""Which blobs Caffe overwrites: names that share memory hold the last value written.

A layer in place writes over its bottom. The tops of Reshape and Flatten *are* their bottom's
memory (reshape_layer.cpp, flatten_layer.cpp: ShareData), and so are the only top of a Slice and
the only bottom of a Concat; a layer in place on such a top changes the bottom's stored value too.
What Caffe holds under a blob's name after a forward pass is the value only of blobs that nothing
wrote over.
"""

from __future__ import annotations

from caffe2keras.graph.net import Blob, Layer, Net

__all__ = ["overwritten", "stale_reads"]

Key = tuple[str, int]


def overwritten(net: Net) -> frozenset[Key]:
    """Keys of the blobs whose memory holds something else after a forward pass."""
    return net.lost.union(_Memory(net).lost)


def stale_reads(net: Net) -> tuple[tuple[Layer, Blob], ...]:
    """The layers that read a blob after another layer has written over its memory.

    Caffe gives them the other value, whatever the names say.
    """
    return tuple(_Memory(net).stale)


class _Memory:
    """A walk through the net that follows who writes where."""

    def __init__(self, net: Net) -> None:
        self.lost: set[Key] = set()
        self.stale: list[tuple[Layer, Blob]] = []
        self._place: dict[Key, int] = {}
        self._holders: list[list[Key]] = []
        for layer in net.layers:
            self.stale += [(layer, blob) for blob in layer.bottoms if blob.key in self.lost]
            written_over = _written_over(layer)
            for bottom in written_over.values():
                self._lose(bottom)
            for top in layer.tops:
                self._produce(layer, top.key, written_over.get(top.name))

    def _lose(self, bottom: Key) -> None:
        """A layer in place writes: whoever held this memory until now has lost its value."""
        if bottom in self._place:
            holders = self._holders[self._place[bottom]]
            self.lost.update(holders)
            holders.clear()

    def _produce(self, layer: Layer, top: Key, written_over: Key | None) -> None:
        source = written_over or self._shared_with(layer)
        if source is None or source not in self._place:
            self._place[top] = len(self._holders)
            self._holders.append([top])
            return
        self._place[top] = self._place[source]
        self._holders[self._place[source]].append(top)

    def _shared_with(self, layer: Layer) -> Key | None:
        """The bottom whose memory the only top of a layer that just renames it lives in."""
        alone = len(layer.bottoms) == 1 and len(layer.tops) == 1
        if alone and layer.type in ("Reshape", "Flatten", "Slice", "Concat"):
            return layer.bottoms[0].key
        return None


def _written_over(layer: Layer) -> dict[str, Key]:
    """The bottoms that a layer in place writes over, by the prototxt's own names.

    The net's blobs do not tell it: where a Split is gone, its bottom stands for its tops, whose
    memory is the same (split_layer.cpp); where a Scale is folded in, its top stands for this
    layer's.
    """
    names = layer.params.message
    bottoms = zip(names.bottom, layer.bottoms, strict=False)
    return {name: bottom.key for name, bottom in bottoms if name in names.top}

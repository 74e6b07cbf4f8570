"""The steps of an LSTM that is written out: recognised by their wiring, whatever they are called.

A step is ``c = SUM(PROD(sigmoid f, c'), PROD(sigmoid i, tanh g)); h = PROD(sigmoid o, tanh c)``,
its four gates cut from one sum, or an LSTMUnit on such a sum. Every product and sum may name its
bottoms in either order, and a Scale by one number for each sequence may stand on c'.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

from caffe2keras.graph.net import Blob, Layer, Net

__all__ = ["Step", "Wiring", "chains_of_steps"]

Key = tuple[str, int]


class Wiring:
    """Who makes a blob, and who reads it."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.makers = {top.key: layer for layer in net.layers for top in layer.tops}
        self.readers: dict[Key, list[Layer]] = {}
        for layer in net.layers:
            for bottom in layer.bottoms:
                self.readers.setdefault(bottom.key, []).append(layer)

    def maker(self, blob: Blob, *types: str) -> Layer | None:
        """The layer that makes a blob, if it is of one of these types."""
        layer = self.makers.get(blob.key)
        return layer if layer is not None and layer.type in types else None

    def merged(self, blob: Blob, operation: str) -> Layer | None:
        """The Eltwise that makes a blob, if it does this and weighs nothing."""
        layer = self.maker(blob, "Eltwise")
        if layer is None:
            return None
        p = layer.params.fresh().eltwise_param
        plain = p.operation == operation and all(c == 1 for c in p.coeff)
        return layer if plain else None

    def scaled(self, blob: Blob) -> Layer | None:
        """The Scale that makes a blob (1, N, H), if it takes one factor for each of (1, N)."""
        layer = self.maker(blob, "Scale")
        if layer is None or len(layer.bottoms) != 2:
            return None
        p = layer.params.fresh().scale_param
        x, factor = layer.bottoms
        whole = p.axis % len(x.shape) == 0 and factor.shape == x.shape[:2] and not p.bias_term
        return layer if whole else None

    def summands(self, blob: Blob) -> tuple[tuple[Blob, ...], tuple[Layer, ...]]:
        """What a blob is the plain sum of, sums of sums included, and the layers that add it up."""
        total = self.merged(blob, "SUM")
        if total is None:
            return (blob,), ()
        parts = [self.summands(bottom) for bottom in total.bottoms]
        blobs = tuple(blob for summed, _ in parts for blob in summed)
        return blobs, (total, *(layer for _, layers in parts for layer in layers))


@dataclass(frozen=True)
class Step:
    """One step of the cell.

    Attributes:
        hidden: h_t.
        cell: c_t.
        cell_before: c_{t-1}.
        cont: what scales that first, (1, N), or None.
        order: at which place among the four gates i, f, o and g stand.
        driven: what the gates are the sum of.
        layers: all the layers inside, from the gates' sum on.
    """

    hidden: Blob
    cell: Blob
    cell_before: Blob
    cont: Blob | None
    order: tuple[int, ...]
    driven: tuple[Blob, ...]
    layers: tuple[Layer, ...]


def chains_of_steps(wiring: Wiring) -> list[list[Step]]:
    """The steps of the net, each behind the one whose cell it takes over."""
    steps = [step for layer in wiring.net.layers for step in _steps_ending_in(wiring, layer)]
    cells = {step.cell.key for step in steps}
    behind: dict[Key, list[Step]] = {}
    for step in steps:
        behind.setdefault(step.cell_before.key, []).append(step)
    chains = []
    for first in (step for step in steps if step.cell_before.key not in cells):
        chain = [first]
        while len(behind.get(chain[-1].cell.key, ())) == 1:
            chain += behind[chain[-1].cell.key]
        chains.append(chain)
    return chains


def _steps_ending_in(wiring: Wiring, layer: Layer) -> Iterator[Step]:
    """The step whose hidden state this layer makes, if it makes one."""
    if layer.type == "LSTMUnit":
        (before, gathered, cont), (cell, hidden) = layer.bottoms, layer.tops
        driven, sums = wiring.summands(gathered)
        if len(gathered.shape) == 3 and sums:
            yield Step(hidden, cell, before, cont, (0, 1, 2, 3), driven, (layer, *sums))
        return
    if len(layer.tops) != 1 or wiring.merged(layer.tops[0], "PROD") is None:
        return
    for out, squashed in _both_ways(layer):
        o, act = wiring.maker(out, "Sigmoid"), wiring.maker(squashed, "TanH")
        total = wiring.merged(act.bottoms[0], "SUM") if act else None
        if o is None or act is None or total is None:
            continue
        for kept, new in _both_ways(total):
            step = _with_products(wiring, (layer, o, act, total), kept, new)
            if step is not None:
                yield step
                return


def _both_ways(layer: Layer) -> Iterator[tuple[Blob, Blob]]:
    """Its two bottoms in either order; nothing if it has more."""
    if len(layer.bottoms) == 2:
        yield from permutations(layer.bottoms, 2)


def _with_products(wiring: Wiring, outer: tuple[Layer, ...], kept: Blob, new: Blob) -> Step | None:
    """The step, if one product holds f and the old cell, and the other i and g."""
    keeping, adding = wiring.merged(kept, "PROD"), wiring.merged(new, "PROD")
    if keeping is None or adding is None:
        return None
    for forget, before in _both_ways(keeping):
        for entry, candidate in _both_ways(adding):
            f, i = wiring.maker(forget, "Sigmoid"), wiring.maker(entry, "Sigmoid")
            g = wiring.maker(candidate, "TanH")
            if f and i and g:
                hidden, o, act, total = outer
                inside = (hidden, o, act, total, keeping, adding, f, i, g)
                return _with_gates(wiring, inside, before, (i, f, o, g))
    return None


def _with_gates(
    wiring: Wiring, inside: tuple[Layer, ...], before: Blob, gates: Sequence[Layer]
) -> Step | None:
    """The step, if its gates are the four equal parts of one sum."""
    raw = [gate.bottoms[0] for gate in gates]
    cut = wiring.maker(raw[0], "Slice")
    if cut is None or len(cut.tops) != 4 or len({top.shape for top in cut.tops}) != 1:
        return None
    keys = [top.key for top in cut.tops]
    gathered = cut.bottoms[0]
    if sorted(blob.key for blob in raw) != sorted(keys) or len(gathered.shape) != 3:
        return None
    driven, sums = wiring.summands(gathered)
    if not sums or cut.tops[0].shape != (*gathered.shape[:2], gathered.shape[2] // 4):
        return None
    order = tuple(keys.index(blob.key) for blob in raw)
    hidden, cell = inside[0].tops[0], inside[3].tops[0]
    layers = (*inside, cut, *sums)
    scale = wiring.scaled(before)
    if scale is None:
        return Step(hidden, cell, before, None, order, driven, layers)
    state, cont = scale.bottoms
    return Step(hidden, cell, state, cont, order, driven, (*layers, scale))

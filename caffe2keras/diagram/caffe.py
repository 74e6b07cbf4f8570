"""A Caffe net as a chart: layers that work in place fold into the one whose blob they change."""

from __future__ import annotations

from collections import Counter, defaultdict

from caffe2keras.diagram.chart import Chart, Edge, Node, Step
from caffe2keras.diagram.kinds import kind_of
from caffe2keras.graph.net import Layer, Net

__all__ = ["chart_of_net"]

Key = tuple[str, int]


def chart_of_net(net: Net) -> Chart:
    """What is to be drawn of a net, as the prototxt has it or after any of the passes."""
    groups = _folded(net)
    producers = {
        top.key: place
        for place, group in enumerate(groups)
        for layer in group
        for top in layer.tops
    }
    nodes = tuple(_node(group) for group in groups)
    return Chart(net.name, nodes, _edges(groups, producers))


def _folded(net: Net) -> list[list[Layer]]:
    """The layers, each with those that work in place behind it.

    Where a third layer still reads what was there before, or the layer reads something else
    besides, it stays on its own: folded in, it would not show what happens.
    """
    readers = Counter(bottom.key for layer in net.layers for bottom in layer.bottoms)
    groups: list[list[Layer]] = []
    home: dict[Key, list[Layer]] = {}
    for layer in net.layers:
        group = home.get(layer.bottoms[0].key) if _works_in_place(layer) else None
        if group is None or readers[layer.bottoms[0].key] > 1:
            groups.append(group := [])
        group.append(layer)
        home.update((top.key, group) for top in layer.tops)
    return groups


def _works_in_place(layer: Layer) -> bool:
    names = [[blob.name for blob in blobs] for blobs in (layer.bottoms, layer.tops)]
    return len(names[0]) == 1 and names[0] == names[1]


def _node(group: list[Layer]) -> Node:
    parts = [part for layer in group for part in (layer, *layer.absorbed)]
    steps = tuple(Step(part.name, part.type, _detail(part)) for part in parts)
    blobs = tuple(dict.fromkeys(top.name for layer in group for top in layer.tops))
    return Node(steps, kind_of(group[0].type), blobs)


def _edges(groups: list[list[Layer]], producers: dict[Key, int]) -> tuple[Edge, ...]:
    targets: defaultdict[Key, list[int]] = defaultdict(list)
    for place, group in enumerate(groups):
        for blob in (blob for layer in group for blob in layer.bottoms):
            if producers.get(blob.key, place) != place:
                targets[blob.key].append(place)
    edges: list[Edge] = []
    for place, group in enumerate(groups):
        # of a blob that is changed in place, only what it is in the end leaves the node
        last = {top.name: top for layer in group for top in layer.tops}
        for blob in last.values():
            readers = dict.fromkeys(targets[blob.key])
            edges += [Edge(place, blob.name, blob.dims, to) for to in readers or (None,)]
    return tuple(edges)


def _detail(layer: Layer) -> str:
    """A kernel's extent, stride and padding, as far as the layer has them."""
    weights = [weight.shape for weight in layer.weights]
    if layer.type in ("Convolution", "Deconvolution", "DepthwiseConvolution") and weights:
        extent = "x".join(map(str, weights[0][2:]))
        return (
            f"{extent} kernel, {layer.tops[0].dims[1]} channels" if layer.tops[0].dims else extent
        )
    if layer.type == "InnerProduct" and layer.tops[0].dims:
        return f"{layer.tops[0].dims[-1]} outputs"
    return ""

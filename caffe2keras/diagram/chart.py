"""What is drawn, before anybody knows where: nodes, and the blobs that flow between them."""

from __future__ import annotations

from dataclasses import dataclass

from caffe2keras.graph.net import Shape

__all__ = ["Chart", "Edge", "Node", "Step"]


@dataclass(frozen=True)
class Step:
    """One layer of a node.

    Attributes:
        name: of the layer.
        type: of the layer, Caffe's or Keras's.
        detail: its size in a few words, as "3x3, stride 2", or "".
    """

    name: str
    type: str
    detail: str = ""


@dataclass(frozen=True)
class Node:
    """One box: a layer, with those that work in place on what it produces.

    Attributes:
        steps: the layers, in order of execution; the box bears the first one's name.
        kind: what sort of layer it is, one of ``kinds.KINDS``.
        blobs: the names of what it produces.
    """

    steps: tuple[Step, ...]
    kind: str
    blobs: tuple[str, ...]


@dataclass(frozen=True)
class Edge:
    """A blob on its way.

    Attributes:
        source: the place of the node that produces it.
        blob: its name.
        shape: in Caffe's axis order, None where unknown.
        target: the place of a node that reads it, always behind the source; None for an output.
    """

    source: int
    blob: str
    shape: Shape | None
    target: int | None


@dataclass(frozen=True)
class Chart:
    """A net to be drawn; the nodes stand in an order of execution."""

    title: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

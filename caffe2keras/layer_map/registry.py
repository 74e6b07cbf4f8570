"""The table of mappings: Caffe type -> function, and what the dispatcher must know beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from caffe2keras.graph.net import Layer, Shape, Weight
from caffe2keras.layer_map.soundness import fault_of
from caffe2keras.layout import DataFormat, Layout
from caffe2keras.params import Params
from caffe2keras.registry import Registry, guarded
from caffe2keras.spec import Fragment

__all__ = ["ENTRIES", "Entry", "Layouts", "Mapper", "Operand", "Placed", "mappings", "maps"]


@dataclass(frozen=True)
class Operand:
    """An input as it arrives at a mapping.

    Attributes:
        shape: in Caffe's axis order, batch included.
        layout: how its axes stand in Keras.
        origin: the Caffe type of the layer that produced it, or "".
        constant: the one number that it holds everywhere, if the net itself says so.
        non_negative: whether the net itself says that no number of it is below zero.
    """

    shape: Shape
    layout: Layout
    origin: str = ""
    constant: float | None = None
    non_negative: bool = False

    @property
    def rank(self) -> int:
        """How many axes."""
        return len(self.shape)

    def axis(self, caffe_axis: int) -> int:
        """Caffe's axis, negative ones counted from the end, as a non-negative Caffe axis."""
        return caffe_axis + self.rank if caffe_axis < 0 else caffe_axis

    def keras_axis(self, caffe_axis: int) -> int:
        """Where Caffe's axis (negative ones allowed) stands in Keras, the batch counted as 0."""
        return self.layout.keras_axis(self.axis(caffe_axis))

    @property
    def keras_shape(self) -> Shape:
        """The shape in Keras's axis order, batch included."""
        return self.layout.keras_shape(self.shape)


@dataclass(frozen=True)
class Placed:
    """A Caffe layer placed in the Keras graph: what a mapping sees.

    Attributes:
        name: Caffe's name.
        type: Caffe's type.
        params: its LayerParameter; nothing read yet.
        inputs: its bottoms as they arrive.
        outputs: the shapes of its tops, Caffe's axis order.
        weights: its learned arrays, Caffe's order.
        data_format: of the Keras model.
        resizable: whether the net keeps its freedom of height and width, so that the layers
            emitted must be right for every size and not only for this one.
        absorbed: layers whose work this one does too, placed likewise.
        keeps_state: whether it shall go on from where the prediction before ended.
    """

    name: str
    type: str
    params: Params
    inputs: tuple[Operand, ...]
    outputs: tuple[Shape, ...]
    weights: tuple[Weight, ...]
    data_format: DataFormat
    resizable: bool
    absorbed: tuple[Placed, ...] = ()
    keeps_state: bool = False


Mapper = Callable[[Placed], Fragment]

# What a mapping asks of its inputs' layouts. "any": they are all brought to the first one's;
# "image": Keras's spatial layers' layout; "caffe": Caffe's own order; "free": each as it comes.
# A function answers for each bottom: the layer and the given layouts -> the wanted ones.
Layouts = tuple[Layout, ...]
Wants = Literal["any", "image", "caffe", "free"] | Callable[[Layer, Layouts], Layouts]


@dataclass(frozen=True)
class Entry:
    """A mapping and its terms.

    Attributes:
        mapper: the function.
        wants: the layout it asks of its inputs.
        per_bottom: it is written for one bottom and applied to each in turn, with shared weights.
        fixes_size: whether what it emits for this layer holds for one height and width only.
        any_batch_axis: whether it holds for blobs whose batch is not Caffe's first axis; others
            are given such a blob in Caffe's order.
    """

    mapper: Mapper
    wants: Wants
    per_bottom: bool
    fixes_size: Callable[[Layer], bool]
    any_batch_axis: bool


_WANTS = ("any", "image", "caffe", "free")

ENTRIES: Registry[Entry] = Registry("a mapping", "maps")


def maps(
    *types: str,
    wants: Wants = "any",
    per_bottom: bool = False,
    fixes_size: bool | Callable[[Layer], bool] = False,
    any_batch_axis: bool = False,
    replaces: bool = False,
) -> Callable[[Mapper], Mapper]:
    """Register a function as the mapping of these Caffe types; doubles are refused.

    See :class:`Entry` for the terms.

    Args:
        types: Caffe's types; a Python layer's is ``Python:module.Layer``.
        wants: the layout of the inputs.
        per_bottom: whether the function is for one bottom.
        fixes_size: whether what it emits holds for one height and width only.
        any_batch_axis: whether it holds for any batch axis.
        replaces: whether a plugin's mapping takes the place of one of ours.
    """
    ENTRIES.check_types(types)
    if not callable(wants) and wants not in _WANTS:
        raise ValueError(f"wants={wants!r}: expected a function, or one of {', '.join(_WANTS)}")
    fixes = fixes_size if callable(fixes_size) else lambda _: fixes_size

    def register(mapper: Mapper) -> Mapper:
        entry = Entry(
            guarded(mapper, "mapping", _told, fault_of),
            _guarded_wants(wants),
            per_bottom,
            guarded(fixes, "fixes_size", str),
            any_batch_axis,
        )
        ENTRIES.add(types, entry, mapper, replaces)
        return mapper

    return register


def _told(placed: Placed) -> str:
    return f'layer "{placed.name}" ({placed.type})'


def _guarded_wants(wants: Wants) -> Wants:
    if not callable(wants):
        return wants
    return guarded(wants, "function wants", lambda layer, _: str(layer), _fault_of_wants)


def _fault_of_wants(answer: object, layer: Layer, given: Layouts) -> str:
    ranks = tuple(layout.rank for layout in given)
    fits = isinstance(answer, tuple) and all(isinstance(one, Layout) for one in answer)
    if fits and tuple(one.rank for one in answer) == ranks:  # type: ignore[attr-defined]
        return ""
    return f"expected layouts of {ranks} axes, one for each bottom, received {answer}"


def mappings() -> Mapping[str, Entry]:
    """The whole table, read-only."""
    return ENTRIES

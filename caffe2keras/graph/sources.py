"""What feeds the net: Input and data layers, DummyData, and the shapes that only the user knows.

Every layer that brings data from outside becomes a layer of type "Input". Its parameters stay, so
that the preprocessing can still be read off them. Caffe's own data layers, and those of every
fork we know, are the layers without bottoms whose type ends in "Data"; a Python layer without
bottoms reads data too, since it has nothing in the net to compute from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from math import prod

from caffe2keras.errors import GraphError, InputError, ShapeError, UnsupportedError
from caffe2keras.graph.net import Blob, Layer, Note, Shape
from caffe2keras.graph.wiring import did_you_mean
from caffe2keras.params import Params
from caffe2keras.shapes.registry import comes_from_a_plugin, infer, known_types

__all__ = ["Sources", "require_shapes", "settle_sources"]

Key = tuple[str, int]


@dataclass(frozen=True)
class Sources:
    """A net whose data layers have become inputs.

    Attributes:
        layers: all layers of the net.
        shapes: the inputs' shapes, None where nobody has told.
        notes: what was dropped.
    """

    layers: tuple[Layer, ...]
    shapes: Mapping[Key, Shape | None]
    notes: tuple[Note, ...]


def settle_sources(layers: Sequence[Layer], told: Mapping[str, Shape], source: str = "") -> Sources:
    """Turn data layers into inputs and collect the inputs' shapes.

    Args:
        layers: wired, without shapes.
        told: input blob -> shape from the user; it goes before what the prototxt declares.
        source: the prototxt's name, for messages.

    Raises:
        InputError: ``told`` names a blob that is no input.
        GraphError: an Input layer declares a wrong number of shapes.
    """
    read = {bottom.key for layer in layers for bottom in layer.bottoms}
    settled: list[Layer] = []
    notes: list[Note] = []
    shapes: dict[Key, Shape | None] = {}
    stand_in = {} if told else _stand_in(layers)
    notes += [_taken_for_data(name) for name in stand_in]
    told = {**told, **stand_in}
    for layer in layers:
        pieces = _split_dummy(layer, told) if layer.type == "DummyData" else (_input(layer, read),)
        for piece in pieces:
            settled.append(piece)
            if piece.type == "Input":
                shapes.update(_shapes(piece, layer, told))
                notes += _assumed(piece, layer, shapes, told)
        kept = {top for piece in pieces for top in piece.tops}
        notes += [_unread(layer, top) for top in layer.tops if top not in kept]
    _refuse_strangers(told, shapes, layers, source)
    return Sources(tuple(settled), shapes, tuple(notes))


def require_shapes(
    layers: Sequence[Layer], shapes: Mapping[Key, Shape | None], kept: AbstractSet[Key]
) -> None:
    """Ask for every shape that is missing, all at once.

    Args:
        layers: as :func:`settle_sources` gives them.
        shapes: likewise.
        kept: the blobs that the converted net will have; labels mostly are none of them.

    Raises:
        InputError: an input's shape is unknown.
        UnsupportedError: a DummyData layer would draw random numbers.
    """
    for layer in layers:
        if layer.type == "DummyData" and any(top.key in kept for top in layer.tops):
            _refuse_random(layer)
    missing = {
        top.name: layer
        for layer in layers
        for top in layer.tops
        if top.key in shapes and shapes[top.key] is None and top.key in kept
    }
    if not missing:
        return
    first = next(iter(missing.values()))
    first = replace(first, type=first.params.message.type)  # as the prototxt calls it
    raise InputError(
        what="nobody has told the shape of " + ", ".join(f'input "{name}"' for name in missing),
        where=f"{first.where}, {first}",
        why="the prototxt does not say it; a data layer finds it in its data",
        hint=" ".join(f"--input-shape {name}=N,C,H,W" for name in missing),
    )


def _is_data(layer: Layer) -> bool:
    if layer.bottoms or comes_from_a_plugin(layer.type):
        return False
    return layer.type.endswith("Data") or layer.type == "Python"


def _stand_in(layers: Sequence[Layer]) -> Mapping[str, Shape]:
    """The largest constant of a net that nothing else feeds, by name, with its shape.

    Nets that only measure speed, or that pycaffe feeds, have DummyData where the data would be.
    """
    if any(layer.type == "Input" or _is_real_data(layer) for layer in layers):
        return {}
    constants = [
        (prod(shape), top.name, shape)
        for layer in layers
        if layer.type == "DummyData"
        for top, shape in zip(layer.tops, _data_shapes(layer, layer.params.fresh()), strict=False)
        if shape is not None
    ]
    if not constants:
        return {}
    _, name, shape = max(constants, key=lambda constant: constant[0])
    return {name: shape}


def _is_real_data(layer: Layer) -> bool:
    return _is_data(layer) and layer.type != "DummyData"


def _taken_for_data(name: str) -> Note:
    text = (
        "nothing else feeds this net, so its largest constant is taken for its data; "
        "--input-shape says else"
    )
    return Note("decided", name, text)


def _input(layer: Layer, read: AbstractSet[Key]) -> Layer:
    if not _is_data(layer):
        return layer
    tops = tuple(top for top in layer.tops if top.key in read) or layer.tops[:1]
    return replace(layer, type="Input", tops=tops)


def _unread(layer: Layer, top: Blob) -> Note:
    return Note("dropped", top.name, f"nothing in this net reads this top of {layer}")


def _shapes(piece: Layer, layer: Layer, told: Mapping[str, Shape]) -> dict[Key, Shape | None]:
    # Declared shapes stand in the order of the tops that the prototxt names, dropped ones included.
    declared = dict(zip(layer.tops, _declared(layer), strict=True))
    shapes = {top: told.get(top.name, declared[top]) for top in piece.tops}
    if not layer.tops:
        raise GraphError(
            what=f"{layer} produces nothing",
            where=layer.where,
            why="a layer that feeds the net needs a top",
            hint="is a top misspelled?",
        )
    first = shapes.get(layer.tops[0])
    if first and layer.type in _LABELLED:
        batch: Shape = first[:1]
        shapes = {top: batch if shape is None else shape for top, shape in shapes.items()}
    return {top.key: shape for top, shape in shapes.items()}


def _assumed(
    piece: Layer, layer: Layer, shapes: Mapping[Key, Shape | None], told: Mapping[str, Shape]
) -> list[Note]:
    """That a database was taken to hold colour images, where nothing says how many channels."""
    first, p = piece.tops[0], layer.params.fresh().transform_param
    if layer.type not in ("Data", "AnnotatedData") or first.name in told or not shapes[first.key]:
        return []
    if p.force_gray or p.force_color or len(p.mean_value) > 1:
        return []
    text = f"its images are taken to have 3 channels; --input-shape {first.name}=N,C,H,W says else"
    return [Note("decided", first.name, text)]


def _declared(layer: Layer) -> Sequence[Shape | None]:
    """What the prototxt says of each top; None where only the data would tell."""
    declare = _input_shapes if layer.type == "Input" else _data_shapes
    shapes = declare(layer, layer.params.fresh())
    return [*shapes, *[None] * (len(layer.tops) - len(shapes))]


def _data_shapes(layer: Layer, params: Params) -> Sequence[Shape | None]:
    if layer.type not in known_types():
        return ()
    try:
        # With the label that some nets leave out, and that Caffe's own readers insist on.
        least = 1 if layer.type == "DummyData" else 2
        return infer(layer.type, params, (), max(least, len(layer.tops))).tops[: len(layer.tops)]
    except ShapeError:
        return ()  # the user is asked


def _input_shapes(layer: Layer, params: Params) -> Sequence[Shape | None]:
    # input_layer.cpp: no shape at all, one for all tops, or one for each.
    shapes = [_positive(shape.dim) for shape in params.input_param.shape]
    if len(shapes) not in (0, 1, len(layer.tops)):
        raise GraphError(
            what=f"{layer} has {len(layer.tops)} tops and {len(shapes)} shapes",
            where=layer.where,
            why="Caffe takes one shape for all tops, or one for each",
            hint="give every top its own shape",
        )
    return shapes * len(layer.tops) if len(shapes) == 1 else shapes


def _positive(dims: Sequence[int]) -> Shape | None:
    return tuple(dims) if all(dim > 0 for dim in dims) else None


# Their second top has one label for each item of the batch (data_layer.cpp and its sisters).
_LABELLED = frozenset({"Data", "ImageData", "MemoryData", "WindowData"})


def _split_dummy(layer: Layer, told: Mapping[str, Shape]) -> tuple[Layer, ...]:
    """Tops that the user gives a shape become inputs; the rest stays as it is."""
    fed = tuple(top for top in layer.tops if top.name in told)
    rest = [place for place, top in enumerate(layer.tops) if top not in fed]
    pieces = (replace(layer, type="Input", tops=fed),) if fed else ()
    if not fed:
        return (layer,)
    if not rest:
        return pieces
    constant = replace(
        layer,
        params=_only_tops(layer.params, rest),
        tops=tuple(layer.tops[place] for place in rest),
    )
    return (*pieces, constant)


def _only_tops(params: Params, places: Sequence[int]) -> Params:
    """A DummyData's parameters for some of its tops; one value for all tops stays that."""
    message = type(params.message)()
    message.CopyFrom(params.message)
    for name in ("data_filler", "shape", "num", "channels", "height", "width"):
        values = list(getattr(params.message.dummy_data_param, name))
        if len(values) > 1:
            message.dummy_data_param.ClearField(name)
            getattr(message.dummy_data_param, name).extend(values[place] for place in places)
    return Params(message)


def _refuse_random(layer: Layer) -> None:
    fillers = layer.params.fresh().dummy_data_param.data_filler
    for place, top in enumerate(layer.tops):
        kind = fillers[place if len(fillers) > 1 else 0].type if fillers else "constant"
        if kind != "constant":
            raise UnsupportedError(
                what=f'{layer} fills blob "{top.name}" with random numbers ({kind})',
                where=layer.where,
                why="a converted net computes the same numbers each time",
                hint=f"--input-shape {top.name}=N,C,H,W makes it an input",
            )


def _refuse_strangers(
    told: Mapping[str, Shape],
    shapes: Mapping[Key, Shape | None],
    layers: Sequence[Layer],
    source: str,
) -> None:
    inputs = {name for name, _ in shapes}
    produced = {top.name for layer in layers for top in layer.tops}
    for name in told:
        if name not in inputs:
            raise InputError(
                what=f'a shape is given for "{name}", which is no input of this net',
                where=source,
                why="its inputs are " + (", ".join(sorted(inputs)) or "none"),
                hint="" if name in produced else did_you_mean(name, inputs),
            )

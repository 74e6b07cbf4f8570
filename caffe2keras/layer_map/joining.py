"""Concat, Slice and Crop: blobs put together and taken apart along axes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

from caffe2keras.graph.net import Layer
from caffe2keras.layer_map.registry import Operand, Placed, maps
from caffe2keras.layer_map.wiring import cropping
from caffe2keras.layout import image
from caffe2keras.params import Params
from caffe2keras.spec import Call, Fragment, FragmentInput, FragmentOutput, KerasLayer, line

__all__ = ["concat", "crop", "crop_center", "slice_"]


def _axis(x: Operand, param: Params, older: str) -> int:
    """The Caffe axis a parameter names, in its current spelling or the older one."""
    if param.has(older):
        return int(getattr(param, older))
    return x.axis(param.axis)


@maps("Concat", any_batch_axis=True)
def concat(layer: Placed) -> Fragment:
    """Blobs one behind the other along an axis.

    Caffe    axis, or concat_dim
    Keras    Concatenate; nothing at all for a single bottom
    Differs  along axis 0 the batch size is fixed
    """
    x = layer.inputs[0]
    axis = x.keras_axis(_axis(x, layer.params.concat_param, "concat_dim"))
    if len(layer.inputs) == 1:
        return line()
    join = KerasLayer("Concatenate", {"axis": axis})
    return line(join, inputs=len(layer.inputs), ties_batch=axis == 0)


@maps(
    "Slice",
    fixes_size=lambda layer: not layer.params.slice_param.has("slice_point"),
    any_batch_axis=True,
)
def slice_(layer: Placed) -> Fragment:
    """A blob cut into pieces along an axis, at given points or into equal parts.

    Caffe    axis, or slice_dim; slice_point
    Keras    one caffe2keras>Slice for each top; nothing at all for a single top
    Differs  along axis 0 the batch size is fixed
    """
    x, p = layer.inputs[0], layer.params.slice_param
    caffe_axis = _axis(x, p, "slice_dim")
    p.honoured("slice_point")  # the inferred shapes of the tops say it
    if len(layer.outputs) == 1:
        return line()
    axis = x.keras_axis(caffe_axis)
    ends: list[int | None] = [0, *accumulate(shape[caffe_axis] for shape in layer.outputs)]
    if layer.resizable:
        ends[-1] = None  # the last piece has what the points leave over, be it more or less
    pieces = [
        KerasLayer(
            "caffe2keras>Slice", {"axes": [axis], "starts": [a], "stops": [b]}, suffix=f"_{i}"
        )
        for i, (a, b) in enumerate(pairwise(ends))
    ]
    calls = tuple(Call(piece, (FragmentInput(0),)) for piece in pieces)
    outputs = tuple(FragmentOutput(i) for i in range(len(calls)))
    layouts = (x.layout,) * len(calls)
    return Fragment(calls, outputs, layouts, ties_batch=axis == 0)


@maps("Crop", wants="any")
def crop(layer: Placed) -> Fragment:
    """The part of the first bottom that has the second one's size, from an offset on.

    Caffe    axis and all behind it; offset, one for each or one for all
    Keras    Cropping; caffe2keras>Slice where it cannot say which axes are cut;
             caffe2keras>CropLike where the net keeps its freedom of size
    """
    x, p = layer.inputs[0], layer.params.crop_param
    axis, offset = x.axis(p.axis), p.offset
    axes = range(axis, x.rank)
    # crop_layer.cpp: no offset means 0, a single one serves every axis.
    offsets = tuple(offset) * (len(axes) if len(offset) == 1 else 1) or (0,) * len(axes)
    ties_batch = any(x.keras_axis(a) == 0 for a in axes)
    if layer.resizable:
        config = {
            "axes": [x.keras_axis(a) for a in axes],
            "offsets": list(offsets),
            "reference_axes": [layer.inputs[1].keras_axis(a) for a in axes],
        }
        return line(KerasLayer("caffe2keras>CropLike", config), inputs=2, ties_batch=ties_batch)
    out = layer.outputs[0]
    cut = [(a, o, x.shape[a] - o - out[a]) for a, o in zip(axes, offsets, strict=True)]
    # Along the batch even nothing is cut from this size only.
    cut = [(a, *ends) for a, *ends in cut if any(ends) or x.keras_axis(a) == 0]
    return _cut(layer, cut)


def _cut(layer: Placed, cut: Sequence[tuple[int, int, int]]) -> Fragment:
    """So much off the first bottom: (axis, before, behind), axes ascending."""
    x = layer.inputs[0]
    if not cut:
        return line()
    if _can_be_cropped(layer, x) and cut[0][0] >= 2:
        return line(_spatial_cropping(layer, cut))
    return line(_slice(x, cut), ties_batch=any(x.keras_axis(a) == 0 for a, *_ in cut))


def _cuts_more_than_space(layer: Layer) -> bool:
    sizes = layer.params.crop_center_param.crop_size
    return len(sizes) not in (4, 5) or any(sizes[:2])


@maps("CropCenter", wants="image", fixes_size=_cuts_more_than_space)
def crop_center(layer: Placed) -> Fragment:
    """Each axis cut by as much at both ends.

    Caffe    crop_size, one for each axis
    Keras    Cropping; caffe2keras>Slice where it cannot say which axes are cut
    Differs  along axis 0 the batch size is fixed
    Source   crop_center_layer.cpp in lltcggie's fork, which waifu2x uses
    """
    sizes = layer.params.crop_center_param.crop_size
    return _cut(layer, [(axis, size, size) for axis, size in enumerate(sizes) if size])


def _can_be_cropped(layer: Placed, x: Operand) -> bool:
    """Whether the axes stand as Keras's Cropping layers want them."""
    # Cropping1D, unlike its sisters, knows channels_last only.
    formats = ("channels_last",) if x.rank == 3 else ("channels_last", "channels_first")
    if layer.data_format not in formats or not 3 <= x.rank <= 5:
        return False
    return x.layout == image(x.rank, layer.data_format)


def _spatial_cropping(layer: Placed, cut: Sequence[tuple[int, int, int]]) -> KerasLayer:
    amounts = {a: (before, behind) for a, before, behind in cut}
    rank = layer.inputs[0].rank
    every = tuple(amounts.get(a, (0, 0)) for a in range(2, rank))
    main = cropping(every, layer.data_format)
    return KerasLayer(main.class_name, main.config)


def _slice(x: Operand, cut: Sequence[tuple[int, int, int]]) -> KerasLayer:
    config = {
        "axes": [x.keras_axis(a) for a, *_ in cut],
        "starts": [before for _, before, _ in cut],
        "stops": [x.shape[a] - behind for a, _, behind in cut],
    }
    return KerasLayer("caffe2keras>Slice", config)

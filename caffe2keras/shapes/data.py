"""Layers that bring data into the net.

What they read is not here, so only the parameters can tell a shape; where they do not suffice,
the user must (``--input-shape``). Labels are (N,), as in every Caffe since blobs have any number
of axes; before that they were (N, 1, 1, 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from caffe2keras.errors import ShapeError
from caffe2keras.graph.net import Shape
from caffe2keras.params import Params
from caffe2keras.shapes.demands import blobs, demand, unbounded
from caffe2keras.shapes.registry import Inferred, infers

__all__ = [
    "annotated_data",
    "data",
    "dense_image_data",
    "dummy_data",
    "hdf5_data",
    "image_data",
    "input_",
    "memory_data",
    "parameter",
    "window_data",
]


T = TypeVar("T")


@infers("Input")
@blobs(bottoms=0, tops=(1, unbounded))
def input_(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """Shapes as given: one for each top, or one for all."""
    shapes = tuple(shape.dim for shape in params.input_param.shape)
    if not shapes:
        raise _untold(params, 0, "it has no shape")
    return Inferred(_for_each(shapes, tops, "shape"))


@infers("Parameter")
@blobs(bottoms=0)
def parameter(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """A learned array that is the top."""
    shape = params.parameter_param.shape.dim
    return Inferred((shape,), (shape,))


@infers("DummyData")
@blobs(bottoms=0, tops=(1, unbounded))
def dummy_data(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """Shapes as given, or in the old way by num, channels, height and width."""
    p = params.dummy_data_param
    fillers = len(p.data_filler)
    demand(
        fillers in (0, 1, tops),
        f"data_filler is given {fillers} times, it takes one, or one for each of the {tops} tops",
    )
    legacy = [getattr(p, name) for name in ("num", "channels", "height", "width")]
    if not any(legacy):
        shapes = tuple(shape.dim for shape in p.shape)
        return Inferred(_for_each(shapes, tops, "shape"))
    demand(not p.shape, "both shape and num, channels, height, width are given")
    names = ("num", "channels", "height", "width")
    columns = [_for_each(v, tops, name) for v, name in zip(legacy, names, strict=True)]
    return Inferred(tuple(zip(*columns, strict=True)))


@infers("MemoryData")
@blobs(bottoms=0, tops=(1, 2))
def memory_data(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """(N, C, H, W) and labels (N,).

    BVLC's Caffe wants both tops; nets written for forks that do not want labels are let pass.
    """
    p = params.memory_data_param
    shape = (p.batch_size, p.channels, p.height, p.width)
    demand(min(shape) > 0, f"batch_size, channels, height and width are {shape}, all are needed")
    return Inferred((shape, (p.batch_size,))[:tops])


@infers("Data")
@blobs(bottoms=0, tops=(1, 2))
def data(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """(N, C, crop, crop) and labels (N,); the database alone knows a size that is not cropped."""
    size = _size(params.transform_param)
    if size is None:
        raise _untold(params, 0, "its images' size is that of the database, which is not here")
    shape = (params.data_param.batch_size, _channels(params.transform_param), *size)
    return Inferred(_with_labels(shape, tops))


@infers("ImageData")
@blobs(bottoms=0, tops=2)
def image_data(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """(N, C, H, W) and labels (N,); cropped, or else resized to new_height and new_width."""
    p = params.image_data_param
    resized = (p.new_height, p.new_width)
    demand(all(resized) or not any(resized), f"new_height and new_width are {resized}, give both")
    size = _size(params.transform_param) or (resized if all(resized) else None)
    if size is None:
        raise _untold(params, 0, "its images are neither cropped nor resized")
    demand(
        not all(resized) or (size[0] <= resized[0] and size[1] <= resized[1]),
        f"the crop {size} is larger than the images, which are resized to {resized}",
    )
    return Inferred(_with_labels((p.batch_size, 3 if p.is_color else 1, *size), tops))


@infers("AnnotatedData")
@blobs(bottoms=0, tops=(1, 2))
def annotated_data(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """(N, C, H, W) and boxes (1, 1, boxes, 8), at least one (SSD: annotated_data_layer.cpp)."""
    size = _size(params.transform_param)
    if size is None:
        raise _untold(params, 0, "its images are neither cropped nor resized")
    shape = (params.data_param.batch_size, _channels(params.transform_param), *size)
    return Inferred((_with_labels(shape, tops)[0], (1, 1, 1, 8))[:tops])


@infers("DenseImageData")
@blobs(bottoms=0, tops=2)
def dense_image_data(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """(N, C, H, W), a label for each pixel (N, 1, H, W) (SegNet: dense_image_data_layer.cpp)."""
    p = params.dense_image_data_param
    sides = ((p.crop_height, p.crop_width), (p.new_height, p.new_width))
    demand(
        all(all(pair) or not any(pair) for pair in sides),
        f"height and width, of the crop {sides[0]} and anew {sides[1]}, come in pairs",
    )
    size = _size(params.transform_param) or next((pair for pair in sides if all(pair)), None)
    if size is None:
        raise _untold(params, 0, "its images are neither cropped nor resized")
    demand(p.batch_size > 0, "batch_size is missing or zero")
    channels = 3 if p.is_color else 1
    return Inferred(((p.batch_size, channels, *size), (p.batch_size, 1, *size)))


@infers("WindowData")
@blobs(bottoms=0, tops=2)
def window_data(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """(N, C, crop, crop) and labels (N,)."""
    size = _size(params.transform_param)
    demand(size is not None, "crop_size is missing or zero")
    batch = params.window_data_param.batch_size
    return Inferred(_with_labels((batch, _channels(params.transform_param), *(size or ())), tops))


@infers("HDF5Data")
@blobs(bottoms=0, tops=(1, unbounded))
def hdf5_data(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """Unknown: the file alone knows it."""
    raise _untold(params, 0, "its shape is that of the HDF5 file, which is not here")


def _for_each(values: Sequence[T], tops: int, name: str) -> tuple[T, ...]:
    demand(
        len(values) in (1, tops),
        f"{name} is given {len(values)} times, it takes one, or one for each of the {tops} tops",
    )
    return tuple(values) * (tops if len(values) == 1 else 1)


def _with_labels(shape: Shape, tops: int) -> tuple[Shape, ...]:
    demand(shape[0] > 0, "batch_size is missing or zero")
    return (shape, (shape[0],))[:tops]


def _size(p: Params) -> tuple[int, int] | None:
    """What images are cropped to, or else resized to, if either (data_transformer.cpp, SSD's)."""
    h, w = (p.crop_size, p.crop_size) if p.crop_size else (p.crop_h, p.crop_w)
    if not (h and w) and p.resize_param:
        resize = p.resize_param[0]
        if resize.resize_mode != "FIT_SMALL_SIZE":  # this one keeps the image's proportions
            h, w = h or resize.height, w or resize.width
    return (h, w) if h and w else None


def _channels(p: Params) -> int:
    """Colour, unless the parameters say otherwise."""
    if p.force_gray:
        return 1
    return len(p.mean_value) if len(p.mean_value) > 1 else 3


def _untold(params: Params, top: int, why: str) -> ShapeError:
    name = params.top[top] if len(params.top) > top else "BLOB"
    return ShapeError(
        what=f'the shape of "{name}" is unknown',
        why=why,
        hint=f"tell it with --input-shape {name}=N,C,H,W",
    )

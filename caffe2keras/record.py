"""The record that a converted file carries: how to find Caffe's blobs and arrays in it.

A JSON object, in the root attribute ``caffe2keras`` of an HDF5 file, or the member
``caffe2keras.json`` of a ``.keras`` archive. The classes here are its schema.
"""

from __future__ import annotations

import json
import types
import zipfile
from dataclasses import MISSING, dataclass, fields, is_dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import h5py
import numpy as np

from caffe2keras.errors import InputError
from caffe2keras.graph.net import Note, Shape
from caffe2keras.layout import DataFormat, Layout
from caffe2keras.provenance import PluginRecord, PreprocessingRecord, Sources
from caffe2keras.read.archive import ARCHIVE_DAMAGE, weighed_members
from caffe2keras.read.content import Content, content_of, first_bytes
from caffe2keras.read.hdf5 import opened

__all__ = [
    "HDF5_ATTRIBUTE",
    "ZIP_MEMBER",
    "BlobRecord",
    "HeadRecord",
    "InputRecord",
    "Record",
    "TrainingRecord",
    "VariableRecord",
    "read_record",
]

HDF5_ATTRIBUTE = "caffe2keras"
_LONGEST = 256 << 20  # bytes of a record; that of a net of ten thousand layers has ten million
ZIP_MEMBER = "caffe2keras.json"


@dataclass(frozen=True)
class InputRecord:
    """A blob that must be fed.

    Attributes:
        blob: Caffe's name.
        layer: the Keras input layer.
        shape: Caffe's axis order, batch included.
        layout: how the axes stand in Keras.
    """

    blob: str
    layer: str
    shape: Shape
    layout: Layout


@dataclass(frozen=True)
class BlobRecord:
    """A Caffe blob and the Keras tensor that holds it.

    Attributes:
        blob: Caffe's name.
        caffe_layer: the layer that produced it.
        shape: Caffe's axis order, batch included.
        layer: the Keras layer.
        node: which call of that layer.
        tensor: which output of that call.
        layout: how the axes stand in Keras.
        final: whether this is what Caffe holds under the name after a forward pass; what a layer
            in place wrote over, here or through shared memory, is not.
        padded_axis: the axis, Caffe's, along which the length depends on the values in Caffe; the
            Keras tensor is filled up with -1 there. None for all but a few.
        drawn: whether its values are random, anew at each pass, in Caffe and in Keras.
    """

    blob: str
    caffe_layer: str
    shape: Shape
    layer: str
    node: int
    tensor: int
    layout: Layout
    final: bool
    padded_axis: int | None = None
    drawn: bool = False


@dataclass(frozen=True)
class VariableRecord:
    """A Keras variable and the Caffe array it comes from.

    Attributes:
        layer: the Keras layer.
        variable: Keras's name, as ``kernel``.
        caffe_layer: the layer that owns the array.
        index: its place among that layer's blobs.
        lr_mult: Caffe's multiplier of the learning rate.
        decay_mult: Caffe's multiplier of the weight decay.
        param: the name under which layers share the array, or "".
    """

    layer: str
    variable: str
    caffe_layer: str
    index: int
    lr_mult: float
    decay_mult: float
    param: str


@dataclass(frozen=True)
class HeadRecord:
    """One output of a model that is to be trained.

    Attributes:
        prediction: the blob that the output is.
        labels: the blob that Keras takes as ``y``.
        loss: the config of a Keras loss, or None for an output that is only measured.
        loss_blob: the blob that holds the loss's value in Caffe, or "".
        weight: Caffe's ``loss_weight``.
    """

    prediction: str
    labels: str
    loss: Any
    loss_blob: str
    weight: float


@dataclass(frozen=True)
class TrainingRecord:
    """What a model is trained for.

    Attributes:
        heads: one for each output; none where all losses are inside the model.
        compile: what Keras's own files have as ``training_config``.
    """

    heads: tuple[HeadRecord, ...]
    compile: Any


@dataclass(frozen=True)
class Record:
    """The whole record; ``outputs`` are blob names, the rest explains itself in the parts."""

    version: str
    net: str
    data_format: DataFormat
    sources: Sources
    inputs: tuple[InputRecord, ...]
    outputs: tuple[str, ...]
    blobs: tuple[BlobRecord, ...]
    variables: tuple[VariableRecord, ...]
    notes: tuple[Note, ...]
    static_batch: int | None
    resizable: bool
    preprocessing: PreprocessingRecord | None
    solver: Any
    training: TrainingRecord | None = None
    plugins: tuple[PluginRecord, ...] = ()
    dtype: str = "float32"


def read_record(path: str | PathLike[str]) -> Record:
    """The record of a converted file.

    Raises:
        InputError: there is no such file, it is not one of ours, or its record is damaged.
    """
    path = Path(path)
    text = _text(path)
    if text is None:
        raise InputError(
            what=f"{path} carries no record of a conversion",
            why="it was not written by caffe2keras, or Keras has saved it anew since",
            hint="convert the Caffe net again",
        )
    try:
        record: Record = _decode(Record, json.loads(text), "record")
    except (ValueError, RecursionError) as error:  # json.JSONDecodeError is one
        raise InputError(
            what=f"the record of the conversion in {path} is damaged",
            why=str(error),
            hint="convert the Caffe net again",
        ) from error
    return record


def _text(path: Path) -> str | bytes | None:
    content = content_of(first_bytes(path, InputError))
    try:
        if content is Content.HDF5:
            with opened(path, InputError) as file:
                return _attribute(file)
        if content is Content.ZIP:
            with zipfile.ZipFile(path) as archive:
                return _member(archive)
    except (*ARCHIVE_DAMAGE, InputError) as error:
        raise InputError(
            what=f"{path} is damaged",
            why=error.why if isinstance(error, InputError) else str(error),
            hint="convert the Caffe net again",
        ) from error
    raise InputError(
        what=f"{path} is not a Keras model",
        why=f"expected an HDF5 file or a .keras archive, received {content.value}",
    )


def _attribute(file: h5py.File) -> bytes | None:
    """The record in an HDF5 file, whose own word on its size is not enough."""
    name = HDF5_ATTRIBUTE.encode()
    if not h5py.h5a.exists(file.id, name):
        return None
    attribute = h5py.h5a.open(file.id, name)
    kind = attribute.get_type()
    if not isinstance(kind, h5py.h5t.TypeStringID) or kind.is_variable_str() or attribute.shape:
        raise ValueError("its record is no text")
    if kind.get_size() > _LONGEST:
        raise ValueError(f"its record declares {kind.get_size():,} bytes")
    text = np.empty((), attribute.dtype)
    attribute.read(text)
    return text.tobytes().rstrip(b"\0")


def _member(archive: zipfile.ZipFile) -> bytes | None:
    sizes = {member.filename: member.file_size for member in weighed_members(archive)}
    if ZIP_MEMBER not in sizes:
        return None
    if sizes[ZIP_MEMBER] > _LONGEST:
        raise ValueError(f"its record declares {sizes[ZIP_MEMBER]:,} bytes")
    return archive.read(ZIP_MEMBER)


def _decode(kind: Any, value: Any, path: str) -> Any:
    """A JSON value as the annotated type; ValueError names the place that does not fit."""
    origin = get_origin(kind)
    if kind is Any:
        return value
    if kind is Layout:
        return _decode_layout(value, path)
    if is_dataclass(kind):
        return _decode_object(kind, value, path)
    if origin is tuple:
        item = get_args(kind)[0]
        items = _expect(value, list, path)
        return tuple(_decode(item, one, f"{path}[{i}]") for i, one in enumerate(items))
    if origin in (Union, types.UnionType):
        inner = next(one for one in get_args(kind) if one is not types.NoneType)
        return None if value is None else _decode(inner, value, path)
    if kind == DataFormat:
        return _decode_choice(get_args(kind), value, path)
    return (
        float(_expect(value, (int, float), path)) if kind is float else _expect(value, kind, path)
    )


def _decode_object(kind: Any, value: Any, path: str) -> Any:
    known = get_type_hints(kind)
    members = _expect(value, dict, path)
    required = [field.name for field in fields(kind) if field.default is MISSING]
    missing = [name for name in required if name not in members]
    if missing:
        raise ValueError(f"{path} lacks {', '.join(missing)}")
    given = [name for name in known if name in members]
    return kind(**{name: _decode(known[name], members[name], f"{path}.{name}") for name in given})


def _decode_layout(value: Any, path: str) -> Layout:
    permutation = _decode(tuple[int, ...], value, path)
    if sorted(permutation) != list(range(len(permutation))):
        raise ValueError(f"{path}: expected a permutation, received {value!r}")
    return Layout(permutation)


def _decode_choice(choices: tuple[str, ...], value: Any, path: str) -> str:
    if value not in choices:
        raise ValueError(f"{path}: expected one of {', '.join(choices)}, received {value!r}")
    return str(value)


def _expect(value: Any, kind: Any, path: str) -> Any:
    # bool is an int to Python, but not to JSON
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        name = getattr(kind, "__name__", "number")
        raise ValueError(f"{path}: expected {name}, received {value!r:.60}")
    return value

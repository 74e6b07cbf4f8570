"""KerasModel → HDF5, written with h5py alone.

The file is what ``model.save("x.h5")`` of Keras 2.3 writes, in every point that a reader looks at:

* root attributes ``keras_version``, ``backend``, ``model_config``, and ``training_config`` where
  the model is to be trained;
* a group ``model_weights`` with attributes ``layer_names``, ``backend``, ``keras_version``;
* a group for each layer with the attribute ``weight_names``, and each variable's data set at
  ``<layer>/<layer>/<variable>:0``;

and one root attribute of ours, ``caffe2keras``. Strings have a fixed length, there are no dates,
and keys are sorted: the same net gives the same bytes. The format is that of HDF5 1.8, the oldest
that stores attributes beyond 64 KB.

HDF5 lays the file out first, with room for every array; the numbers are then streamed into
their places, past the library, from views of the mapped weights file.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from caffe2keras.emit.atomic import replacing
from caffe2keras.emit.config import model_config, to_json
from caffe2keras.emit.content import Content, opened_for_hdf5
from caffe2keras.emit.order import layers_in_keras_order
from caffe2keras.emit.storage import STORAGES, DType, Storage
from caffe2keras.emit.stream import Placement, Progress, silent, write_arrays
from caffe2keras.emit.training import training_config
from caffe2keras.errors import EmitError
from caffe2keras.spec import KerasModel, NamedLayer, Variable

__all__ = ["write_hdf5"]

# Keras 2.3 on Theano would flip the kernels of a file that calls itself Theano's.
_BACKEND = b"tensorflow"
_KERAS_VERSION = b"2.3.1"

# Keras splits an attribute array above this many bytes into name0, name1, ...
_ATTRIBUTE_BYTES = 64512


def write_hdf5(
    model: KerasModel,
    record: Callable[[], Mapping[str, Any]],
    target: Path,
    progress: Progress = silent,
    dtype: DType = "float32",
) -> None:
    """Write the model; the target appears whole or not at all.

    Args:
        model: the Keras graph as data.
        record: makes what ``record_of`` answers. It is asked last, so that the source files can
            be hashed while the numbers are written.
        target: the file; an existing one is replaced.
        progress: called with how many bytes of the numbers are written, of how many.
        dtype: how the numbers are kept; they are loaded as float32 all the same.

    Raises:
        EmitError: the disk said no, or a number is too large to be kept so.
    """
    storage = STORAGES[dtype]
    if np.isfinite(storage.limit):
        _refuse_too_large(model, storage)
    with (
        replacing(target) as scratch,
        opened_for_hdf5(scratch) as content,
        _created(content) as file,
    ):
        placements = _lay_out(model, file, storage)
        file.flush()
        write_arrays(content.handle, placements, progress)
        file.attrs["caffe2keras"] = np.bytes_(to_json(record()))


def _created(content: Content) -> h5py.File:
    """A new file that keeps no times; h5py itself cannot ask this of the root group.

    It is given an open file, because HDF5 itself opens none that has no name yet.
    """
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_libver_bounds(h5py.h5f.LIBVER_V18, h5py.h5f.LIBVER_V18)
    access.set_fclose_degree(h5py.h5f.CLOSE_STRONG)
    access.set_fileobj_driver(h5py.h5fd.fileobj_driver, content)
    flags = h5py.h5f.ACC_TRUNC
    return h5py.File(h5py.h5f.create(b"model", flags, _timeless("FILE_CREATE"), access))


def _timeless(kind: str) -> Any:
    """Creation properties of this kind of object, without its times."""
    plist = h5py.h5p.create(getattr(h5py.h5p, kind))
    plist.set_obj_track_times(False)
    return plist


def _make_group(parent: h5py.Group, name: str) -> h5py.Group:
    gcpl = _timeless("GROUP_CREATE")
    return h5py.Group(h5py.h5g.create(parent.id, name.encode(), gcpl=gcpl))


def _refuse_too_large(model: KerasModel, storage: Storage) -> None:
    for named in model.layers:
        for variable in named.layer.variables:
            finite = variable.view[np.isfinite(variable.view)]
            largest = float(np.abs(finite).max(initial=0.0))
            if largest > storage.limit:
                raise EmitError(
                    what=f'"{variable.name}" of layer "{named.name}" reaches {largest:g}',
                    why=f"{storage.dtype} ends at {storage.limit:g}",
                    hint="--dtype bfloat16 reaches as far as float32",
                )


def _lay_out(model: KerasModel, file: h5py.File, storage: Storage) -> list[Placement]:
    """Everything but the numbers and the record; where the numbers belong is the answer."""
    file.attrs["keras_version"] = np.bytes_(_KERAS_VERSION)
    file.attrs["backend"] = np.bytes_(_BACKEND)
    file.attrs["model_config"] = np.bytes_(to_json(model_config(model)))
    if model.heads is not None:
        file.attrs["training_config"] = np.bytes_(to_json(training_config(model)))
    weights = _make_group(file, "model_weights")
    weights.attrs["backend"] = np.bytes_(_BACKEND)
    weights.attrs["keras_version"] = np.bytes_(_KERAS_VERSION)
    layers = layers_in_keras_order(model)
    _write_names(weights, "layer_names", [named.name for named in layers])
    placements: list[Placement] = []
    for named in layers:
        placements += _lay_out_layer(_make_group(weights, named.name), named, storage)
    return placements


def _lay_out_layer(group: h5py.Group, named: NamedLayer, storage: Storage) -> list[Placement]:
    variables = named.layer.variables
    names = [f"{variable.name}:0" for variable in variables]
    _write_names(group, "weight_names", [f"{named.name}/{name}" for name in names])
    inner = _make_group(group, named.name) if variables else group
    return [
        Placement(_make_room(inner, name, variable, storage), variable.view, storage)
        for name, variable in zip(names, variables, strict=True)
        if variable.view.size
    ]


def _make_room(group: h5py.Group, name: str, variable: Variable, storage: Storage) -> int:
    """Create the data set with its storage but without numbers; its place in the file."""
    if variable.view.size != math.prod(variable.shape):
        raise ValueError(f"{name}: {variable.view.shape} does not fill {variable.shape}")
    dcpl = _timeless("DATASET_CREATE")
    dcpl.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    dcpl.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    # HDF5 calls the space without axes a scalar's.
    shape = variable.shape
    space = h5py.h5s.create_simple(shape) if shape else h5py.h5s.create(h5py.h5s.SCALAR)
    dataset = h5py.h5d.create(group.id, name.encode(), storage.hdf5_type(), space, dcpl=dcpl)
    return int(dataset.get_offset())


def _write_names(group: h5py.Group, key: str, names: Sequence[str]) -> None:
    encoded = np.array([name.encode() for name in names], dtype=np.bytes_)
    if not names:
        encoded = np.array([], dtype="S1")
    parts = 1
    while (
        max((part.nbytes for part in np.array_split(encoded, parts)), default=0) > _ATTRIBUTE_BYTES
    ):
        parts += 1
    if parts == 1:
        group.attrs[key] = encoded
        return
    for i, part in enumerate(np.array_split(encoded, parts)):
        group.attrs[f"{key}{i}"] = part

"""KerasModel → HDF5, written with h5py alone.

The file is what ``model.save("x.h5")`` of Keras 2.3 writes, in every point that a reader looks at:

* root attributes ``keras_version``, ``backend``, ``model_config``;
* a group ``model_weights`` with attributes ``layer_names``, ``backend``, ``keras_version``;
* a group for each layer with the attribute ``weight_names``, and each variable's data set at
  ``<layer>/<layer>/<variable>:0``;

and one root attribute of ours, ``caffe2keras``. Strings have a fixed length, there are no dates,
and keys are sorted: the same net gives the same bytes.

HDF5 lays the file out first, with room for every array; the numbers are then streamed into
their places, past the library, from views of the mapped weights file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from caffe2keras.emit.atomic import replacing
from caffe2keras.emit.config import model_config, to_json
from caffe2keras.emit.order import layers_in_keras_order
from caffe2keras.emit.stream import Placement, Progress, silent, write_arrays
from caffe2keras.spec import KerasModel, NamedLayer, Variable

__all__ = ["write_hdf5"]

# Keras 2.3 on Theano would flip the kernels of a file that calls itself Theano's.
_BACKEND = b"tensorflow"
_KERAS_VERSION = b"2.3.1"

# Keras splits an attribute array above this many bytes into name0, name1, ...
_ATTRIBUTE_BYTES = 64512

# This version of the format stores attributes beyond 64 KB.
_LIBVER = ("v108", "v108")


def write_hdf5(
    model: KerasModel,
    record: Callable[[], Mapping[str, Any]],
    target: Path,
    progress: Progress = silent,
) -> None:
    """Write the model; the target appears whole or not at all.

    Args:
        model: the Keras graph as data.
        record: makes what ``record_of`` answers. It is asked last, so that the source files can
            be hashed while the numbers are written.
        target: the file; an existing one is replaced.
        progress: called with how many bytes of the numbers are written, of how many.

    Raises:
        EmitError: the disk said no.
    """
    with replacing(target) as scratch, h5py.File(scratch, "w", libver=_LIBVER) as file:
        placements = _lay_out(model, file)
        file.flush()
        handle = os.open(scratch, os.O_RDWR)
        try:
            write_arrays(handle, placements, progress)
        finally:
            os.close(handle)
        file.attrs["caffe2keras"] = np.bytes_(to_json(record()))


def _lay_out(model: KerasModel, file: h5py.File) -> list[Placement]:
    """Everything but the numbers and the record; where the numbers belong is the answer."""
    file.attrs["keras_version"] = np.bytes_(_KERAS_VERSION)
    file.attrs["backend"] = np.bytes_(_BACKEND)
    file.attrs["model_config"] = np.bytes_(to_json(model_config(model)))
    weights = file.create_group("model_weights")
    weights.attrs["backend"] = np.bytes_(_BACKEND)
    weights.attrs["keras_version"] = np.bytes_(_KERAS_VERSION)
    layers = layers_in_keras_order(model)
    _write_names(weights, "layer_names", [named.name for named in layers])
    placements: list[Placement] = []
    for named in layers:
        placements += _lay_out_layer(weights.create_group(named.name), named)
    return placements


def _lay_out_layer(group: h5py.Group, named: NamedLayer) -> list[Placement]:
    names = [f"{named.name}/{variable.name}:0" for variable in named.layer.variables]
    _write_names(group, "weight_names", names)
    return [
        Placement(_make_room(group, name, variable), variable.view)
        for name, variable in zip(names, named.layer.variables, strict=True)
        if variable.view.size
    ]


def _make_room(group: h5py.Group, name: str, variable: Variable) -> int:
    """Create the data set with its storage but without numbers; its place in the file."""
    if variable.view.size != int(np.prod(variable.shape, dtype=np.int64)):
        raise ValueError(f"{name}: {variable.view.shape} does not fill {variable.shape}")
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    plist.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    plist.set_obj_track_times(False)
    links = h5py.h5p.create(h5py.h5p.LINK_CREATE)
    links.set_create_intermediate_group(True)
    space = (
        h5py.h5s.create_simple(variable.shape)
        if variable.shape
        else h5py.h5s.create(h5py.h5s.SCALAR)
    )
    dataset = h5py.h5d.create(
        group.id, name.encode(), h5py.h5t.IEEE_F32LE, space, dcpl=plist, lcpl=links
    )
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

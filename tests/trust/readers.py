"""Everything that reads files of strangers, each as a function of a file's bytes.

A reader answers or raises one of our own errors; anything else is a fault of ours. The tests and
``scripts/fuzz`` feed them.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from caffe2keras.batch.manifest import read_manifest
from caffe2keras.errors import Caffe2KerasError
from caffe2keras.graph.build import build_net
from caffe2keras.layer_map import map_net
from caffe2keras.predict.labels import read_labels
from caffe2keras.preprocessing.means import read_mean
from caffe2keras.read.blobs import read_blobs
from caffe2keras.read.caffemodel import read_weights
from caffe2keras.read.prototxt import read_net
from caffe2keras.read.solver import read_solver, read_solverstate
from caffe2keras.record import read_record
from caffe2keras.train.plan import plan_of
from caffe2keras.upgrade import upgrade

__all__ = ["READERS", "Reader", "survives"]


@dataclass(frozen=True)
class Reader:
    """One way of reading a file.

    Attributes:
        name: what ``scripts/fuzz`` calls it.
        ending: of the files, where the reader looks at it.
        read: reads such a file as far as it goes.
        wrap: makes a file of bytes that are meant for its inside.
    """

    name: str
    ending: str
    read: Callable[[Path], object]
    wrap: Callable[[bytes], bytes] = lambda data: data


def survives(reader: Reader, data: bytes, folder: Path) -> str:
    """Read these bytes; the kind of our error, or "" where they are read."""
    path = folder / f"fuzzed{reader.ending}"
    path.write_bytes(reader.wrap(data))
    try:
        reader.read(path)
    except Caffe2KerasError as error:
        str(error)
        return type(error).__name__
    return ""


def _weights(path: Path) -> None:
    for layer in read_weights(path).layers:
        for blob in layer.blobs:
            if blob is not None and not blob.problem and blob.held < 1 << 20:
                blob.array().tobytes()


def _map(path: Path) -> None:
    net = build_net(upgrade(read_net(path), str(path)), source=str(path))
    if not any(layer.weights for layer in net.layers):
        map_net(net, "channels_last")


def _solver(path: Path) -> None:
    plan_of(read_solver(path), str(path)).render()


def _in_npz(data: bytes) -> bytes:
    """The bytes, if they are no archive, as an array in one: checksums let no fuzzer get inside."""
    if data.startswith(b"PK"):
        return data
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("output/conv.npy", data)
    return archive.getvalue()


def _in_keras(data: bytes) -> bytes:
    if data.startswith((b"PK", b"\x89HDF")):
        return data
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("caffe2keras.json", data)
    return archive.getvalue()


READERS = {
    reader.name: reader
    for reader in (
        Reader("prototxt", ".prototxt", lambda path: upgrade(read_net(path), str(path))),
        Reader("net", ".prototxt", _map),
        Reader("caffemodel", ".caffemodel", _weights),
        Reader("weights-hdf5", ".caffemodel.h5", _weights),
        Reader("npz", ".npz", read_blobs, _in_npz),
        Reader("npy", ".npy", read_blobs),
        Reader("binaryproto", ".binaryproto", read_mean),
        Reader("blobs-hdf5", ".h5", read_blobs),
        Reader("solver", ".prototxt", _solver),
        Reader("solverstate", ".solverstate", read_solverstate),
        Reader("manifest-toml", ".toml", lambda path: read_manifest(str(path))),
        Reader("manifest-json", ".json", lambda path: read_manifest(str(path))),
        Reader("manifest-yaml", ".yaml", lambda path: read_manifest(str(path))),
        Reader("labels", ".txt", read_labels),
        Reader("record", ".h5", read_record, _in_keras),
    )
}

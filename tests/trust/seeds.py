"""Files for a fuzzer to begin with, small ones, made from the repository's own."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import h5py
import numpy as np

from caffe2keras import convert
from caffe2keras.proto import caffe_pb2
from caffe2keras.read.prototxt import read_net
from caffe2keras.record import HDF5_ATTRIBUTE

__all__ = ["kept_of", "seeds_of"]

REPOSITORY = Path(__file__).parents[2]
_CORPUS = REPOSITORY / "tests" / "fixtures" / "fuzz-corpus"
_LAYERS = REPOSITORY / "tests" / "fixtures" / "layers"
_DIGITS = REPOSITORY / "examples" / "digits"
_SMALL = 4096  # bytes: what is found in a large file is found in a small one, and sooner


def seeds_of(reader: str, scratch: Path) -> Iterator[bytes]:
    """Files that the reader of this name takes; ``scratch`` is a folder to work in."""
    return _SEEDS[reader](scratch)


def kept_of(reader: str) -> Iterator[bytes]:
    """What long runs of the fuzzer have found to reach code that nothing before it has reached."""
    with zipfile.ZipFile(_CORPUS / f"{reader}.zip") as archive:
        for name in archive.namelist():
            yield archive.read(name)


def _small(paths: Iterable[Path]) -> Iterator[bytes]:
    for path in sorted(paths):
        if path.stat().st_size <= _SMALL:
            yield path.read_bytes()


def _nets(scratch: Path) -> Iterator[bytes]:
    yield from _small(_LAYERS.glob("*-00[0-2]/net.prototxt"))
    yield _net_without_weights()


def _net_without_weights() -> bytes:
    net = read_net(_DIGITS / "deploy.prototxt")
    return net.SerializeToString()


def _caffemodels(scratch: Path) -> Iterator[bytes]:
    yield from _small(_LAYERS.glob("*/net.caffemodel"))
    yield _halves()


def _halves() -> bytes:
    """A caffemodel as NVCaffe wrote them: the numbers as raw float16, behind an odd shape."""
    net = caffe_pb2.NetParameter(name="halves")
    blob = net.layer.add(name="fc", type="InnerProduct").blobs.add()
    blob.shape.dim.extend([3, 5])
    raw = np.arange(15, dtype=np.float16).tobytes()
    unknown = bytes([10 << 3, 2, 12 << 3 | 2, len(raw)]) + raw  # raw_data_type, raw_data
    blob.MergeFromString(unknown)
    return net.SerializeToString()


def _hdf5_weights(scratch: Path) -> Iterator[bytes]:
    for options in ({}, {"chunks": True, "compression": "gzip"}):
        with h5py.File(scratch / "weights.h5", "w") as file:
            data = file.create_group("data")
            for name in ("conv/3x3", "fc"):
                data.create_dataset(f"{name}/0", data=np.ones((3, 5), "f4"), **options)
                data.create_dataset(f"{name}/1", data=np.ones(3, "f8"))
            file.create_group("diff")
        yield (scratch / "weights.h5").read_bytes()


def _hdf5_blobs(scratch: Path) -> Iterator[bytes]:
    with h5py.File(scratch / "blobs.h5", "w") as file:
        file["input/data"] = np.ones((2, 3, 4), "f4")
        file.create_dataset("output/conv", data=np.ones((5, 7)), compression="gzip")
    yield (scratch / "blobs.h5").read_bytes()


def _npz(scratch: Path) -> Iterator[bytes]:
    yield from _npy(scratch)
    for save in (np.savez, np.savez_compressed):
        archive = io.BytesIO()
        save(archive, **{"input/data": np.ones((2, 3), "f4"), "output/conv": np.ones((7, 5))})
        yield archive.getvalue()


def _npy(scratch: Path) -> Iterator[bytes]:
    for array in (np.ones((2, 3), "f4"), np.ones((5, 1, 7), "<i8").T, np.float32(3), np.ones(0)):
        file = io.BytesIO()
        np.save(file, array)
        yield file.getvalue()


def _binaryprotos(scratch: Path) -> Iterator[bytes]:
    legacy = caffe_pb2.BlobProto(num=1, channels=3, height=2, width=4, data=range(24))
    shaped = caffe_pb2.BlobProto(double_data=range(3), shape=caffe_pb2.BlobShape(dim=[3]))
    yield from (legacy.SerializeToString(), shaped.SerializeToString())


def _solvers(scratch: Path) -> Iterator[bytes]:
    yield from _small(REPOSITORY.glob("tests/fixtures/training/*.solver.prototxt"))
    yield (_DIGITS / "solver.prototxt").read_bytes()
    yield b'train_net: "a" lr_policy: "multistep" gamma: 0.1 stepvalue: [3, 5]\nsolver_type: ADAM'


def _solverstates(scratch: Path) -> Iterator[bytes]:
    state = caffe_pb2.SolverState(iter=7, learned_net="net.caffemodel", current_step=2)
    state.history.add(data=range(6)).shape.dim.extend([2, 3])
    state.history.add(num=1, channels=1, height=1, width=3, double_data=range(3))
    yield state.SerializeToString()
    with h5py.File(scratch / "state.h5", "w") as file:
        file["iter"], file["learned_net"] = np.array([7]), np.bytes_("net.caffemodel.h5")
        file["history/0"], file["history/1"] = np.ones((2, 3), "f4"), np.ones(3, "f4")
    yield (scratch / "state.h5").read_bytes()


_NET = {
    "prototxt": "a/deploy.prototxt",
    "weights": "a/net.caffemodel",
    "input_shapes": {"data": [1, 3, 5, 7]},
    "data_format": "channels_first",
    "rtol": 1e-3,
    "outputs": ["conv"],
    "preprocessing": {"mean": [104, 117, 123], "channel_order": "rgb"},
}


def _json_manifests(scratch: Path) -> Iterator[bytes]:
    yield json.dumps({"defaults": {"oracle": True}, "nets": [_NET, {**_NET, "name": "b"}]}).encode()


def _toml_manifests(scratch: Path) -> Iterator[bytes]:
    lines = [f"{key} = {json.dumps(value)}" for key, value in _NET.items()][:2]
    lines += ["input_shapes = { data = [1, 3] }", 'blobs = "b.npz"', "fold = true", "seed = 3"]
    yield ("[defaults]\noracle = true\n[[nets]]\n" + "\n".join(lines)).encode()


def _yaml_manifests(scratch: Path) -> Iterator[bytes]:
    yield from _json_manifests(scratch)
    yield b"defaults: &all\n  oracle: yes\nnets:\n- {prototxt: a, name: b}\n- prototxt: b\n"


def _labels(scratch: Path) -> Iterator[bytes]:
    yield "n01440764 tench, Tinca tinca\nHändler\n\nlast".encode()


def _records(scratch: Path) -> Iterator[bytes]:
    convert(_DIGITS / "deploy.prototxt", _DIGITS / "digits.caffemodel", scratch / "digits.h5")
    with h5py.File(scratch / "digits.h5") as file:
        text = bytes(file.attrs[HDF5_ATTRIBUTE])
    yield text
    with h5py.File(scratch / "small.h5", "w") as file:
        file.attrs[HDF5_ATTRIBUTE] = np.bytes_(text)
    yield (scratch / "small.h5").read_bytes()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("caffe2keras.json", text)
    yield archive.getvalue()


_SEEDS: Mapping[str, Callable[[Path], Iterator[bytes]]] = {
    "prototxt": _nets,
    "net": _nets,
    "caffemodel": _caffemodels,
    "weights-hdf5": _hdf5_weights,
    "npz": _npz,
    "npy": _npy,
    "binaryproto": _binaryprotos,
    "blobs-hdf5": _hdf5_blobs,
    "solver": _solvers,
    "solverstate": _solverstates,
    "manifest-toml": _toml_manifests,
    "manifest-json": _json_manifests,
    "manifest-yaml": _yaml_manifests,
    "labels": _labels,
    "record": _records,
}

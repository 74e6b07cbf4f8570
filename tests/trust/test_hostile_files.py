"""Files that reach out of themselves, lie about their size, or would run code."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from caffe2keras import convert, load_model
from caffe2keras.errors import Caffe2KerasError, InputError
from caffe2keras.read.blobs import read_blobs
from caffe2keras.read.caffemodel import fingerprint, read_weights
from caffe2keras.read.keras_file import refuse_traps
from caffe2keras.read.prototxt import read_net
from caffe2keras.read.solver import read_solver, read_solverstate
from caffe2keras.record import read_record

Run = Callable[..., tuple[int, str]]

VAST = 1 << 40


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a converted net, and what a hostile file would like to read."""
    folder = tmp_path_factory.mktemp("sound")
    digits = Path(__file__).parents[2] / "examples" / "digits"
    convert(digits / "deploy.prototxt", digits / "digits.caffemodel", folder / "net.h5")
    (folder / "secret").write_bytes(b"\0" * 4096)
    with h5py.File(folder / "other.h5", "w") as file:
        file["x"] = np.ones(12, "f4")
    return folder


# What may stand in the place of a dataset of a dozen numbers.


def soft_link(group: h5py.Group, name: str, elsewhere: Path) -> None:
    group[name] = h5py.SoftLink("/data")


def dangling_link(group: h5py.Group, name: str, elsewhere: Path) -> None:
    group[name] = h5py.SoftLink("/nowhere")


def external_link(group: h5py.Group, name: str, elsewhere: Path) -> None:
    group[name] = h5py.ExternalLink(str(elsewhere / "other.h5"), "/x")


def external_storage(group: h5py.Group, name: str, elsewhere: Path) -> None:
    stored = [(str(elsewhere / "secret"), 0, 48)]
    group.create_dataset(name, (12,), "f4", external=stored)


def virtual_dataset(group: h5py.Group, name: str, elsewhere: Path) -> None:
    layout = h5py.VirtualLayout((12,), "f4")
    layout[...] = h5py.VirtualSource(str(elsewhere / "other.h5"), "x", (12,))
    group.create_virtual_dataset(name, layout)


def declared_terabytes(group: h5py.Group, name: str, elsewhere: Path) -> None:
    group.create_dataset(name, (VAST,), "f4", chunks=(1 << 20,), compression="gzip")


def object_reference(group: h5py.Group, name: str, elsewhere: Path) -> None:
    group[name] = group.ref


def region_reference(group: h5py.Group, name: str, elsewhere: Path) -> None:
    group["pointed at"] = np.ones(3)
    group[name] = group["pointed at"].regionref[:2]


TRAPS = [
    soft_link,
    dangling_link,
    external_link,
    external_storage,
    virtual_dataset,
    declared_terabytes,
]
NO_NUMBERS = [object_reference, region_reference]
Trap = Callable[[h5py.Group, str, Path], None]


@pytest.mark.parametrize("trap", TRAPS + NO_NUMBERS)
def test_hdf5_weights_follow_nothing(tmp_path: Path, sound: Path, trap: Trap) -> None:
    with h5py.File(tmp_path / "net.caffemodel.h5", "w") as file:
        trap(file.create_group("data/conv"), "0", sound)
    with pytest.raises(InputError):
        for layer in read_weights(tmp_path / "net.caffemodel.h5").layers:
            for blob in layer.blobs:
                assert blob is not None
                blob.array()


@pytest.mark.parametrize("trap", TRAPS + NO_NUMBERS)
def test_hdf5_blobs_follow_nothing(tmp_path: Path, sound: Path, trap: Trap) -> None:
    with h5py.File(tmp_path / "blobs.h5", "w") as file:
        trap(file.create_group("output"), "conv", sound)
    with pytest.raises(InputError):
        read_blobs(tmp_path / "blobs.h5")


@pytest.mark.parametrize("trap", TRAPS + NO_NUMBERS)
def test_solver_states_follow_nothing(tmp_path: Path, sound: Path, trap: Trap) -> None:
    for place in ("history/0", "iter"):
        with h5py.File(tmp_path / "x.solverstate.h5", "w") as file:
            file.create_group("history")
            file["iter"] = np.array([3])
            group, _, name = place.rpartition("/")
            if name in file:
                del file[name]
            trap(file[group] if group else file, name, sound)
        with pytest.raises(InputError):
            read_solverstate(tmp_path / "x.solverstate.h5")


@pytest.mark.parametrize("trap", TRAPS)
@pytest.mark.parametrize("place", ["model_weights/conv1/conv1", "/"])
def test_models_follow_nothing(tmp_path: Path, sound: Path, trap: Trap, place: str) -> None:
    model = shutil.copy(sound / "net.h5", tmp_path)
    with h5py.File(model, "r+") as file:
        trap(file[place], "more", sound)
    with pytest.raises(InputError):
        load_model(model)


@pytest.mark.parametrize("trap", TRAPS)
def test_archives_follow_nothing_either(tmp_path: Path, sound: Path, trap: Trap) -> None:
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        trap(file.create_group("layers"), "0", sound)
    with zipfile.ZipFile(tmp_path / "net.keras", "w") as archive:
        archive.write(tmp_path / "weights.h5", "model.weights.h5")
    with pytest.raises(InputError):
        refuse_traps(tmp_path / "net.keras")


def test_groups_that_hold_themselves_end(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "net.caffemodel.h5", "w") as file:
        data = file.create_group("data")
        data["again"] = data
        data["conv/0"] = np.ones((3, 2), "f4")
        data["conv/back"] = data
    assert [layer.name for layer in read_weights(tmp_path / "net.caffemodel.h5").layers] == ["conv"]


def test_a_superblock_that_names_a_driver_is_refused(tmp_path: Path) -> None:
    # HDF5 itself allocates a gigabyte for this one; found by fuzzing.
    with h5py.File(tmp_path / "net.caffemodel.h5", "w") as file:
        file["data/conv/0"] = np.ones((3, 2), "f4")
    data = bytearray((tmp_path / "net.caffemodel.h5").read_bytes())
    assert data[8] == 0
    data[48:56] = (0x1BF0).to_bytes(8, "little")
    (tmp_path / "net.caffemodel.h5").write_bytes(data)
    with pytest.raises(InputError, match="superblock"):
        try:
            read_weights(tmp_path / "net.caffemodel.h5")
        except InputError as error:
            raise InputError(what=error.why) from error


class Exploit:
    """An object whose pickle makes a folder when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def test_pickles_are_never_loaded(tmp_path: Path) -> None:
    opened = tmp_path / "opened"
    array = np.array([Exploit(opened)], dtype=object)
    np.save(tmp_path / "x.npy", array, allow_pickle=True)
    np.savez(tmp_path / "x.npz", conv=array)
    (tmp_path / "bare.npz").write_bytes(pickle.dumps(Exploit(opened)))
    with zipfile.ZipFile(tmp_path / "inside.npz", "w") as archive:
        archive.writestr("conv.npy", pickle.dumps(Exploit(opened)))
    for name in ("x.npy", "x.npz", "bare.npz", "inside.npz"):
        with pytest.raises(InputError):
            read_blobs(tmp_path / name)
    assert not opened.exists()


@pytest.mark.parametrize("megabytes", [300, 3000])
def test_zip_bombs_are_not_unpacked(tmp_path: Path, megabytes: int) -> None:
    header = io.BytesIO()
    count = megabytes << 18
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f4", "fortran_order": False, "shape": (count,)}
    )
    for name in ("blobs.npz", "net.keras"):
        with (
            zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
            archive.open("conv.npy", "w", force_zip64=True) as member,
        ):
            member.write(header.getvalue())
            for _ in range(megabytes if megabytes < 1000 else 300):
                member.write(bytes(1 << 20))
    with pytest.raises(InputError, match=r"stores|declares"):
        _with_reason(lambda: read_blobs(tmp_path / "blobs.npz"))
    for read in (refuse_traps, read_record):
        with pytest.raises(InputError, match=r"stores|declares"):
            _with_reason(lambda read=read: read(tmp_path / "net.keras"))


def _with_reason(read: Callable[[], object]) -> None:
    try:
        read()
    except Caffe2KerasError as error:
        raise InputError(what=error.why or error.what) from error


def test_an_archive_unpacks_nothing_outside(tmp_path: Path) -> None:
    for name in ("../outside.txt", "/absolute.txt"):
        with zipfile.ZipFile(tmp_path / "net.keras", "w") as archive:
            archive.writestr(name, "x")
        with pytest.raises(InputError):
            refuse_traps(tmp_path / "net.keras")


def test_a_config_that_nests_deeper_than_python_goes_is_refused(tmp_path: Path) -> None:
    config = b'{"config":' * 30_000 + b"{}" + b"}" * 30_000
    with h5py.File(tmp_path / "net.h5", "w") as file:
        file.attrs["model_config"] = np.bytes_(config[:60_000])  # an attribute's most
    with zipfile.ZipFile(tmp_path / "net.keras", "w") as archive:
        archive.writestr("config.json", config)
    for name in ("net.h5", "net.keras"):
        with pytest.raises(InputError, match="nests too deep"):
            _with_reason(lambda name=name: refuse_traps(tmp_path / name))


def test_an_archive_with_two_members_of_one_name_is_refused(tmp_path: Path) -> None:
    with (
        zipfile.ZipFile(tmp_path / "net.keras", "w") as archive,
        pytest.warns(UserWarning, match="Duplicate"),
    ):
        archive.writestr("config.json", "{}")
        archive.writestr("config.json", "[]")
    with pytest.raises(InputError):
        refuse_traps(tmp_path / "net.keras")


def _lambda(layer: dict[str, Any]) -> None:
    layer["class_name"] = "Lambda"
    code = {"class_name": "__lambda__", "config": {"code": "4wEA", "defaults": None}}
    layer["config"] = {"name": layer["name"], "function": code}


def _system(layer: dict[str, Any]) -> None:
    layer.update(class_name="system", module="os", registered_name=None)
    layer["config"] = {"command": "mkdir opened"}


def _vast(layer: dict[str, Any]) -> None:
    layer["config"]["filters"] = VAST


def _circle(layer: dict[str, Any]) -> None:
    layer["inbound_nodes"] = [[[layer["name"], 0, 0, {}]]]


@pytest.mark.backend
@pytest.mark.parametrize("change", [_lambda, _system, _vast, _circle])
def test_a_model_keeps_to_safe_mode(
    tmp_path: Path,
    sound: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[dict[str, Any]], None],
) -> None:
    monkeypatch.chdir(tmp_path)
    model = shutil.copy(sound / "net.h5", tmp_path)
    with h5py.File(model, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        change(next(one for one in config["config"]["layers"] if one["name"] == "conv1"))
        file.attrs["model_config"] = np.bytes_(json.dumps(config))
    with pytest.raises(InputError, match="Keras cannot load"):
        load_model(model)
    assert not (tmp_path / "opened").exists()


@pytest.mark.backend
@pytest.mark.parametrize("config", [b"[" * 50_000, b"{}", b"\xff", b"null"])
def test_a_config_that_is_none_is_one_error(tmp_path: Path, sound: Path, config: bytes) -> None:
    model = shutil.copy(sound / "net.h5", tmp_path)
    with h5py.File(model, "r+") as file:
        file.attrs["model_config"] = np.bytes_(config)
    with pytest.raises(InputError):
        load_model(model)


@pytest.mark.parametrize("text", [b"[" * 100_000, b"{}", b"\xff\xfe", b"1" * 5000, b'"\\ud800"'])
def test_a_record_that_is_none_is_one_error(tmp_path: Path, text: bytes) -> None:
    with zipfile.ZipFile(tmp_path / "net.keras", "w") as archive:
        archive.writestr("caffe2keras.json", text)
    with pytest.raises(InputError):
        read_record(tmp_path / "net.keras")


READERS = [read_net, read_weights, read_blobs, read_solver, read_solverstate, read_record]
Read = Callable[[Path], object]


@pytest.mark.parametrize("read", [*READERS, fingerprint])
def test_pipes_and_devices_are_not_waited_for(tmp_path: Path, read: Read) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(InputError, match="pipe or a device"):
            read(path)


@pytest.mark.parametrize("read", READERS)
def test_symlinks_in_a_circle_are_one_error(tmp_path: Path, read: Read) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(InputError, match="symbolic link"):
        read(tmp_path / "a")


@pytest.mark.parametrize("read", READERS)
def test_a_path_that_can_be_none_is_one_error(read: Read) -> None:
    for path in ("a\0b", "x" * 5000):
        with pytest.raises(InputError):
            read(Path(path))


def test_a_text_of_gigabytes_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "net.prototxt").open("wb") as file:
        file.write(b"# a net\n" * 1000)
        file.truncate(3 << 30)  # takes no room on the disk
    for read in (read_net, read_solver):
        with pytest.raises(InputError, match="far more"):
            read(tmp_path / "net.prototxt")


def test_a_link_in_the_targets_place_is_replaced_and_not_followed(
    tmp_path: Path, lopsided: Path
) -> None:
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "net.h5").symlink_to("precious")
    convert(lopsided, output=tmp_path / "net.h5")
    assert (tmp_path / "precious").read_text() == "precious"
    assert not (tmp_path / "net.h5").is_symlink()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.json", "[" * 100_000),
        ("x.json", '{"nets": ' + "1" * 5000 + "}"),
        ("x.toml", "x = " + "[" * 100_000),
        ("x.yaml", "[" * 10_000),
        ("x.yaml", "? [1]\n: 2"),
        ("x.yaml", "nets: !!python/object/apply:os.mkdir [opened]"),
        ("x.yaml", "nets: 2001-99-99"),
        (
            "x.yaml",
            "a0: &a0 [x, x]\n"
            + "".join(f"a{i}: &a{i} [{f'*a{i - 1}, ' * 9}x]\n" for i in range(1, 12)),
        ),
    ],
)
def test_a_hostile_manifest_is_one_error(tmp_path: Path, run: Run, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    code, _ = run("batch", name, "-o", "out")
    assert code == 3
    assert not (tmp_path / "opened").exists()

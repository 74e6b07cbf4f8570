"""What goes wrong around a conversion: the target is the old file, the new one, or absent."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from caffe2keras.emit import atomic
from caffe2keras.emit.atomic import replacing
from caffe2keras.proto import caffe_pb2

NET = """
layer {
  name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3000 } }
}
layer {
  name: "fc" type: "InnerProduct" bottom: "data" top: "fc"
  inner_product_param { num_output: 1100 }
}
"""

OLD = b"the old file"
KILLED = 12


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a net of 13 MB, which takes some time to write."""
    folder = tmp_path_factory.mktemp("net")
    (folder / "net.prototxt").write_text(NET)
    message = caffe_pb2.NetParameter()
    layer = message.layer.add(name="fc", type="InnerProduct")
    numbers = np.arange(1100 * 3000, dtype="f4") % 97
    layer.blobs.add(data=numbers).shape.dim.extend([1100, 3000])
    layer.blobs.add(data=[0.0] * 1100).shape.dim.append(1100)
    (folder / "net.caffemodel").write_bytes(message.SerializeToString())
    return folder


@pytest.fixture
def convert(net: Path, tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start the command line in a process of its own, in an empty folder."""

    def start(
        target: Path,
        weights: Path = net / "net.caffemodel",
        before: Callable[[], None] | None = None,
    ) -> subprocess.Popen[str]:
        def heed() -> None:
            # A shell lets what runs in its background ignore Ctrl-C, and children inherit that.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            if before is not None:
                before()

        words = ["convert", str(net / "net.prototxt"), str(weights), "-o", str(target)]
        return subprocess.Popen(
            [sys.executable, "-m", "caffe2keras", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=heed,
            cwd=Path(__file__).parents[2],
        )

    return start


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, said = process.communicate()
    assert "Traceback" not in said
    assert "internal error" not in said
    return process.returncode, said


def is_whole(target: Path) -> bool:
    with h5py.File(target) as file:
        return bool(file["model_weights/fc/fc/kernel:0"][5, 1099] == (1099 * 3000 + 5) % 97)


def test_a_file_that_may_not_grow_so_large_leaves_nothing(
    tmp_path: Path, convert: Callable[..., subprocess.Popen[str]]
) -> None:
    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (5 << 20, 5 << 20))

    code, said = ended(convert(tmp_path / "net.h5", before=limit))
    assert code == 6
    assert "cannot be written" in said
    assert os.listdir(tmp_path) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of five megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=5m", "none", str(disk)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting a file system is not allowed here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_leaves_the_old_file(
    small_disk: Path, convert: Callable[..., subprocess.Popen[str]]
) -> None:
    (small_disk / "net.h5").write_bytes(OLD)
    code, said = ended(convert(small_disk / "net.h5"))
    assert code == 6
    assert "No space left on device" in said
    assert os.listdir(small_disk) == ["net.h5"]
    assert (small_disk / "net.h5").read_bytes() == OLD


def test_a_disk_that_is_only_read_is_told(
    small_disk: Path, convert: Callable[..., subprocess.Popen[str]]
) -> None:
    (small_disk / "net.h5").write_bytes(OLD)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    code, said = ended(convert(small_disk / "net.h5"))
    assert code == 6
    assert "Read-only file system" in said
    assert (small_disk / "net.h5").read_bytes() == OLD


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_conversions_ended_at_any_moment_leave_the_old_file_or_the_new(
    tmp_path: Path, convert: Callable[..., subprocess.Popen[str]], number: signal.Signals
) -> None:
    target, dice = tmp_path / "net.h5", random.Random(number)
    began = time.monotonic()
    assert ended(convert(target))[0] == 0
    usual = time.monotonic() - began
    for _ in range(KILLED // 3):
        target.write_bytes(OLD)
        process = convert(target)
        time.sleep(dice.uniform(0.3, 1.1) * usual)
        process.send_signal(number)
        process.communicate()
        assert target.read_bytes() == OLD or is_whole(target)
        if number != signal.SIGKILL:
            assert os.listdir(tmp_path) == ["net.h5"]
    assert ended(convert(target))[0] == 0
    assert os.listdir(tmp_path) == ["net.h5"], "the next conversion clears away what was left"


def test_what_a_killed_process_left_goes_with_the_next_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atomic, "_nameless", lambda folder: -1)  # as on NFS
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    target = tmp_path / "net.h5"
    with replacing(target) as scratch:
        orphan = scratch.with_name(scratch.name.replace(f"{os.getpid()}-", f"{gone.pid}-"))
        stranger = tmp_path / ".net.h5.other-machine-1-x.part"
        for path in (orphan, stranger):
            path.write_text("half")
        with replacing(target) as second:  # ours, the one above, is being written
            second.write_text("new")
            assert not orphan.exists()
        assert scratch.exists()
        scratch.write_text("newer")
    assert target.read_text() == "newer"
    assert sorted(os.listdir(tmp_path)) == [stranger.name, "net.h5"]


def test_two_processes_that_write_one_target_leave_one_whole_file(
    tmp_path: Path, convert: Callable[..., subprocess.Popen[str]]
) -> None:
    target = tmp_path / "net.h5"
    assert [ended(process)[0] for process in [convert(target) for _ in range(3)]] == [0, 0, 0]
    assert is_whole(target)
    assert os.listdir(tmp_path) == ["net.h5"]


@pytest.mark.parametrize("megabytes", [180, 200, 220, 260, 300, 450])
def test_too_little_memory_leaves_nothing_half(
    tmp_path: Path, convert: Callable[..., subprocess.Popen[str]], megabytes: int
) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))

    target = tmp_path / "net.h5"
    code, said = ended(convert(target, before=limit))
    assert os.listdir(tmp_path) == ([] if code else ["net.h5"])
    assert "memory" in said if code else is_whole(target)


def test_a_source_that_changes_while_it_is_read_is_told(
    tmp_path: Path, net: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import caffe2keras.convert as conversion
    from caffe2keras.errors import InputError

    weights = tmp_path / "net.caffemodel"
    weights.write_bytes((net / "net.caffemodel").read_bytes())
    mapping = conversion.map_net

    def touch(*args: object) -> object:
        os.utime(weights, ns=(1, 1))
        return mapping(*args)

    monkeypatch.setattr(conversion, "map_net", touch)
    with pytest.raises(InputError, match="while it was read"):
        conversion.convert(net / "net.prototxt", weights, tmp_path / "net.h5")
    assert os.listdir(tmp_path) == ["net.caffemodel"]


def test_a_source_cut_off_while_it_is_read_leaves_the_old_file(
    tmp_path: Path, net: Path, convert: Callable[..., subprocess.Popen[str]]
) -> None:
    weights, target, dice = tmp_path / "net.caffemodel", tmp_path / "net.h5", random.Random(5)
    for _ in range(4):
        target.write_bytes(OLD)
        weights.write_bytes((net / "net.caffemodel").read_bytes())
        process = convert(target, weights)
        time.sleep(dice.uniform(0.2, 0.9))
        os.truncate(weights, 70_000)
        process.communicate()
        assert target.read_bytes() == OLD or is_whole(target)

"""What HDF5 is given to write to."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from caffe2keras.emit.content import opened_for_hdf5


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"abcdefg")
    return path


def test_it_is_written_and_read_in_place(path: Path) -> None:
    with opened_for_hdf5(path) as content:
        assert content.seek(2) == content.tell() == 2
        assert content.write(memoryview(b"XYZ")) == 3
        assert content.tell() == 5
        assert content.seek(-1, os.SEEK_END) == 6
        content.truncate(6)
    assert path.read_bytes() == b"abXYZf"


def test_what_is_not_there_yet_is_zeros(path: Path) -> None:
    with opened_for_hdf5(path) as content:
        content.seek(5)
        buffer = bytearray(b"?????")
        assert content.readinto(memoryview(buffer)) == 5
    assert buffer == b"fg\0\0\0"


def test_a_write_that_the_system_takes_in_parts_is_whole(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda handle, data, at: really(handle, data[:2], at))
    with opened_for_hdf5(path) as content:
        content.seek(1)
        assert content.write(memoryview(b"12345")) == 5
    assert path.read_bytes() == b"a12345g"


@pytest.mark.parametrize("call", ["pwrite", "ftruncate"])
def test_the_first_refusal_is_told_at_the_end_and_nothing_more_is_tried(
    path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    tried = []

    def refuse(*arguments: object) -> int:
        tried.append(arguments)
        raise OSError(errno.ENOSPC if len(tried) == 1 else errno.EIO, "no")

    monkeypatch.setattr(os, call, refuse)
    with pytest.raises(OSError, match="no") as caught, opened_for_hdf5(path) as content:
        for _ in range(2):
            assert content.write(memoryview(b"123")) == 3
            assert content.truncate(3) == 3
    assert caught.value.errno == errno.ENOSPC
    assert len(tried) == (1 if call == "pwrite" else 2)


def test_an_exception_of_the_writers_own_comes_first(path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), opened_for_hdf5(path) as content:
        content.refusal = OSError(errno.ENOSPC, "no")
        raise KeyboardInterrupt

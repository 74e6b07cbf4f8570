"""A target is the old file, the new file, or absent; and nothing else is left behind."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from caffe2keras.emit import atomic
from caffe2keras.emit.atomic import replacing
from caffe2keras.errors import EmitError


@pytest.fixture(params=["nameless", "temporary"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With the system's files without a name, and where it has none."""
    if request.param == "temporary":
        monkeypatch.setattr(atomic, "_nameless", lambda folder: -1)
    return str(request.param)


def test_the_target_appears_when_all_is_written(tmp_path: Path) -> None:
    target = tmp_path / "model.h5"
    with replacing(target) as scratch:
        scratch.write_text("new")
        assert not target.exists()
    assert target.read_text() == "new"
    assert os.listdir(tmp_path) == ["model.h5"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_whatever_interrupts_leaves_the_old_file(tmp_path: Path, error: type) -> None:
    target = tmp_path / "model.h5"
    target.write_text("old")
    with pytest.raises(error), replacing(target) as scratch:
        scratch.write_text("half")
        raise error
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["model.h5"]


def test_the_new_file_has_the_permissions_that_the_umask_leaves(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        with replacing(tmp_path / "model.h5") as scratch:
            scratch.write_text("new")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "model.h5").stat().st_mode) == 0o640


def test_a_missing_folder_is_told_with_a_way_out(tmp_path: Path) -> None:
    target = tmp_path / "nowhere" / "model.h5"
    with pytest.raises(EmitError) as caught, replacing(target):
        pass
    assert str(target) in caught.value.what
    assert "No such file or directory" in caught.value.what
    assert "another place with -o" in caught.value.hint


def test_a_folder_in_the_targets_place_is_an_error(tmp_path: Path) -> None:
    target = tmp_path / "model.h5"
    target.mkdir()
    with pytest.raises(EmitError, match="directory"), replacing(target) as scratch:
        scratch.write_text("new")
    assert os.listdir(tmp_path) == ["model.h5"]


def test_a_process_that_is_killed_leaves_nothing(tmp_path: Path, way: str) -> None:
    if way == "temporary" or not nameless_files_in(tmp_path):
        pytest.skip("a temporary file stays until the next conversion to the same target")
    code = (
        "import os, signal, sys, pathlib; from caffe2keras.emit.atomic import replacing\n"
        "with replacing(pathlib.Path(sys.argv[1])) as scratch:\n"
        "    scratch.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "model.h5"], check=False)
    assert done.returncode == -signal.SIGKILL
    assert os.listdir(tmp_path) == []


def nameless_files_in(folder: Path) -> bool:
    handle = atomic._nameless(folder)
    if handle >= 0:
        os.close(handle)
    return handle >= 0


@pytest.mark.parametrize("number", [errno.EOPNOTSUPP, errno.EISDIR])
def test_a_file_system_without_nameless_files_is_written_to_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.undo()
    really = os.open

    def refuse(path: object, flags: int, *others: int) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(number, os.strerror(number))
        return really(path, flags, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", refuse)
    with replacing(tmp_path / "model.h5") as scratch:
        assert scratch.parent == tmp_path
        scratch.write_text("new")
    assert os.listdir(tmp_path) == ["model.h5"]


def test_content_that_is_given_no_name_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise OSError(errno.EXDEV, "no link")

    monkeypatch.setattr(os, "link", refuse)
    for attempt in range(2):
        if attempt == 1:
            monkeypatch.setattr(atomic, "_flush", refuse)
        with (
            pytest.raises(EmitError) if attempt else nullcontext(),
            replacing(tmp_path / "model.h5") as scratch,
        ):
            scratch.write_text("newer" if attempt else "new")
        assert (tmp_path / "model.h5").read_text() == "new"
        assert os.listdir(tmp_path) == ["model.h5"]


def test_a_name_that_is_taken_is_not_taken_again(tmp_path: Path, way: str) -> None:
    taken = tmp_path / f"{atomic._prefix(tmp_path / 'model.h5')}{os.getpid()}-0.part"
    taken.write_text("another thread's")
    with replacing(tmp_path / "model.h5") as scratch:
        scratch.write_text("new")
    assert taken.read_text() == "another thread's"
    assert (tmp_path / "model.h5").read_text() == "new"

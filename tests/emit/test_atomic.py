"""A target is the old file, the new file, or absent; and nothing else is left behind."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from caffe2keras.emit.atomic import replacing
from caffe2keras.errors import EmitError


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

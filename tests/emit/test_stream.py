"""Streaming: any strided view arrives whole, whatever the blocks."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from caffe2keras.emit import stream
from caffe2keras.emit.stream import Placement, write_arrays


def written(placements: list[Placement], path: Path, size: int) -> bytes:
    path.write_bytes(bytes(size))
    handle = os.open(path, os.O_RDWR)
    try:
        write_arrays(handle, placements)
    finally:
        os.close(handle)
    return path.read_bytes()


@st.composite
def views(draw: st.DrawFn) -> np.ndarray:
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=5, max_side=7))
    base = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    return base.transpose(draw(st.permutations(range(len(shape)))))


@given(st.lists(views(), max_size=4), st.integers(4, 600), st.integers(1, 9), st.integers(0, 5))
def test_every_view_arrives_in_c_order_at_its_place(
    tmp_path_factory: pytest.TempPathFactory,
    arrays: list[np.ndarray],
    block: int,
    run: int,
    gap: int,
) -> None:
    placements, offset, expected = [], gap, bytes(gap)
    for view in arrays:
        placements.append(Placement(offset, view))
        expected += view.tobytes() + bytes(gap)
        offset += view.nbytes + gap
    path = tmp_path_factory.getbasetemp() / "stream.bin"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "_BLOCK_BYTES", block)
        patch.setattr(stream, "_RUN", run)
        assert written(placements, path, len(expected)) == expected


def test_a_scalar_and_a_big_endian_array_arrive_as_little_endian_floats(tmp_path: Path) -> None:
    scalar, foreign = np.array(1.5, np.float32), np.array([2.5, -3.0], ">f4")
    data = written([Placement(0, scalar), Placement(4, foreign)], tmp_path / "x", 12)
    np.testing.assert_array_equal(np.frombuffer(data, "<f4"), [1.5, 2.5, -3.0])


def test_a_block_takes_whole_lines_of_a_flattened_image(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fully connected layer behind an image: its rows and columns lie inside the channels."""
    kernel = np.zeros((30, 20, 5, 3), np.float32)  # outputs, channels, rows, columns
    monkeypatch.setattr(stream, "_BLOCK_BYTES", 4 * 30 * 15 * 6)
    blocks = list(stream._blocks(Placement(0, kernel.transpose(2, 3, 1, 0))))
    assert {block.view.shape for block in blocks} == {(5, 3, 6, 30), (5, 3, 2, 30)}
    assert {len(block.offsets) for block in blocks} == {15}


def test_a_closed_file_is_an_error_and_not_a_silence(tmp_path: Path) -> None:
    handle = os.open(tmp_path / "x", os.O_RDWR | os.O_CREAT)
    os.close(handle)
    with pytest.raises(OSError, match="Bad file descriptor"):
        write_arrays(handle, [Placement(0, np.ones(3, np.float32))])

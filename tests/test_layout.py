"""Layouts: a permutation and its inverse are the identity, and names say what is done."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caffe2keras.layout import (
    Layout,
    caffe_order,
    chw_columns_to_layout_rows,
    image,
    iohw_to_hwoi,
    oihw_to_hwio,
)


@st.composite
def permutations(draw: st.DrawFn, rank: int | None = None) -> tuple[int, ...]:
    rank = draw(st.integers(1, 6)) if rank is None else rank
    return tuple(draw(st.permutations(range(rank))))


@given(permutations())
def test_to_keras_and_back_is_the_identity(permutation: tuple[int, ...]) -> None:
    layout = Layout(permutation)
    array = np.arange(np.prod(range(2, layout.rank + 2))).reshape(range(2, layout.rank + 2))
    np.testing.assert_array_equal(layout.to_caffe(layout.to_keras(array)), array)
    assert layout.to_keras(array).shape == layout.keras_shape(array.shape)


@given(st.data(), st.integers(1, 6))
def test_a_transposition_leads_from_one_layout_to_the_other(data: st.DataObject, rank: int) -> None:
    one, other = (Layout(data.draw(permutations(rank))) for _ in range(2))
    array = np.arange(np.prod(range(2, rank + 2))).reshape(range(2, rank + 2))
    moved = one.to_keras(array).transpose(one.towards(other))
    np.testing.assert_array_equal(moved, other.to_keras(array))


@given(permutations())
def test_a_caffe_axis_is_found_where_the_permutation_put_it(permutation: tuple[int, ...]) -> None:
    layout = Layout(permutation)
    for axis in range(layout.rank):
        assert permutation[layout.keras_axis(axis)] == axis
        assert layout.inverse[axis] == layout.keras_axis(axis)


@pytest.mark.parametrize(
    ("rank", "data_format", "permutation"),
    [
        (4, "channels_last", (0, 2, 3, 1)),
        (5, "channels_last", (0, 2, 3, 4, 1)),
        (3, "channels_last", (0, 2, 1)),
        (2, "channels_last", (0, 1)),
        (1, "channels_last", (0,)),
        (4, "channels_first", (0, 1, 2, 3)),
    ],
)
def test_an_image_has_the_layout_of_its_data_format(
    rank: int, data_format: str, permutation: tuple[int, ...]
) -> None:
    assert image(rank, data_format).permutation == permutation
    assert image(rank, data_format).is_caffe_order == (permutation == tuple(range(rank)))


def test_kernels_keep_their_numbers_under_their_letters() -> None:
    kernel = np.arange(2 * 3 * 5 * 7).reshape(2, 3, 5, 7)  # (O, I, h, w) or (I, O, h, w)
    assert oihw_to_hwio(kernel).shape == (5, 7, 3, 2)
    assert oihw_to_hwio(kernel)[4, 6, 1, 0] == kernel[0, 1, 4, 6]
    assert iohw_to_hwoi(kernel)[4, 6, 1, 0] == kernel[0, 1, 4, 6]


def test_dense_rows_follow_the_layout_of_what_was_flattened() -> None:
    features, out = (3, 5, 7), 2  # C, H, W
    matrix = np.arange(out * 105).reshape(out, 105)
    layout = image(4, "channels_last")
    x = np.arange(105).reshape(1, *features)
    rows = chw_columns_to_layout_rows(matrix, features, layout).reshape(105, out)
    np.testing.assert_array_equal(
        layout.to_keras(x).reshape(1, -1) @ rows, x.reshape(1, -1) @ matrix.T
    )


def test_permuting_a_kernel_copies_nothing() -> None:
    kernel = np.zeros((2, 3, 5, 7), np.float32)
    assert np.shares_memory(oihw_to_hwio(kernel), kernel)
    rows = chw_columns_to_layout_rows(kernel.reshape(2, -1), (3, 5, 7), image(4, "channels_last"))
    assert np.shares_memory(rows, kernel)
    assert caffe_order(3).permutation == (0, 1, 2)

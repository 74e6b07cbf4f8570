"""Columns and their transpose, by the property that makes them one another's transpose."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caffe2keras.errors import ShapeError
from caffe2keras.verify.oracle.windows import Window, columns, scattered


@st.composite
def windows(draw):
    rank = draw(st.integers(1, 3))
    several = lambda low, high: tuple(draw(st.integers(low, high)) for _ in range(rank))  # noqa: E731
    window = Window(several(1, 3), several(1, 3), several(0, 2), several(1, 2))
    spatial = tuple(reach + draw(st.integers(0, 4)) for reach in window.reach)
    return window, spatial


@given(windows(), st.integers(1, 3), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_scattering_is_the_transpose_of_taking_columns(case, channels, seed):
    window, spatial = case
    rng = np.random.default_rng(seed)
    image = rng.standard_normal((channels, *spatial))
    out = window.convolved(spatial)
    matrix = columns(image, window, out)
    other = rng.standard_normal(matrix.shape)
    back = scattered(other, window, out, spatial) if window.deconvolved(out) == spatial else None
    if back is not None:
        np.testing.assert_allclose((matrix * other).sum(), (image * back).sum(), atol=1e-9)


@given(windows())
@settings(max_examples=60, deadline=None)
def test_every_column_holds_what_its_window_sees(case):
    window, spatial = case
    image = np.arange(1, 1 + np.prod(spatial), dtype=float).reshape(1, *spatial)
    out = window.convolved(spatial)
    matrix = columns(image, window, out).reshape(*window.kernel, *out)
    padded = np.pad(image[0], [(p, p) for p in window.pad])
    for tap in np.ndindex(*window.kernel):
        for place in np.ndindex(*out):
            terms = zip(tap, window.dilation, place, window.stride, strict=True)
            pixel = tuple(t * d + o * s for t, d, o, s in terms)
            assert matrix[(*tap, *place)] == padded[pixel]


def test_a_kernel_that_reaches_over_by_less_than_a_stride_has_one_place():
    window = Window((4, 2), (2, 1), (0, 0), (1, 1))
    image = np.arange(1.0, 7.0).reshape(1, 3, 2)
    out = window.convolved((3, 2))
    assert out == (1, 1)
    np.testing.assert_array_equal(columns(image, window, out).ravel(), [1, 2, 3, 4, 5, 6, 0, 0])


def test_a_kernel_that_reaches_over_the_image_is_refused():
    window = Window((5, 2), (1, 1), (0, 0), (1, 1))
    with pytest.raises(ShapeError, match=r"\(-1, 3\)"):
        columns(np.zeros((2, 3, 4)), window, window.convolved((3, 4)))

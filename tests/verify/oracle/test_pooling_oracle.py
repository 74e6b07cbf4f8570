"""Pooling against its definition, and at its edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from caffe2keras.verify.oracle.pooling import LARGEST_FLOAT, average, pooled_extents
from caffe2keras.verify.oracle.windows import Window

FLT_MAX = 3.4028234663852886e38


def pool(compute, x, text, tops=1):
    return compute(f'type: "Pooling" pooling_param {{ {text} }}', x, tops=tops)


def windows_of(x, kernel, stride, pad, out):
    """For each window the pixels that it sees and the area it is divided by, one by one."""
    for place in np.ndindex(*out):
        starts = [o * s - p for o, s, p in zip(place, stride, pad, strict=True)]
        ends = [
            min(start + k, size + p)
            for start, k, size, p in zip(starts, kernel, x.shape, pad, strict=True)
        ]
        area = np.prod([end - start for start, end in zip(starts, ends, strict=True)])
        yield place, x[tuple(slice(max(a, 0), b) for a, b in zip(starts, ends, strict=True))], area


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_average_pooling_is_the_sum_over_the_clipped_window_s_area(data):
    pair = lambda low, high: tuple(data.draw(st.integers(low, high)) for _ in range(2))  # noqa: E731
    kernel, stride, size = pair(1, 4), pair(1, 4), pair(3, 7)
    pad = tuple(data.draw(st.integers(0, k - 1)) for k in kernel)
    window = Window(kernel, stride, pad, (1, 1))
    out = pooled_extents(size, window, round_up=data.draw(st.booleans()))
    assume(all(extent > 0 for extent in out))
    x = np.random.default_rng(7).standard_normal(size)
    answer = np.full(out, np.nan)
    for place, seen, area in windows_of(x, kernel, stride, pad, out):
        with np.errstate(invalid="ignore"):
            answer[place] = seen.sum() / np.float64(area)
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(average(x, window, out), answer, atol=1e-12)


def test_pooling_rounds_the_output_size_up(compute):
    x = np.arange(6.0).reshape(1, 1, 1, 6)
    (y,) = pool(compute, x, "kernel_h: 1 kernel_w: 3 stride: 2")
    np.testing.assert_array_equal(y, [[[[2, 4, 5]]]])


@pytest.mark.parametrize("text", ["round_mode: FLOOR", "ceil_mode: false"])
def test_pooling_rounds_the_output_size_down_where_asked(compute, text):
    x = np.arange(6.0).reshape(1, 1, 1, 6)
    (y,) = pool(compute, x, f"kernel_h: 1 kernel_w: 3 stride: 2 {text}")
    np.testing.assert_array_equal(y, [[[[2, 4]]]])


def test_without_padding_a_window_may_lie_behind_the_image(compute):
    # 5 wide, kernel 1, stride 3: ceil(4 / 3) + 1 = 3 windows, the last one beginning at 6.
    x = np.arange(1.0, 6).reshape(1, 1, 1, 5)
    (most,) = pool(compute, x, "kernel_size: 1 stride_h: 1 stride_w: 3")
    np.testing.assert_array_equal(most, [[[[1, 4, -FLT_MAX]]]])
    (mean,) = pool(compute, x, "pool: AVE kernel_size: 1 stride_h: 1 stride_w: 3")
    np.testing.assert_array_equal(mean, [[[[1, 4, 0]]]])


def test_with_padding_such_a_window_is_taken_away(compute):
    x = np.arange(1.0, 5).reshape(1, 1, 1, 4)
    (y,) = pool(compute, x, "kernel_h: 1 kernel_w: 2 stride_h: 1 stride_w: 3 pad_h: 0 pad_w: 1")
    # Windows begin at -1, 2 and 5; the last one is behind pixel 3 and its padding.
    np.testing.assert_array_equal(y, [[[[1, 4]]]])


def test_the_greatest_float_is_that_of_single_precision():
    assert LARGEST_FLOAT == FLT_MAX


def test_a_nan_never_wins_and_minus_infinity_loses_to_the_least_float(compute):
    x = np.array([[[[np.nan, 1, np.nan, np.nan], [-np.inf, 2, np.nan, -np.inf]]]])
    y, mask = pool(compute, x, "kernel_size: 2 stride: 2", tops=2)
    np.testing.assert_array_equal(y, [[[[2, -FLT_MAX]]]])
    np.testing.assert_array_equal(mask, [[[[5, -1]]]])
    np.testing.assert_array_equal(pool(compute, x, "kernel_size: 2 stride: 2")[0], y)


def test_the_mask_names_the_first_of_equal_pixels(compute):
    x = np.array([[[[3, 3, 1], [3, 3, 7]]]])
    _, mask = pool(compute, x, "kernel_size: 2 stride: 1", tops=2)
    np.testing.assert_array_equal(mask, [[[[0, 5]]]])


def test_stochastic_pooling_weights_each_value_by_itself(compute):
    x = np.array([[[[1, 3, 0], [2, 0, 0]]]])
    (y,) = pool(compute, x, "pool: STOCHASTIC kernel_size: 2 stride: 2")
    np.testing.assert_allclose(y, [[[[14 / 6, 0]]]])


def test_spp_of_several_levels_puts_them_one_behind_the_other(compute):
    x = np.arange(15.0).reshape(1, 1, 3, 5)
    (y,) = compute('type: "SPP" spp_param { pyramid_height: 2 pool: MAX }', x)
    # Level 1: kernels of 2 x 3, half a row and half a column of padding in front.
    np.testing.assert_array_equal(y, [[14, 1, 4, 11, 14]])

"""Compact bilinear pooling, against its definition."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from caffe2keras.verify.oracle.bilinear import c_random


def test_c_random_is_glibc_s():
    assert list(islice(c_random(), 4)) == [1804289383, 846930886, 1681692777, 1714636915]


def sketch(x, width, numbers):
    """A vector's channels, each added to or taken from the bin that rand() gives it."""
    bins = [number % width for number in islice(numbers, len(x))]
    signs = [1 if number % 2 else -1 for number in islice(numbers, len(x))]
    answer = np.zeros(width)
    for value, bin_, sign in zip(x, bins, signs, strict=True):
        answer[bin_] += sign * value
    return answer


@pytest.mark.parametrize("width", [8, 5])
def test_it_is_a_circular_convolution_of_two_count_sketches(compute, rng, width):
    x, other = rng.standard_normal((1, 3, 1, 2)), rng.standard_normal((1, 4, 1, 2))
    text = f'type: "CompactBilinear" compact_bilinear_param {{ num_output: {width} %s }}'
    (places,) = compute(text % "sum_pool: false", x, other)
    for place in range(2):
        numbers = c_random()
        a, b = (sketch(blob[0, :, 0, place], width, numbers) for blob in (x, other))
        expected = [sum(a[i] * b[(k - i) % width] for i in range(width)) for k in range(width)]
        np.testing.assert_allclose(places[0, :, 0, place], width * np.array(expected))
    (whole,) = compute(text % "", x, other)
    assert whole.shape == (1, width, 1, 1)
    np.testing.assert_allclose(whole[0, :, 0, 0], places[0, :, 0].sum(axis=1))


def test_whole_bilinear_pooling_sums_outer_products(compute):
    x, other = [[[[1.0, 2]], [[3, 4]]]], [[[[5.0, 6]]]]
    (y,) = compute('type: "Bilinear"', x, other)
    np.testing.assert_array_equal(y, np.reshape([1 * 5 + 2 * 6, 3 * 5 + 4 * 6], (1, 2, 1, 1)))


def test_a_small_image_is_hardly_normalized(compute):
    (y,) = compute('type: "L2Normalize"', [[1e-4, 0]])
    np.testing.assert_allclose(y[0, :, 0, 0], [1e-4 / np.sqrt(1e-8 + 1e-7), 0])

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from caffe2keras.verify.compare import Tolerance, compare, default_tolerance, filled_up

STRICT = Tolerance(1e-5, 0.0)
FLT_MAX = np.finfo(np.float32).max

ANY_ARRAY = arrays.arrays(
    np.float32,
    arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
    elements=st.floats(width=32),
)


def test_the_worst_difference_is_found_with_its_place_and_both_numbers():
    expected = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    received = expected.copy()
    received[1, 0, 2] += 0.5
    received[0, 2, 1] -= 0.25
    found = compare(received, expected, STRICT)
    assert not found.ok
    assert found.index == (1, 0, 2)
    assert found.max_abs == 0.5
    assert found.max_rel == 0.5 / 23
    assert (found.expected, found.received) == (14.0, 14.5)


def test_the_tolerance_is_relative_to_the_largest_magnitude_of_the_blob():
    expected = np.array([-1000.0, 1.0], np.float32)
    near = expected + np.array([0.0, 0.009], np.float32)
    assert compare(near, expected, Tolerance(1e-5, 0.0)).ok
    assert not compare(near, expected, Tolerance(8e-6, 0.0)).ok
    assert compare(near, expected, Tolerance(0.0, 0.01)).ok


@given(ANY_ARRAY)
def test_an_array_equals_itself_whatever_it_holds(array):
    found = compare(array, array.copy(), Tolerance(0.0, 0.0))
    assert found.ok
    assert found.max_abs == found.max_rel == 0.0


@given(ANY_ARRAY.filter(lambda array: array.size > 0), st.data())
def test_one_number_that_is_not_finite_is_never_near(array, data):
    place = data.draw(st.integers(0, array.size - 1))
    received = array.copy()
    received.flat[place] = data.draw(st.sampled_from([np.nan, np.inf, -np.inf]))
    same = np.array_equal(received, array, equal_nan=True)
    assert compare(received, array, Tolerance(1.0, 1e30)).ok == same
    assert compare(array, received, Tolerance(1.0, 1e30)).ok == same


@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf, FLT_MAX, -FLT_MAX])
def test_a_special_number_says_nothing_about_the_scale(special):
    expected = np.array([special, 1.0, -2.0], np.float32)
    received = expected + np.array([0.0, 0.0, 1e-3], np.float32)
    found = compare(received, expected, STRICT)
    assert not found.ok
    assert found.index == (2,)
    assert found.max_rel == pytest.approx(1e-3 / 2, rel=1e-3)


def test_minus_flt_max_is_not_minus_infinity():
    found = compare(np.array([-np.inf]), np.array([-FLT_MAX]), STRICT)
    assert not found.ok
    assert found.max_abs == math.inf


def test_something_where_nothing_but_zeros_should_be_is_infinitely_wrong():
    found = compare(np.array([1e-9]), np.array([0.0]), STRICT)
    assert not found.ok
    assert (found.max_abs, found.max_rel) == (1e-9, math.inf)


def test_integers_are_compared_without_wrapping_round():
    found = compare(np.array([0], np.uint8), np.array([255], np.uint8), STRICT)
    assert found.max_abs == 255.0


def test_large_numbers_do_not_overflow_in_the_difference():
    big = np.array([3e38, -3e38], np.float32)
    assert compare(-big, big, STRICT).max_abs == pytest.approx(6e38)


def test_an_empty_blob_is_what_it_should_be():
    assert compare(np.zeros((2, 0)), np.zeros((2, 0)), STRICT).ok


def test_a_scalar_has_the_empty_index():
    found = compare(np.float32(2.0), np.float32(1.0), STRICT)
    assert (found.index, found.max_abs) == ((), 1.0)


def test_another_shape_is_no_matter_of_tolerance():
    with pytest.raises(ValueError, match=r"expected shape \(3, 2\), received \(2, 3\)"):
        compare(np.zeros((2, 3)), np.zeros((3, 2)), STRICT)


def test_one_layer_is_held_to_more_than_a_whole_net():
    assert default_tolerance(1) == Tolerance(1e-5, 1e-6)
    assert default_tolerance(2) == Tolerance(1e-4, 0.0)


@pytest.mark.parametrize(
    ("tolerance", "text"),
    [
        (Tolerance(1e-4, 0.0), "|a - b| <= 0.0001 * max|b|"),
        (Tolerance(1e-5, 1e-6), "|a - b| <= 1e-05 * max|b| + 1e-06"),
    ],
)
def test_the_tolerance_is_printed_as_a_rule(tolerance, text):
    assert str(tolerance) == text


def test_a_truth_of_open_length_is_filled_up_with_minus_one():
    truth = np.array([[4.0, 5.0]])
    np.testing.assert_array_equal(filled_up(truth, (3, 2), 0), [[4, 5], [-1, -1], [-1, -1]])
    assert not compare(np.ones((3, 2)), filled_up(truth, (3, 2), 0), STRICT).ok


@pytest.mark.parametrize(
    ("shape", "axis"), [((3, 2), None), ((0, 2), 0), ((3, 2, 1), 0), ((3, 2), 1)]
)
def test_a_truth_is_filled_up_only_along_the_open_axis_and_only_to_more(shape, axis):
    truth = np.array([[4.0, 5.0]])
    assert filled_up(truth, shape, axis) is truth

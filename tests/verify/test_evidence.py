import numpy as np
import pytest

from caffe2keras.convert import load_net
from caffe2keras.verify.evidence import histogram_of, noise_floors, worst_histogram
from caffe2keras.verify.oracle import run


def test_equal_arrays_differ_in_the_middle_bin_only():
    values = np.linspace(-2, 3, 35, dtype=np.float32).reshape(5, 7)
    histogram = histogram_of("a", values, values)
    assert sum(histogram.expected) == sum(histogram.received) == 35
    assert histogram.expected == histogram.received
    assert histogram.differences[len(histogram.differences) // 2] == 35


def test_a_number_that_is_off_is_counted_where_it_is():
    expected = np.zeros(12)
    received = expected.copy()
    received[3] = 1.0
    histogram = histogram_of("a", received, expected)
    assert histogram.received[-1] == 1 and histogram.expected[-1] == 0
    assert histogram.differences[-1] == 1
    assert histogram.difference_edges[-1] == pytest.approx(1.0)


def test_what_is_not_finite_is_left_out_and_counted():
    expected = np.array([1.0, np.nan, np.inf, -np.finfo(np.float32).max, 2.0])
    histogram = histogram_of("a", np.ones(5), expected)
    assert histogram.left_out == 3
    assert sum(histogram.differences) == 2


@pytest.mark.parametrize("values", [[], [0.0], [1e-40, 1e-40], [3e38, -3e38], [5.0, 5.0]])
def test_any_range_makes_bins(values):
    histogram = histogram_of("a", np.array(values), np.array(values))
    assert sum(histogram.expected) == len(values)
    assert all(a < b for a, b in zip(histogram.edges, histogram.edges[1:], strict=False))


def test_the_worst_blob_is_the_one_that_is_shown():
    one, other = np.zeros(3), np.ones(3)
    worst = worst_histogram([("a", 0.1, one, one), ("b", 0.3, other, one), ("c", 0.2, one, one)])
    assert worst.blob == "b"
    assert worst_histogram([]) is None


def test_the_floor_is_the_rounding_of_float32(lopsided):
    net = load_net(lopsided)
    fed = {"data": np.random.default_rng(3).standard_normal((2, 3, 11, 8))}
    floors = noise_floors(net, fed, run(net, fed, np.float64))
    assert {"conv", "pool", "fc", "prob"} <= set(floors)
    assert 0 < floors["conv"] < 1e-5
    assert all(floor < 1e-5 for floor in floors.values())

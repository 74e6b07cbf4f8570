"""The marks of T·N rows: one further at each step, and at each stream."""

from __future__ import annotations

import numpy as np
import pytest

from caffe2keras.runtime import StepMarks


def test_a_stream_meets_one_mark_further_than_the_one_before_it(contract):
    marks = np.arange(12, dtype="float32").reshape(12, 1)
    y = contract(StepMarks(steps=4, streams=3, name="marks"), marks)
    np.testing.assert_array_equal(y, [[0, 1, 2, 3], [1, 2, 3, 4], [2, 3, 4, 5]])


def test_the_numbers_are_checked():
    with pytest.raises(ValueError, match="at least 1"):
        StepMarks(steps=0, streams=2)

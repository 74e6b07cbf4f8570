"""Reductions over axes."""

from __future__ import annotations

import numpy as np
import pytest

from caffe2keras.runtime import Reduction

OPERATIONS = {
    "sum": lambda x, axes: x.sum(axes),
    "asum": lambda x, axes: np.abs(x).sum(axes),
    "sumsq": lambda x, axes: (x**2).sum(axes),
    "mean": lambda x, axes: x.mean(axes),
}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("axes", [(3,), (1, 2), (1, 2, 3), (0, 2)])
def test_axes_are_summed_and_scaled(contract, rng, operation, axes):
    x = rng.normal(size=(2, 5, 4, 3)).astype("float32")
    y = contract(Reduction(operation, axes, coeff=0.5), x, static=0 in axes)
    expected = OPERATIONS[operation](x.astype("float64"), axes) * 0.5
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)


def test_all_axes_leave_a_scalar(contract, rng):
    x = rng.normal(size=(2, 5)).astype("float32")
    y = contract(Reduction("sum", [0, 1]), x, static=True)
    assert y.shape == ()
    np.testing.assert_allclose(y, x.sum(), rtol=1e-5)


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="`operation` must be one of"):
        Reduction("max", [1])
    for axes in ([], [-1]):
        with pytest.raises(ValueError, match="`axes` must be some"):
            Reduction("sum", axes)

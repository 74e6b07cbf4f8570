"""Powers and their corners."""

from __future__ import annotations

import numpy as np
import pytest

from caffe2keras.runtime import Power


@pytest.mark.parametrize(
    ("power", "scale", "shift"),
    [(2.0, -0.5, 1.0), (3.0, 1.0, 0.0), (1.0, 2.0, -3.0), (1.0, 1.0, 0.0), (-1.0, 1.0, 0.3)],
)
def test_x_is_scaled_shifted_and_raised(contract, rng, power, scale, shift):
    x = rng.normal(size=(2, 4, 3)).astype("float32")
    y = contract(Power(power, scale, shift), x)
    np.testing.assert_allclose(y, (shift + scale * x.astype("float64")) ** power, rtol=1e-4)


def test_a_fractional_power_of_a_negative_base_is_nan(contract):
    x = np.array([[4.0, -4.0, 0.0]], "float32")
    np.testing.assert_allclose(contract(Power(0.5), x), [[2.0, np.nan, 0.0]], rtol=1e-6)
    np.testing.assert_allclose(contract(Power(1.5), x), [[8.0, np.nan, 0.0]], rtol=1e-6)


@pytest.mark.parametrize(
    ("power", "scale", "shift", "constant"),
    [
        (0.0, 2.0, 3.0, 1.0),
        (2.0, 0.0, 3.0, 9.0),
        (0.5, 0.0, 0.0, 0.0),
        (-1.0, 0.0, 0.0, np.inf),
        (0.5, 0.0, -1.0, np.nan),
        (0.0, 0.0, 0.0, 1.0),
    ],
)
def test_without_power_or_scale_the_input_does_not_matter(contract, power, scale, shift, constant):
    x = np.array([[1.0, np.nan], [np.inf, -2.0]], "float32")
    y = contract(Power(power, scale, shift), x)
    np.testing.assert_array_equal(y, np.full((2, 2), constant))


def test_the_gradient_follows_the_power(needs_gradients, gradient):
    x = np.array([[1.0, 2.0, -3.0]], "float32")
    np.testing.assert_allclose(gradient(Power(2.0, 1.0, 1.0), x), 2 * (1 + x), rtol=1e-6)

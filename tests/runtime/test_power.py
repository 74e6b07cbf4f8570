"""Powers, exponentials and logarithms, and their corners."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from caffe2keras.runtime import Exp, Log, Power


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


@pytest.mark.parametrize(
    ("base", "scale", "shift"), [(-1, 1.0, 0.0), (-1, -0.5, 1.5), (2.0, 1.0, 0.0), (0.7, 3.0, -2.0)]
)
def test_an_exponential_has_a_base_a_scale_and_a_shift(contract, rng, base, scale, shift):
    x = rng.normal(size=(2, 4, 3)).astype("float32")
    y = contract(Exp(base, scale, shift), x)
    expected = (np.e if base == -1 else base) ** (shift + scale * x.astype("float64"))
    np.testing.assert_allclose(y, expected, rtol=2e-6)


def test_a_large_shift_does_not_overflow_the_exponent():
    y = keras.ops.convert_to_numpy(Exp(shift=80.0)(np.array([[-80.0, 20.0]], "float32")))
    np.testing.assert_allclose(y, [[1.0, np.inf]], rtol=1e-5)


@pytest.mark.parametrize(
    ("base", "scale", "shift"), [(-1, 1.0, 0.0), (-1, 0.5, 1.5), (10.0, 1.0, 0.0), (0.5, 3.0, 0.2)]
)
def test_a_logarithm_has_a_base_a_scale_and_a_shift(contract, rng, base, scale, shift):
    x = rng.uniform(0.1, 9, size=(2, 4, 3)).astype("float32")
    y = contract(Log(base, scale, shift), x)
    expected = np.log(shift + scale * x.astype("float64")) / np.log(np.e if base == -1 else base)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)


def test_logarithms_end_at_zero(contract):
    y = contract(Log(), np.array([[0.0, -1.0, 1.0]], "float32"))
    np.testing.assert_array_equal(y, [[-np.inf, np.nan, 0.0]])


@pytest.mark.parametrize("kind", [Exp, Log])
@pytest.mark.parametrize("base", [0.0, -2.0])
def test_a_base_that_is_not_positive_is_refused(kind, base):
    with pytest.raises(ValueError, match="`base` must be positive"):
        kind(base)


def test_a_logarithm_to_base_one_is_refused():
    with pytest.raises(ValueError, match="no logarithm"):
        Log(1.0)

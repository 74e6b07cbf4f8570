"""Bilinear pooling against its definition, and C's random numbers."""

from __future__ import annotations

from itertools import islice

import keras
import numpy as np
import pytest

from caffe2keras.runtime import BilinearPooling, CompactBilinearPooling, CountSketch
from caffe2keras.runtime.glibc import c_random


def test_the_random_numbers_are_c_s():
    # srand(1) and srand(42), rand() in a C program on Linux.
    assert list(islice(c_random(1), 3)) == [1804289383, 846930886, 1681692777]
    assert list(islice(c_random(42), 3)) == [71876166, 708592740, 1483128881]
    assert next(c_random(0)) == 1804289383


def sketch(x, bins, signs, width):
    """(..., C) -> (..., width)."""
    y = np.zeros((*x.shape[:-1], width))
    for channel, (bin_, sign) in enumerate(zip(bins, signs, strict=True)):
        y[..., int(bin_)] += sign * x[..., channel]
    return y


def convolve(a, b):
    """The circular convolution along the last axis, by its definition."""
    width = a.shape[-1]
    shifted = np.stack([np.roll(b[..., ::-1], k + 1, axis=-1) for k in range(width)], axis=-2)
    return np.einsum("...i,...ki->...k", a, shifted)


def hashes(layer):
    return [keras.ops.convert_to_numpy(weight) for weight in layer.weights]


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_a_count_sketch_adds_or_takes_each_channel_once(contract, rng, data_format):
    x = rng.normal(size=(2, 3, 5, 7)).astype("float32")
    layer = CountSketch(4, seed=3, data_format=data_format)
    given = x if data_format == "channels_last" else np.moveaxis(x, -1, 1)
    y = contract(layer, given)
    y = y if data_format == "channels_last" else np.moveaxis(y, 1, -1)
    bins, signs = hashes(layer)
    np.testing.assert_allclose(y, sketch(x, bins, signs, 4), rtol=1e-5, atol=1e-6)
    assert set(signs) == {-1, 1}
    assert set(bins) <= {0, 1, 2, 3}
    assert not layer.trainable_weights


def test_several_inputs_have_a_sketch_each(contract, rng):
    a, b = (rng.normal(size=(2, c)).astype("float32") for c in (6, 9))
    layer = CountSketch(5, seed=8)
    first, second = contract(layer, a, b)
    h0, s0, h1, s1 = hashes(layer)
    np.testing.assert_allclose(first, sketch(a, h0, s0, 5), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(second, sketch(b, h1, s1, 5), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("width", [16, 15, 7])
@pytest.mark.parametrize("inputs", [2, 3])
def test_compact_pooling_convolves_the_sketches(contract, rng, width, inputs):
    arrays = [rng.normal(size=(3, 4 + 2 * i)).astype("float32") for i in range(inputs)]
    layer = CompactBilinearPooling(width, seed=2)
    y = contract(layer, *arrays)
    weights = hashes(layer)
    sketches = [sketch(x, weights[2 * k], weights[2 * k + 1], width) for k, x in enumerate(arrays)]
    expected = sketches[0]
    for each in sketches[1:]:
        expected = convolve(expected, each)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize(
    ("arguments", "pooled"),
    [
        ({"sum_pool": False}, lambda y: y),
        ({}, lambda y: y.sum((1, 2))),
        ({"keepdims": True}, lambda y: y.sum((1, 2), keepdims=True)),
        ({"scale": 8.0}, lambda y: 8 * y.sum((1, 2))),
    ],
)
def test_compact_pooling_of_images(contract, rng, data_format, arguments, pooled):
    a, b = (rng.normal(size=(2, 3, 5, c)).astype("float32") for c in (4, 6))
    layer = CompactBilinearPooling(8, seed=4, data_format=data_format, **arguments)
    first = data_format == "channels_first"
    given = [np.moveaxis(x, -1, 1) for x in (a, b)] if first else [a, b]
    y = contract(layer, *given)
    h0, s0, h1, s1 = hashes(layer)
    expected = pooled(convolve(sketch(a, h0, s0, 8), sketch(b, h1, s1, 8)))
    expected = np.moveaxis(expected, -1, 1) if first and expected.ndim == 4 else expected
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=2e-4)


@pytest.mark.parametrize("name", ["even", "odd_d", "small_d"])
def test_compact_pooling_is_the_tensor_sketch_that_the_fork_missed(contract, fork_case, name):
    # MarcBS's own output multiplies real and imaginary parts one by one; this is the right one.
    case = fork_case(f"CompactBilinearPooling_{name}")
    a, b, expected = case["input_0"], case["input_1"], case["true_tensor_sketch"]
    drawn = [case[f"weight_{k}"] for k in ("00_h0", "02_s0", "01_h1", "03_s1")]
    layer = CompactBilinearPooling(expected.shape[1])
    layer.build([a.shape, b.shape])
    layer.set_weights(drawn)
    np.testing.assert_allclose(contract(layer, a, b), expected, rtol=1e-5, atol=1e-5)
    sketches = CountSketch(expected.shape[1])
    sketches.build([a.shape, b.shape])
    sketches.set_weights(drawn)
    first, second = (keras.ops.convert_to_numpy(each) for each in sketches([a, b]))
    np.testing.assert_allclose(first, case["sketch_0"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(second, case["sketch_1"], rtol=1e-5, atol=1e-6)


def test_caffes_draw_is_bins_then_signs_of_each_input():
    layer = CompactBilinearPooling(16, caffe_seed=1, data_format="channels_first")
    layer.build([(2, 5, 2, 3), (2, 7, 2, 3)])
    numbers = c_random(1)
    for k, channels in enumerate((5, 7)):
        bins = [n % 16 for n in islice(numbers, channels)]
        signs = [2 * (n % 2) - 1 for n in islice(numbers, channels)]
        assert hashes(layer)[2 * k].tolist() == bins
        assert hashes(layer)[2 * k + 1].tolist() == signs


def test_a_seed_repeats_the_draw_and_none_is_another_every_time():
    def draw(seed):
        layer = CountSketch(1000, seed=seed)
        layer.build((None, 50))
        return hashes(layer)[0].tolist()

    assert draw(7) == draw(7) != draw(8)
    assert draw(None) != draw(None)
    keras.utils.set_random_seed(3)
    first = draw(None)
    keras.utils.set_random_seed(3)
    assert draw(None) == first


def test_sizes_unknown_until_the_call_change_nothing(dynamic_call, rng):
    a, b = (rng.normal(size=(2, 3, 5, c)).astype("float32") for c in (4, 6))
    layer = CompactBilinearPooling(8, sum_pool=False, seed=4, data_format="channels_last")
    y = dynamic_call(layer, a, b)
    h0, s0, h1, s1 = hashes(layer)
    expected = convolve(sketch(a, h0, s0, 8), sketch(b, h1, s1, 8))
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=2e-4)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("keepdims", [False, True])
def test_bilinear_pooling_sums_outer_products(contract, rng, data_format, keepdims):
    a, b = (rng.normal(size=(2, 3, 5, c)).astype("float32") for c in (4, 6))
    expected = np.einsum("nhwa,nhwb->nab", a, b).reshape(2, 24)
    if data_format == "channels_first":
        a, b = np.moveaxis(a, -1, 1), np.moveaxis(b, -1, 1)
    y = contract(BilinearPooling(keepdims, data_format=data_format), a, b)
    assert y.ndim == (4 if keepdims else 2)
    np.testing.assert_allclose(y.reshape(2, 24), expected, rtol=1e-4, atol=1e-5)


def test_wrong_inputs_are_refused():
    with pytest.raises(ValueError, match="`output_dim` must be from 1"):
        CountSketch(0)
    with pytest.raises(ValueError, match="channels must be known"):
        CountSketch(4).build((2, None))
    with pytest.raises(ValueError, match="two or more inputs"):
        CompactBilinearPooling(4).compute_output_shape([(2, 3)])
    with pytest.raises(ValueError, match="differ in their channels only"):
        CompactBilinearPooling(4).compute_output_shape([(2, 5, 3), (2, 6, 3)])
    with pytest.raises(ValueError, match="two inputs of known channels"):
        BilinearPooling().compute_output_shape([(2, 3), (2, None)])

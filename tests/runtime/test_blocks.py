"""Tiling into blocks and collapsing over rows, against NumPy."""

import keras
import numpy as np
import pytest
from keras import ops

from caffe2keras.runtime import CollapseRows, TileBlocks

SHAPE = (2, 5, 9, 3)


def tiled(x, height, width):
    n, rows, columns, channels = x.shape
    x = np.pad(x, ((0, 0), (0, -rows % height), (0, -columns % width), (0, 0)))
    down, along = x.shape[1] // height, x.shape[2] // width
    out = np.zeros((n, down, along, height * width * channels), x.dtype)
    for y in range(down):
        for z in range(along):
            block = x[:, y * height : (y + 1) * height, z * width : (z + 1) * width]
            out[:, y, z] = block.reshape(n, -1)
    return out


def in_format(x, data_format):
    return x.transpose(0, 3, 1, 2) if data_format == "channels_first" else x


def called(layer, x, mask):
    return ops.convert_to_numpy(layer(ops.convert_to_tensor(x), mask=ops.convert_to_tensor(mask)))


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("block", [(2, 4), (3, 2), (1, 1), (7, 10), 2], ids=str)
def test_blocks_are_filled_up_with_zeros_at_the_bottom_and_right(contract, rng, block, data_format):
    x = rng.normal(size=SHAPE).astype("float32")
    layer = TileBlocks(block, data_format=data_format)
    expected = tiled(x, *(block if isinstance(block, tuple) else (block, block)))
    output = contract(layer, in_format(x, data_format))
    np.testing.assert_array_equal(output, in_format(expected, data_format))


def test_a_dense_behind_it_is_a_convolution_that_does_not_overlap(rng):
    x = rng.normal(size=(2, 6, 8, 3)).astype("float32")
    kernel = rng.normal(size=(2, 4, 3, 5)).astype("float32")
    convolution = keras.layers.Conv2D(5, (2, 4), strides=(2, 4), use_bias=False)
    convolution.build(x.shape)
    convolution.set_weights([kernel])
    expected = ops.convert_to_numpy(convolution(ops.convert_to_tensor(x)))
    np.testing.assert_allclose(tiled(x, 2, 4) @ kernel.reshape(-1, 5), expected, atol=1e-5)


def test_masked_pixels_are_the_padding_that_they_would_be(rng):
    x = rng.normal(size=SHAPE).astype("float32")
    mask = np.zeros(SHAPE[:3], bool)
    mask[:, :3, :6] = True
    layer = TileBlocks((2, 4))
    output = called(layer, x, mask)
    np.testing.assert_array_equal(output[:, :2, :2], tiled(x[:, :3, :6], 2, 4))
    np.testing.assert_array_equal(output[:, 2:], 0)
    valid = ops.convert_to_numpy(layer.compute_mask(None, ops.convert_to_tensor(mask)))
    np.testing.assert_array_equal(valid[0], [[True, True, False]] * 2 + [[False] * 3])


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("use_bias", [True, False])
def test_rows_collapse_into_one_and_the_bias_comes_once(contract, rng, data_format, use_bias):
    x = rng.normal(size=SHAPE).astype("float32")
    layer = CollapseRows(use_bias, data_format=data_format)
    given = in_format(x, data_format)
    layer.build(given.shape)
    bias = np.array([1.0, 2.0, 3.0])
    layer.set_weights([bias] if use_bias else [])
    output = contract(layer, given)
    np.testing.assert_allclose(output, x.sum(axis=1) + (bias if use_bias else 0), atol=1e-5)


def test_masked_pixels_do_not_count_and_the_mask_ends(rng):
    x = rng.normal(size=SHAPE).astype("float32")
    mask = rng.random(size=SHAPE[:3]) < 0.5
    layer = CollapseRows(use_bias=False)
    np.testing.assert_allclose(called(layer, x, mask), (x * mask[..., None]).sum(axis=1), atol=1e-5)
    masked = keras.layers.Masking()(keras.Input(SHAPE[1:]))
    assert getattr(layer(masked), "_keras_mask", None) is None
    assert TileBlocks(2)(masked)._keras_mask.shape == (None, 3, 5)


@pytest.mark.parametrize("layer", [TileBlocks((2, 4)), CollapseRows(use_bias=False)], ids=type)
def test_height_and_width_may_be_unknown(rng, dynamic_call, layer):
    x = rng.normal(size=SHAPE).astype("float32")
    expected = tiled(x, 2, 4) if isinstance(layer, TileBlocks) else x.sum(axis=1)
    np.testing.assert_allclose(dynamic_call(layer, x), expected, atol=1e-5)


def test_a_block_without_an_extent_is_refused():
    with pytest.raises(ValueError, match="`block` must be 2 integers of at least 1"):
        TileBlocks((2, 0))

"""Values in another order along an axis."""

from __future__ import annotations

import numpy as np
import pytest

from caffe2keras.runtime import Reverse, ReverseSequence, ShuffleChannels


def test_it_reverses_some_axes(contract, rng):
    x = rng.normal(size=(2, 5, 7, 3)).astype("float32")
    np.testing.assert_array_equal(contract(Reverse([3, 1]), x), x[:, ::-1, :, ::-1])
    np.testing.assert_array_equal(contract(Reverse([]), x), x)


def test_it_reverses_the_batch(contract, rng):
    x = rng.normal(size=(4, 3)).astype("float32")
    np.testing.assert_array_equal(contract(Reverse([0]), x, static=True), x[::-1])


def reverse(x, lengths, copy):
    """(N, T, ...) -> each sequence reversed up to its length."""
    y = x.copy() if copy else np.zeros_like(x)
    for n, length in enumerate(lengths.astype(int)):
        y[n, :length] = x[n, :length][::-1]
    return y


@pytest.mark.parametrize("copy", [False, True])
def test_it_reverses_sequences_as_far_as_they_go(contract, rng, copy):
    x = rng.normal(size=(3, 5, 2, 4)).astype("float32")
    lengths = np.array([5, 0, 3], "float32")
    y = contract(ReverseSequence(1, 0, copy), x, lengths)
    np.testing.assert_array_equal(y, reverse(x, lengths, copy))


def test_the_sequences_may_stand_behind_time(contract, rng):
    x = rng.normal(size=(5, 3)).astype("float32")
    lengths = np.array([2, 5, 4], "float32")
    y = contract(ReverseSequence(0, 1), x, lengths, static=True)
    np.testing.assert_array_equal(y.T, reverse(x.T, lengths, copy=False))


def test_it_shuffles_channels_between_groups(contract, rng):
    x = rng.normal(size=(2, 3, 4, 6)).astype("float32")
    order = [0, 2, 4, 1, 3, 5]
    y = contract(ShuffleChannels(3, data_format="channels_last"), x)
    np.testing.assert_array_equal(y, x[..., order])
    y = contract(ShuffleChannels(3, data_format="channels_first"), np.moveaxis(x, -1, 1))
    np.testing.assert_array_equal(np.moveaxis(y, 1, -1), x[..., order])


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="must differ and be counted from 0"):
        Reverse([1, 1])
    with pytest.raises(ValueError, match="must differ and be counted from 0"):
        ReverseSequence(1, 1)
    with pytest.raises(ValueError, match="one length for each sequence"):
        ReverseSequence(0, 1).compute_output_shape([(5, 3), (4,)])
    with pytest.raises(ValueError, match="at least 1"):
        ShuffleChannels(0)
    with pytest.raises(ValueError, match="must divide the channels"):
        ShuffleChannels(4, data_format="channels_last").compute_output_shape((None, 6))

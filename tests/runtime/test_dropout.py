"""Dropout that goes on when predicting."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from caffe2keras.runtime import SampledDropout

ONES = np.ones((5, 40, 30, 3), "float32")


def predicted(layer: keras.Layer) -> np.ndarray:
    inputs = keras.Input(ONES.shape[1:])
    model = keras.Model(inputs, layer(inputs))
    return np.stack([model.predict(ONES, verbose=0) for _ in range(2)])


def test_predictions_are_drawn_anew_each_time():
    first, second = predicted(SampledDropout(0.4, seed=11))
    assert set(np.unique(first.round(4))) == {0.0, np.float32(1 / 0.6).round(4)}
    assert (first != second).any()


def test_the_share_that_is_dropped_is_the_rate():
    # 36,000 draws: four standard deviations are 0.01.
    assert (predicted(SampledDropout(0.4, seed=11)) == 0).mean() == pytest.approx(0.4, abs=0.01)


def test_without_sampling_nothing_is_dropped(contract):
    np.testing.assert_array_equal(contract(SampledDropout(0.4, sampling=False), ONES), ONES)
    np.testing.assert_array_equal(predicted(SampledDropout(0.4, sampling=False))[0], ONES)


def test_its_arguments_survive():
    layer = SampledDropout(0.4, noise_shape=(None, 1, 1, 3), seed=11)
    again = SampledDropout.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert again.sampling

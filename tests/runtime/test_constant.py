"""A constant in the graph."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from caffe2keras.runtime import BroadcastMultiply, Constant


@pytest.mark.parametrize("shape", [(2, 3), (1, 4, 3), ()])
def test_the_weight_comes_out_whatever_goes_in(contract, rng, shape):
    layer = Constant(shape)
    layer.build((None, 7))
    value = rng.normal(size=shape).astype("float32")
    layer.set_weights([value])
    assert [weight.name for weight in layer.non_trainable_weights] == ["value"]
    y = contract(layer, np.full((5, 7), np.nan, "float32"))
    np.testing.assert_array_equal(y, value)


def test_a_constant_meets_the_batch_in_a_larger_net(rng, tmp_path):
    inputs = keras.Input((4, 3))
    factor = Constant([3])(inputs)
    model = keras.Model(inputs, BroadcastMultiply([2])([inputs, factor]))
    value = rng.normal(size=3).astype("float32")
    model.set_weights([value])
    model.save(tmp_path / "model.h5")
    x = rng.normal(size=(5, 4, 3)).astype("float32")
    again = keras.models.load_model(tmp_path / "model.h5")
    np.testing.assert_allclose(again.predict(x, batch_size=2, verbose=0), x * value, rtol=1e-6)


def test_an_empty_size_is_refused():
    with pytest.raises(ValueError, match="positive sizes only"):
        Constant([2, 0])

"""ClassActivationMapping against the MarcBS fork, and against the head it explains."""

import keras
import numpy as np
import pytest
from keras import ops

from caffe2keras.runtime import ClassActivationMapping


@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
@pytest.mark.parametrize(
    "name", ["ClassActivationMapping_ctor_weights", "ClassActivationMapping_one_pixel"]
)
def test_the_forks_numbers_come_out(fork_case, name, data_format):
    case = fork_case(name)
    layer = ClassActivationMapping.from_fork_weights(case.weights, data_format=data_format)
    features, expected = case["input_0"], case["output_0"]
    if data_format == "channels_last":
        features, expected = (np.moveaxis(one, 1, -1) for one in (features, expected))
    outputs = ops.convert_to_numpy(layer(ops.convert_to_tensor(np.ascontiguousarray(features))))
    np.testing.assert_allclose(outputs, expected, atol=2e-6, rtol=0)


@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
def test_the_mean_of_the_map_is_the_logit_of_the_head(rng, data_format):
    features = rng.normal(size=(2, 5, 4, 3)).astype("float32")
    if data_format == "channels_first":
        features = np.ascontiguousarray(np.moveaxis(features, -1, 1))
    pooling = keras.layers.GlobalAveragePooling2D(data_format=data_format)
    dense = keras.layers.Dense(7, use_bias=False)
    logits = dense(pooling(ops.convert_to_tensor(features)))
    maps = ClassActivationMapping.from_head(pooling, dense)(ops.convert_to_tensor(features))
    axes = (1, 2) if data_format == "channels_last" else (2, 3)
    mean = ops.convert_to_numpy(maps).mean(axes)
    np.testing.assert_allclose(mean, ops.convert_to_numpy(logits), atol=2e-6)


@pytest.mark.parametrize("size", [None, (9, 8)])
@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
def test_it_keeps_the_contract_of_a_layer(contract, rng, data_format, size):
    features = rng.normal(size=(2, 5, 4, 3)).astype("float32")
    outputs = contract(ClassActivationMapping(7, size=size, data_format=data_format), features)
    assert outputs.shape[1 if data_format == "channels_first" else -1] == 7


def test_a_size_of_one_number_is_refused():
    with pytest.raises(ValueError, match="`size`"):
        ClassActivationMapping(7, size=[9])

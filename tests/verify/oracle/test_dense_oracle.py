"""InnerProduct and Embed: what the recorded nets do not show."""

from __future__ import annotations

import numpy as np
import pytest

from caffe2keras.errors import InputError


def test_inner_product_reads_the_image_channel_by_channel(compute):
    x = np.arange(12.0).reshape(1, 2, 2, 3)
    kernel = np.zeros((1, 12))
    kernel[0, 7] = 1  # channel 1, row 0, column 1
    layer = 'type: "InnerProduct" inner_product_param { num_output: 1 bias_term: false }'
    (y,) = compute(layer, x, weights=[kernel])
    np.testing.assert_array_equal(y, [[7]])


def test_embed_names_an_index_outside_its_table(compute):
    layer = 'type: "Embed" embed_param { num_output: 2 input_dim: 3 bias_term: false }'
    table = np.arange(6).reshape(3, 2)
    (y,) = compute(layer, [[2, 0]], weights=[table])
    np.testing.assert_array_equal(y, [[[4, 5], [0, 1]]])
    with pytest.raises(InputError, match='"b0" holds indices -1 to 2; expected 0 to 2') as caught:
        compute(layer, [[2, -1]], weights=[table])
    assert caught.value.where.startswith('layer "layer"')


def test_inner_distance_is_squared_or_absolute(compute):
    x, centres = [[1.0, 2]], [[4, 6], [0, 2]]
    layer = 'type: "InnerDistance" inner_distance_param { num_output: 2 %s }'
    np.testing.assert_array_equal(compute(layer % "", x, weights=[centres])[0], [[25, 1]])
    (y,) = compute(layer % 'distance_type: "L1"', x, weights=[centres])
    np.testing.assert_array_equal(y, [[7, 1]])
    (y,) = compute(layer % "normalize: true", [[0.0, 0]], weights=[centres])
    np.testing.assert_allclose(y, [[1, 1]])


def test_embed_takes_one_index_too(compute):
    layer = 'type: "Embed" embed_param { num_output: 2 input_dim: 3 bias_term: false }'
    (y,) = compute(layer, [[1]], weights=[np.arange(6.0).reshape(3, 2)])
    np.testing.assert_array_equal(y, [[[2, 3]]])

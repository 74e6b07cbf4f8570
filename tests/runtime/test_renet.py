"""ReNet against Keras's own LSTM, column by column and row by row."""

import keras
import numpy as np
import pytest
from keras import ops

from caffe2keras.runtime import ReNet

SHAPE = (2, 4, 5, 3)


def both_ways(lines, weights):
    """(lines, steps, C) read forwards and backwards by plain LSTMs."""
    outputs = []
    for k in range(2):
        plain = keras.layers.LSTM(6, return_sequences=True, go_backwards=k == 1)
        plain.build((None, None, lines.shape[-1]))
        plain.set_weights(weights[3 * k : 3 * k + 3])
        output = ops.convert_to_numpy(plain(ops.convert_to_tensor(lines)))
        outputs.append(output[:, ::-1] if k else output)
    return np.concatenate(outputs, axis=-1)


def called(layer, x, mask=None):
    options = {} if mask is None else {"mask": ops.convert_to_tensor(mask)}
    return ops.convert_to_numpy(layer(ops.convert_to_tensor(x), **options))


def test_columns_are_read_first_and_then_rows(rng):
    x = rng.normal(size=SHAPE).astype("float32")
    layer = ReNet(6)
    outputs = called(layer, x)
    weights = layer.get_weights()
    for n in range(SHAPE[0]):
        columns = both_ways(x[n].transpose(1, 0, 2), weights[:6])
        rows = both_ways(columns.transpose(1, 0, 2), weights[6:])
        np.testing.assert_allclose(outputs[n], rows, atol=2e-6)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_it_keeps_the_contract_of_a_layer(contract, rng, data_format):
    layer = ReNet(
        6,
        activation="softsign",
        recurrent_activation="hard_sigmoid",
        use_bias=False,
        dropout=0.3,
        data_format=data_format,
    )
    contract(layer, rng.normal(size=SHAPE).astype("float32"))


def test_channels_first_is_the_same_with_its_axes_moved(rng):
    x = rng.normal(size=SHAPE).astype("float32")
    last = ReNet(6, data_format="channels_last")
    expected = called(last, x)
    first = ReNet(6, data_format="channels_first")
    first.build((None, 3, 4, 5))
    first.set_weights(last.get_weights())
    outputs = called(first, x.transpose(0, 3, 1, 2))
    np.testing.assert_allclose(outputs.transpose(0, 2, 3, 1), expected, atol=1e-6)


def test_a_padded_image_gives_what_it_gives_without_padding(rng):
    x = rng.normal(size=SHAPE).astype("float32")
    mask = np.zeros(SHAPE[:3], bool)
    mask[:, :3, :2] = True
    layer = ReNet(6)
    outputs = called(layer, x, mask)
    np.testing.assert_array_equal(outputs[~mask], 0)
    np.testing.assert_allclose(outputs[:, :3, :2], called(layer, x[:, :3, :2]), atol=1e-6)
    masked = keras.layers.Masking()(keras.Input(SHAPE[1:]))
    assert layer(masked)._keras_mask.shape == (None, 4, 5)


def test_no_units_are_refused():
    with pytest.raises(ValueError, match="units"):
        ReNet(0)

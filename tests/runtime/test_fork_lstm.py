"""The MarcBS fork's plain LSTM, in both forms of its weights, is Keras's with the old gates."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from caffe2keras.runtime import hard_sigmoid
from caffe2keras.runtime.fork_weights import fuse_gates


@pytest.mark.parametrize("case", ["LSTM_seq", "LSTM_mem"])
def test_keras_lstm_takes_the_forks_weights(fork_case, case):
    recorded = fork_case(case)
    weights = recorded.weights
    kernel, recurrent, bias = weights if len(weights) == 3 else fuse_gates(weights)
    x = recorded["input_0"]
    layer = keras.layers.LSTM(
        bias.size // 4,
        recurrent_activation=hard_sigmoid,
        return_sequences=recorded.is_sequence,
    )
    model = keras.Sequential([keras.Input(x.shape[1:]), layer])
    layer.set_weights([kernel, recurrent, bias])
    y = model.predict_on_batch(x)
    np.testing.assert_allclose(y, recorded["output_0"], rtol=1e-5, atol=1e-6)

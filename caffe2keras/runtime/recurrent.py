"""Caffe's recurrent layers, whose sequences may begin anew in the middle of the time axis.

Everything is batch-major here: (N, T, ...) where Caffe has (T, N, ...), and the states, (1, N, H)
there, are (N, 1, H).

A step whose mask is False keeps the states and repeats the hidden state before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe2keras.runtime.base_recurrent import LSTMCell, Recurrent, RNNCell, Shape, remembered
from caffe2keras.runtime.dialect import keras, ops

__all__ = ["CaffeLSTM", "CaffeRNN", "LSTMUnit"]


@keras.saving.register_keras_serializable(package="caffe2keras")
class LSTMUnit(keras.Layer):
    """One step of Caffe's LSTM, the matrix products left out (lstm_unit_layer.cpp).

    ``c = cont * sigmoid(f) * c' + sigmoid(i) * tanh(g)`` and ``h = sigmoid(o) * tanh(c)``; where
    cont is 0 not even a NaN of c' survives.

    Input shape:
        a list [c' (..., H), gates (..., 4H) in the order i, f, o, g, cont (...)].

    Output shape:
        a list [c (..., H), h (..., H)].

    Example:
        >>> x = keras.ops.ones((2, 1, 12))
        >>> c, h = LSTMUnit()([x[..., :3], x, x[..., 0]])
        >>> c.shape
        (2, 1, 3)
    """

    def call(self, inputs: Sequence[keras.KerasTensor]) -> list[keras.KerasTensor]:
        """The new cell and the hidden state."""
        cell, gates, cont = inputs
        i, f, o, g = ops.split(gates, 4, axis=-1)
        cell = remembered(cell, f, ops.expand_dims(cont, -1)) + ops.sigmoid(i) * ops.tanh(g)
        return [cell, ops.sigmoid(o) * ops.tanh(cell)]

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> list[Shape]:
        """The cell's shape, twice."""
        return [tuple(input_shape[0])] * 2


@keras.saving.register_keras_serializable(package="caffe2keras")
class CaffeLSTM(Recurrent):
    """An LSTM that forgets where a sequence begins (recurrent_layer.cpp, lstm_layer.cpp).

    At each step, with ``h' = cont * h``, the gates i, f, g, o are ``x W + h' U + b`` and what the
    static input adds; then ``c = cont * sigmoid(f) * c + sigmoid(i) * tanh(g)`` and
    ``h = sigmoid(o) * tanh(c)``. With cont 1 throughout it is Keras's own LSTM, and the kernels
    have its order of gates.

    Args:
        units: H.
        use_cont: whether there is a cont; without it, it is 1 at every step.
        use_static: whether there is an input that is the same at every step.
        use_initial_states: whether h and c before the first step are given; else they are zeros.
        return_states: whether h and c after the last step are returned too.
        go_backwards: whether the last step is taken first; outputs come in the order taken.
        stateful: whether a prediction begins with the states that the one before ended with, as
            in Caffe without expose_hidden; the batch size must be known then. ``reset_state()``
            makes them zero again. Not on OpenVINO, whose models write to no variable, nor on
            Theano.

    Input shape:
        x (N, T, D), or a list [x, cont (N, T), static (N, S), h (N, 1, H), c (N, 1, H)], those
        left out that the arguments do not ask for.

    Output shape:
        (N, T, H); with ``return_states`` a list of it and (N, 1, H) twice.

    Weights:
        ``kernel`` (D, 4H), ``bias`` (4H,), ``static_kernel`` (S, 4H), ``recurrent_kernel``
        (H, 4H); of a stateful layer also the states, ``state_0`` and ``state_1`` (N, H).

    Example:
        >>> x, cont = keras.ops.ones((2, 5, 3)), keras.ops.array([[0.0, 1, 1, 0, 1]] * 2)
        >>> CaffeLSTM(4)([x, cont]).shape
        (2, 5, 4)
    """

    cell_class = LSTMCell

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """The hidden states, and the last states if asked for."""
        return self._answer(*self._stepped(inputs, mask))


@keras.saving.register_keras_serializable(package="caffe2keras")
class CaffeRNN(Recurrent):
    """A plain recurrent layer that forgets where a sequence begins (rnn_layer.cpp).

    At each step ``h = tanh(x W + cont * h U + b)``, with what the static input adds, and the
    output is ``tanh(h V + v)``.

    Args:
        units: H.
        use_cont: whether there is a cont; without it, it is 1 at every step.
        use_static: whether there is an input that is the same at every step.
        use_initial_states: whether h before the first step is given; else it is zero.
        return_states: whether h after the last step is returned too.
        go_backwards: as for :class:`CaffeLSTM`.
        stateful: as for :class:`CaffeLSTM`.

    Input shape:
        x (N, T, D), or a list [x, cont (N, T), static (N, S), h (N, 1, H)], those left out that
        the arguments do not ask for.

    Output shape:
        (N, T, H); with ``return_states`` a list of it and (N, 1, H).

    Weights:
        ``kernel`` (D, H), ``bias`` (H,), ``static_kernel`` (S, H), ``output_kernel`` (H, H),
        ``output_bias`` (H,), ``recurrent_kernel`` (H, H); of a stateful layer also ``state_0``
        (N, H).

    Example:
        >>> x, cont = keras.ops.ones((2, 5, 3)), keras.ops.array([[0.0, 1, 1, 0, 1]] * 2)
        >>> CaffeRNN(4)([x, cont]).shape
        (2, 5, 4)
    """

    cell_class = RNNCell

    def build(self, input_shape: Any) -> None:
        """Makes the weights."""
        super().build(input_shape)
        self.output_kernel = self.add_weight(name="output_kernel", shape=(self.units, self.units))
        self.output_bias = self.add_weight(
            name="output_bias", shape=(self.units,), initializer="zeros"
        )

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """The outputs, and the last hidden state if asked for."""
        hidden, states = self._stepped(inputs, mask)
        outputs = ops.tanh(ops.matmul(hidden, self.output_kernel) + self.output_bias)
        return self._answer(outputs, states)

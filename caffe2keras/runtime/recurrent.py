"""Caffe's recurrent layers, whose sequences may begin anew in the middle of the time axis.

Everything is batch-major here: (N, T, ...) where Caffe has (T, N, ...), and the states, (1, N, H)
there, are (N, 1, H).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

__all__ = ["CaffeLSTM", "CaffeRNN", "LSTMUnit"]

Shape = tuple[int | None, ...]


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
        cell = _remembered(cell, f, ops.expand_dims(cont, -1)) + ops.sigmoid(i) * ops.tanh(g)
        return [cell, ops.sigmoid(o) * ops.tanh(cell)]

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> list[Shape]:
        """The cell's shape, twice."""
        return [tuple(input_shape[0])] * 2


class _LSTMCell(keras.Layer):
    """One step: [gates (4H), cont (1)] in one row, gates in Keras's order i, f, g, o."""

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = self.output_size = units
        self.state_size = [units, units]
        self.width = 4 * units

    def build(self, input_shape: Shape) -> None:
        self.recurrent_kernel = self.add_weight(
            name="recurrent_kernel",
            shape=(self.units, self.width),
            initializer="orthogonal",
        )

    def call(self, inputs: keras.KerasTensor, states: Sequence[keras.KerasTensor]) -> Any:
        hidden, cell = states
        driven, cont = inputs[:, : self.width], inputs[:, self.width :]
        gates = driven + ops.matmul(cont * hidden, self.recurrent_kernel)
        i, f, g, o = ops.split(gates, 4, axis=-1)
        cell = _remembered(cell, f, cont) + ops.sigmoid(i) * ops.tanh(g)
        hidden = ops.sigmoid(o) * ops.tanh(cell)
        return hidden, [hidden, cell]


class _RNNCell(keras.Layer):
    """One step: [what drives the state (H), cont (1)] in one row."""

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = self.output_size = self.width = units
        self.state_size = [units]

    def build(self, input_shape: Shape) -> None:
        self.recurrent_kernel = self.add_weight(
            name="recurrent_kernel", shape=(self.units, self.units), initializer="orthogonal"
        )

    def call(self, inputs: keras.KerasTensor, states: Sequence[keras.KerasTensor]) -> Any:
        driven, cont = inputs[:, : self.width], inputs[:, self.width :]
        hidden = ops.tanh(driven + ops.matmul(cont * states[0], self.recurrent_kernel))
        return hidden, [hidden]


class _Recurrent(keras.Layer):
    """What the two have in common: their inputs, and the weights that those meet."""

    cell_class: type[_LSTMCell] | type[_RNNCell]

    def __init__(
        self,
        units: int,
        use_cont: bool = True,
        use_static: bool = False,
        use_initial_states: bool = False,
        return_states: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if units < 1:
            raise ValueError(f"`units` must be at least 1. Received: units={units}")
        self.units = int(units)
        self.use_cont = bool(use_cont)
        self.use_static = bool(use_static)
        self.use_initial_states = bool(use_initial_states)
        self.return_states = bool(return_states)
        self.cell = self.cell_class(self.units)
        self.steps = keras.layers.RNN(self.cell, return_sequences=True, return_state=True)

    def build(self, input_shape: Any) -> None:
        """Makes the weights.

        Raises:
            ValueError: when the number of inputs is not what the arguments say.
        """
        shapes = self._shapes(input_shape)
        x, width = shapes[0], self.cell.width
        self.kernel = self.add_weight(name="kernel", shape=(x[-1], width))
        self.bias = self.add_weight(name="bias", shape=(width,), initializer="zeros")
        if self.use_static:
            static = shapes[1 + self.use_cont]
            self.static_kernel = self.add_weight(name="static_kernel", shape=(static[-1], width))
        self.steps.build((*x[:2], width + 1))

    def _shapes(self, input_shape: Any) -> list[Shape]:
        lone = not isinstance(input_shape[0], list | tuple)
        shapes = [tuple(input_shape)] if lone else [tuple(shape) for shape in input_shape]
        states = len(self.cell.state_size) * self.use_initial_states
        expected = 1 + self.use_cont + self.use_static + states
        if len(shapes) != expected:
            raise ValueError(f"Expected {expected} inputs. Received: input_shape={input_shape}")
        return shapes

    def _stepped(self, inputs: Any) -> tuple[keras.KerasTensor, list[keras.KerasTensor]]:
        """The hidden state at every step (N, T, H), and the last states (N, H)."""
        x, *rest = inputs if isinstance(inputs, list | tuple) else [inputs]
        driven = ops.matmul(x, self.kernel) + self.bias
        cont = rest.pop(0) if self.use_cont else ops.ones_like(x[..., 0])
        if self.use_static:
            driven = driven + ops.expand_dims(ops.matmul(rest.pop(0), self.static_kernel), 1)
        rows = ops.concatenate([driven, ops.expand_dims(cont, -1)], axis=-1)
        initial = [state[:, 0] for state in rest] or None
        hidden, *states = self.steps(rows, initial_state=initial)
        return hidden, states

    def _answer(self, outputs: keras.KerasTensor, states: Sequence[keras.KerasTensor]) -> Any:
        if not self.return_states:
            return outputs
        return [outputs, *(ops.expand_dims(state, 1) for state in states)]

    def compute_output_shape(self, input_shape: Any) -> Any:
        """(N, T, H), and with ``return_states`` (N, 1, H) for each state."""
        x = self._shapes(input_shape)[0]
        outputs: Shape = (*x[:2], self.units)
        states: list[Shape] = [(x[0], 1, self.units)] * len(self.cell.state_size)
        return [outputs, *states] if self.return_states else outputs

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            "use_cont": self.use_cont,
            "use_static": self.use_static,
            "use_initial_states": self.use_initial_states,
            "return_states": self.return_states,
        }


@keras.saving.register_keras_serializable(package="caffe2keras")
class CaffeLSTM(_Recurrent):
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

    Input shape:
        x (N, T, D), or a list [x, cont (N, T), static (N, S), h (N, 1, H), c (N, 1, H)], those
        left out that the arguments do not ask for.

    Output shape:
        (N, T, H); with ``return_states`` a list of it and (N, 1, H) twice.

    Weights:
        ``kernel`` (D, 4H), ``bias`` (4H,), ``static_kernel`` (S, 4H), ``recurrent_kernel``
        (H, 4H).

    Example:
        >>> x, cont = keras.ops.ones((2, 5, 3)), keras.ops.array([[0.0, 1, 1, 0, 1]] * 2)
        >>> CaffeLSTM(4)([x, cont]).shape
        (2, 5, 4)
    """

    cell_class = _LSTMCell

    def call(self, inputs: Any) -> Any:
        """The hidden states, and the last states if asked for."""
        return self._answer(*self._stepped(inputs))


@keras.saving.register_keras_serializable(package="caffe2keras")
class CaffeRNN(_Recurrent):
    """A plain recurrent layer that forgets where a sequence begins (rnn_layer.cpp).

    At each step ``h = tanh(x W + cont * h U + b)``, with what the static input adds, and the
    output is ``tanh(h V + v)``.

    Args:
        units: H.
        use_cont: whether there is a cont; without it, it is 1 at every step.
        use_static: whether there is an input that is the same at every step.
        use_initial_states: whether h before the first step is given; else it is zero.
        return_states: whether h after the last step is returned too.

    Input shape:
        x (N, T, D), or a list [x, cont (N, T), static (N, S), h (N, 1, H)], those left out that
        the arguments do not ask for.

    Output shape:
        (N, T, H); with ``return_states`` a list of it and (N, 1, H).

    Weights:
        ``kernel`` (D, H), ``bias`` (H,), ``static_kernel`` (S, H), ``output_kernel`` (H, H),
        ``output_bias`` (H,), ``recurrent_kernel`` (H, H).

    Example:
        >>> x, cont = keras.ops.ones((2, 5, 3)), keras.ops.array([[0.0, 1, 1, 0, 1]] * 2)
        >>> CaffeRNN(4)([x, cont]).shape
        (2, 5, 4)
    """

    cell_class = _RNNCell

    def build(self, input_shape: Any) -> None:
        """Makes the weights."""
        super().build(input_shape)
        self.output_kernel = self.add_weight(name="output_kernel", shape=(self.units, self.units))
        self.output_bias = self.add_weight(
            name="output_bias", shape=(self.units,), initializer="zeros"
        )

    def call(self, inputs: Any) -> Any:
        """The outputs, and the last hidden state if asked for."""
        hidden, states = self._stepped(inputs)
        outputs = ops.tanh(ops.matmul(hidden, self.output_kernel) + self.output_bias)
        return self._answer(outputs, states)


def _remembered(
    cell: keras.KerasTensor, forget: keras.KerasTensor, cont: keras.KerasTensor
) -> keras.KerasTensor:
    """What is left of the old cell, nothing at all where a sequence begins."""
    return ops.where(cont == 0, 0.0, cont * ops.sigmoid(forget) * cell)

"""What Caffe's recurrent layers have in common: the run through time, the states, the inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from caffe2keras.runtime.dialect import keras, ops, zip

if TYPE_CHECKING:
    from typing import TypeAlias

__all__ = ["LSTMCell", "RNNCell", "Recurrent", "Shape", "remembered"]

Shape: TypeAlias = "tuple[int | None, ...]"


class LSTMCell(keras.Layer):
    """One step: [gates (4H), cont (1)] in one row, gates in Keras's order i, f, g, o."""

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = self.output_size = units
        self.state_size = [units, units]
        self.width = 4 * units

    def build(self, input_shape: Shape) -> None:
        """Makes the kernel."""
        self.recurrent_kernel = self.add_weight(
            name="recurrent_kernel",
            shape=(self.units, self.width),
            initializer="orthogonal",
        )

    def call(self, inputs: keras.KerasTensor, states: Sequence[keras.KerasTensor]) -> Any:
        """The hidden state, and both states."""
        hidden, cell = states
        driven, cont = inputs[:, : self.width], inputs[:, self.width :]
        gates = driven + ops.matmul(cont * hidden, self.recurrent_kernel)
        i, f, g, o = ops.split(gates, 4, axis=-1)
        cell = remembered(cell, f, cont) + ops.sigmoid(i) * ops.tanh(g)
        hidden = ops.sigmoid(o) * ops.tanh(cell)
        return hidden, [hidden, cell]


class RNNCell(keras.Layer):
    """One step: [what drives the state (H), cont (1)] in one row."""

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = self.output_size = self.width = units
        self.state_size = [units]

    def build(self, input_shape: Shape) -> None:
        """Makes the kernel."""
        self.recurrent_kernel = self.add_weight(
            name="recurrent_kernel", shape=(self.units, self.units), initializer="orthogonal"
        )

    def call(self, inputs: keras.KerasTensor, states: Sequence[keras.KerasTensor]) -> Any:
        """The hidden state, twice."""
        driven, cont = inputs[:, : self.width], inputs[:, self.width :]
        hidden = ops.tanh(driven + ops.matmul(cont * states[0], self.recurrent_kernel))
        return hidden, [hidden]


class Recurrent(keras.Layer):
    """What the two have in common: their inputs, and the weights that those meet."""

    cell_class: type[LSTMCell] | type[RNNCell]

    def __init__(
        self,
        units: int,
        use_cont: bool = True,
        use_static: bool = False,
        use_initial_states: bool = False,
        return_states: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if units < 1:
            raise ValueError(f"`units` must be at least 1. Received: units={units}")
        if stateful and use_initial_states:
            raise ValueError("A stateful layer has its initial states from the batch before.")
        self.units = int(units)
        self.use_cont = bool(use_cont)
        self.use_static = bool(use_static)
        self.use_initial_states = bool(use_initial_states)
        self.return_states = bool(return_states)
        self.go_backwards = bool(go_backwards)
        self.stateful = bool(stateful)
        self.states: list[Any] = []
        self.cell = self.cell_class(self.units)
        self.steps = keras.layers.RNN(
            self.cell, return_sequences=True, return_state=True, go_backwards=self.go_backwards
        )
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Makes the weights.

        Raises:
            ValueError: when the number of inputs is not what the arguments say, or a stateful
                layer does not know the batch size.
        """
        shapes = self._shapes(input_shape)
        x, width = shapes[0], self.cell.width
        self.kernel = self.add_weight(name="kernel", shape=(x[-1], width))
        self.bias = self.add_weight(name="bias", shape=(width,), initializer="zeros")
        if self.use_static:
            static = shapes[1 + self.use_cont]
            self.static_kernel = self.add_weight(name="static_kernel", shape=(static[-1], width))
        self.steps.build((*x[:2], width + 1))
        if self.stateful:
            self._make_states(x[0])

    def _make_states(self, batch: int | None) -> None:
        backend = keras.backend.backend()
        if backend in ("openvino", "theano"):
            raise ValueError(
                f"Keras's {backend} backend keeps nothing from one prediction to the next, so "
                "`stateful=True` needs another one. Or feed the states: "
                "`use_initial_states=True`, `return_states=True`."
            )
        if batch is None:
            raise ValueError("With `stateful=True` the batch size must be known.")
        self.states = [
            self.add_weight(
                name=f"state_{place}", shape=(batch, size), initializer="zeros", trainable=False
            )
            for place, size in enumerate(self.cell.state_size)
        ]

    def reset_state(self) -> None:
        """Let the next prediction of a stateful layer begin with zeros."""
        for state in self.states:
            state.assign(ops.zeros(state.shape))

    def _shapes(self, input_shape: Any) -> list[Shape]:
        lone = not isinstance(input_shape[0], (list, tuple))
        shapes = [tuple(input_shape)] if lone else [tuple(shape) for shape in input_shape]
        states = len(self.cell.state_size) * self.use_initial_states
        expected = 1 + self.use_cont + self.use_static + states
        if len(shapes) != expected:
            raise ValueError(f"Expected {expected} inputs. Received: input_shape={input_shape}")
        return shapes

    def _stepped(self, inputs: Any, mask: Any) -> tuple[keras.KerasTensor, list[keras.KerasTensor]]:
        """The hidden state at every step (N, T, H), and the last states (N, H)."""
        x, *rest = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        driven = ops.matmul(x, self.kernel) + self.bias
        cont = rest.pop(0) if self.use_cont else ops.ones_like(x[..., 0])
        if self.use_static:
            driven = driven + ops.expand_dims(ops.matmul(rest.pop(0), self.static_kernel), 1)
        rows = ops.concatenate([driven, ops.expand_dims(cont, -1)], axis=-1)
        mask = mask[0] if isinstance(mask, (list, tuple)) else mask
        hidden, *states = self.steps(rows, initial_state=self._before(rest), mask=mask)
        for state, last in zip(self.states, states, strict=bool(self.states)):
            state.assign(last)
        return hidden, states

    def _before(self, given: Sequence[keras.KerasTensor]) -> list[keras.KerasTensor] | None:
        """The states before the first step (N, H); None for zeros."""
        if self.states:
            # A copy, for torch writes the new state into the old one's memory; and no gradient
            # goes back into the batch before (recurrent_layer.cpp).
            return [ops.stop_gradient(ops.copy(state)) for state in self.states]
        return [state[:, 0] for state in given] or None

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of x for the sequence, none for the states."""
        mask = mask[0] if isinstance(mask, (list, tuple)) else mask
        return [mask, *[None] * len(self.cell.state_size)] if self.return_states else mask

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
            "go_backwards": self.go_backwards,
            "stateful": self.stateful,
        }


def remembered(
    cell: keras.KerasTensor, forget: keras.KerasTensor, cont: keras.KerasTensor
) -> keras.KerasTensor:
    """What is left of the old cell, nothing at all where a sequence begins."""
    return ops.where(cont == 0, 0.0, cont * ops.sigmoid(forget) * cell)

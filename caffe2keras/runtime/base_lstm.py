"""What the LSTMs of this package share: gates, states, masks, dropout and the run through time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe2keras.runtime.dialect import keras, ops
from caffe2keras.runtime.through_time import Shape, Step, Tensor, run_through_time

__all__ = [
    "GATES",
    "RecurrentLSTM",
    "first_mask",
    "hard_sigmoid",
    "words_and_context",
]

GATES = 4  # input, forget, candidate, output: the order along every 4 H axis

_register = keras.saving.register_keras_serializable(package="caffe2keras")


@_register  # type: ignore[untyped-decorator]  # Keras has no types
def hard_sigmoid(x: Tensor) -> Tensor:
    """``clip(0.2 x + 0.5, 0, 1)``, the hard sigmoid of Keras before version 3.

    ``keras.activations.hard_sigmoid`` has been another function since: its slope is 1/6.
    """
    return ops.clip(x * 0.2 + 0.5, 0.0, 1.0)


class RecurrentLSTM(keras.Layer):
    """The arguments, states and outputs of an LSTM that is told more than one sequence.

    With the gates' pre-activation z (N, 4 H), in blocks i, f, g, o::

        c = gate(z_f) c' + gate(z_i) tanh(z_g);   h = gate(z_o) tanh(c)

    A step whose mask is False repeats the output before it (zeros, if there was none) and keeps
    both states, on every backend.

    Args:
        units: H.
        activation: of candidate and output.
        recurrent_activation: of the gates.
        use_bias: whether z has a bias.
        unit_forget_bias: whether the forget gates' biases start at 1.
        kernel_initializer: of what inputs are multiplied by.
        recurrent_initializer: of what states are multiplied by.
        bias_initializer: of the bias.
        kernel_regularizer: of what inputs are multiplied by.
        recurrent_regularizer: of what states are multiplied by.
        bias_regularizer: of the bias.
        dropout: the rate for inputs; one draw holds for all steps.
        recurrent_dropout: the rate for h, likewise.
        return_sequences: whether the output is of all steps, or of the last.
        return_state: whether the last h and c are returned too.
        go_backwards: whether the last step is taken first; outputs come in the order taken.
        unroll: whether the steps are written out, which needs their number to be known. On
            TensorFlow ``jit_compile`` needs it.
        seed: of the dropout.
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        unit_forget_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        unroll: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if units < 1:
            raise ValueError(f"`units` must be at least 1. Received: units={units}")
        self.units = int(units)
        self.activation = keras.activations.get(activation)
        self.recurrent_activation = keras.activations.get(recurrent_activation)
        self.use_bias = bool(use_bias)
        self.unit_forget_bias = bool(unit_forget_bias)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.recurrent_initializer = keras.initializers.get(recurrent_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = keras.regularizers.get(recurrent_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.dropout = float(dropout)
        self.recurrent_dropout = float(recurrent_dropout)
        self.return_sequences = bool(return_sequences)
        self.return_state = bool(return_state)
        self.go_backwards = bool(go_backwards)
        self.unroll = bool(unroll)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True
        # The gradient of TensorFlow's loop is beyond XLA; Keras then compiles without it.
        self.supports_jit = self.unroll or keras.backend.backend() != "tensorflow"

    def __call__(
        self, inputs: Any, initial_state: Sequence[Tensor] | None = None, **kwargs: Any
    ) -> Any:
        """The layer's outputs; initial states count as inputs, however they are given."""
        if initial_state is not None:
            own = inputs if isinstance(inputs, (list, tuple)) else [inputs]
            inputs = [*own, *initial_state]
        return super().__call__(inputs, **kwargs)

    def _add_input_kernel(self, name: str, shape: tuple[int, ...]) -> keras.Variable:
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
        )

    def _add_state_kernel(self, name: str, shape: tuple[int, ...]) -> keras.Variable:
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
        )

    def _add_gate_bias(self) -> keras.Variable | None:
        if not self.use_bias:
            return None

        def initial(shape: tuple[int, ...], dtype: Any = None) -> Tensor:
            if not self.unit_forget_bias:
                return self.bias_initializer(shape, dtype=dtype)
            rest = self.bias_initializer((3 * self.units,), dtype=dtype)
            ones = ops.ones((self.units,), dtype=dtype)
            return ops.concatenate([rest[: self.units], ones, rest[self.units :]])

        return self.add_weight(
            name="bias",
            shape=(GATES * self.units,),
            initializer=initial,
            regularizer=self.bias_regularizer,
        )

    def _advance(self, z: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """The next h and c, (N, H), of the pre-activation (N, 4 H) and the c before."""
        i, f, g, o = (z[:, k * self.units : (k + 1) * self.units] for k in range(GATES))
        gate = self.recurrent_activation
        c = gate(f) * c + gate(i) * self.activation(g)
        return gate(o) * self.activation(c), c

    def _initial_state(self, like: Tensor, given: Sequence[Tensor]) -> list[Tensor]:
        if not given:
            zeros = ops.zeros((ops.shape(like)[0], self.units), dtype=like.dtype)
            return [zeros, zeros]
        return [ops.cast(state, like.dtype) for state in given]

    def _drop_inputs(self, x: Tensor, training: bool) -> Tensor:
        """Dropout with one draw for all steps, where axis 1 is a time axis."""
        if not training or self.dropout == 0.0:
            return x
        ones = ops.ones_like(x[:, :1] if len(x.shape) > 2 else x)
        return x * keras.random.dropout(ones, self.dropout, seed=self.seed_generator)

    def _recurrent_draw(self, h: Tensor, training: bool) -> Tensor | None:
        if not training or self.recurrent_dropout == 0.0:
            return None
        return keras.random.dropout(
            ops.ones_like(h), self.recurrent_dropout, seed=self.seed_generator
        )

    def _run(
        self, step: Step, sequences: list[Tensor], states: list[Tensor], mask: Tensor | None
    ) -> tuple[list[Tensor], list[Tensor]]:
        return run_through_time(
            step, sequences, states, mask, backwards=self.go_backwards, unroll=self.unroll
        )

    def _pack(
        self, outputs: Tensor, extras: Sequence[Tensor], states: Sequence[Tensor]
    ) -> Tensor | list[Tensor]:
        output = outputs if self.return_sequences else outputs[:, -1]
        every = [output, *extras, *(states if self.return_state else ())]
        return every if len(every) > 1 else output

    def _output_shapes(
        self, batch: int | None, steps: int | None, extras: Sequence[Shape]
    ) -> Shape | list[Shape]:
        state = (batch, self.units)
        output = (batch, steps, self.units) if self.return_sequences else state
        every = [output, *extras, *([state, state] if self.return_state else [])]
        return every if len(every) > 1 else output

    def _output_masks(self, mask: Tensor | None, extras: int) -> Any:
        own = mask if self.return_sequences else None
        count = extras + (2 if self.return_state else 0)
        return [own] + [None] * count if count else own

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
            "recurrent_activation": keras.activations.serialize(self.recurrent_activation),
            "use_bias": self.use_bias,
            "unit_forget_bias": self.unit_forget_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "recurrent_initializer": keras.initializers.serialize(self.recurrent_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
            "recurrent_regularizer": keras.regularizers.serialize(self.recurrent_regularizer),
            "bias_regularizer": keras.regularizers.serialize(self.bias_regularizer),
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "go_backwards": self.go_backwards,
            "unroll": self.unroll,
            "seed": self.seed,
        }


def first_mask(mask: Any) -> Tensor | None:
    """The first mask, of one or of a list."""
    return mask[0] if isinstance(mask, (list, tuple)) else mask


def words_and_context(inputs: Sequence[Any]) -> list[Any]:
    """The two or four inputs of a layer that reads words, or their shapes."""
    if not isinstance(inputs, (list, tuple)) or len(inputs) not in (2, 4):
        count = len(inputs) if isinstance(inputs, (list, tuple)) else 1
        raise ValueError(
            f"Expected the inputs words and context, and h and c or not. Received {count} inputs"
        )
    return list(inputs)

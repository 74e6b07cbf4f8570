"""An LSTM that is told a sequence of words and what they are about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe2keras.runtime.base_lstm import (
    GATES,
    RecurrentLSTM,
    first_mask,
    hard_sigmoid,
    words_and_context,
)
from caffe2keras.runtime.dialect import keras, ops
from caffe2keras.runtime.fork_weights import check_fork_version
from caffe2keras.runtime.through_time import Shape, Tensor, silence_before_the_first

__all__ = ["LSTMCond"]

# The gates' activation where the fork's user named none.
_FORK_GATES = {
    "ba642f5": hard_sigmoid,
    "4e6a8ec": hard_sigmoid,
    "v1.0.1": hard_sigmoid,
    "v1.2.3": hard_sigmoid,
    "head": "sigmoid",
}


@keras.saving.register_keras_serializable(package="caffe2keras")
class LSTMCond(RecurrentLSTM):
    """An LSTM conditioned on a context beside the words it reads.

    With the word s_t and the context x_t, or one x for all steps::

        z_t = x_t W + s_t V + h_{t-1} U + b

    The layer of the MarcBS fork of Keras 1, with the inputs of its later versions. What was wrong
    there is not here: ba642f5 fed every sample of a batch with sample 0; up to 4e6a8ec an
    initial state was multiplied by a matrix of ones, so that each unit began at the sum of all;
    regularizers given by name failed; ``return_states`` promised a wrong shape.

    Args:
        units: H; this and all others as in :class:`RecurrentLSTM`.

    Call arguments:
        inputs: [words (N, T, E), context (N, T, D) or (N, D)], and after them, if wanted, the
            initial h and c, (N, H) each.
        initial_state: [h, c], the other way to give them.
        mask: the words' mask, (N, T), first of a list or alone; it drives the recurrence.

    Output shape:
        (N, T, H) or (N, H); with ``return_state`` a list of it, h and c, (N, H) each.

    Example:
        >>> words, context = keras.ops.ones((2, 5, 3)), keras.ops.ones((2, 4))
        >>> LSTMCond(7)([words, context]).shape
        (2, 7)
    """

    def build(self, input_shape: Sequence[Shape]) -> None:
        """The kernels of context, state and words, and the bias."""
        words, context = words_and_context(input_shape)[:2]
        if len(context) not in (2, 3):
            raise ValueError(f"The context must have 2 or 3 axes. Received: shape={context}")
        width = GATES * self.units
        self.kernel = self._add_input_kernel("kernel", (context[-1], width))
        self.recurrent_kernel = self._add_state_kernel("recurrent_kernel", (self.units, width))
        self.conditional_kernel = self._add_input_kernel("conditional_kernel", (words[-1], width))
        self.bias = self._add_gate_bias()
        self.built = True

    def call(
        self,
        inputs: Sequence[Tensor],
        mask: Any = None,
        training: bool = False,
    ) -> Any:
        """The states h, and what else was asked for."""
        words, context, *given = words_and_context(inputs)
        states = self._initial_state(words, given)
        draw = self._recurrent_draw(states[0], training)

        def step(slices: list[Tensor], before: list[Tensor]) -> list[Tensor]:
            h, c = before
            h = h if draw is None else h * draw
            return list(self._advance(slices[0] + ops.matmul(h, self.recurrent_kernel), c))

        # Nothing of this depends on a state: one product for all steps.
        told = ops.matmul(self._drop_inputs(words, training), self.conditional_kernel)
        about = ops.matmul(self._drop_inputs(context, training), self.kernel)
        told = told + (about if len(about.shape) == 3 else ops.expand_dims(about, 1))
        if self.bias is not None:
            told = told + self.bias
        valid = first_mask(mask)
        last, (outputs, _) = self._run(step, [told], states, valid)
        outputs = silence_before_the_first(outputs, valid, self.go_backwards)
        return self._pack(outputs, [], last)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The words' mask, if all steps are put out."""
        return self._output_masks(first_mask(mask), 0)

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Any:
        """(N, T, H) or (N, H), and the states' shapes."""
        words = input_shape[0]
        return self._output_shapes(words[0], words[1], [])

    @classmethod
    def from_fork_weights(
        cls, weights: Sequence[np.ndarray], version: str = "4e6a8ec", **kwargs: Any
    ) -> LSTMCond:
        """A layer with the weights of the fork's.

        Args:
            weights: W (D, 4 H), U (H, 4 H), V (E, 4 H), b (4 H), as its ``get_weights`` gives them.
            version: which fork: ``"ba642f5"``, ``"4e6a8ec"``, ``"v1.0.1"``, ``"v1.2.3"`` or
                ``"head"``. It tells the gates' activation, unless that is among the arguments.
            **kwargs: arguments of this layer.

        Raises:
            ValueError: there is no such version, or the weights are not four.
        """
        check_fork_version(version, list(_FORK_GATES), cls.__name__)
        if len(weights) != 4:
            raise ValueError(f"Expected W, U, V and b. Received {len(weights)} arrays")
        kernel, recurrent, conditional, _ = weights
        kwargs.setdefault("recurrent_activation", _FORK_GATES[version])
        layer = cls(recurrent.shape[0], **kwargs)
        layer.build([(None, None, conditional.shape[0]), (None, None, kernel.shape[0])])
        layer.set_weights(list(weights))
        return layer

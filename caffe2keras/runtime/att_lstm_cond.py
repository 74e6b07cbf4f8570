"""An LSTM that reads words and looks at every position of a context before each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe2keras.runtime.attention import AttentiveLSTM, attend
from caffe2keras.runtime.base_lstm import GATES, first_mask, hard_sigmoid, words_and_context
from caffe2keras.runtime.dialect import keras, ops, zip
from caffe2keras.runtime.fork_weights import check_fork_version
from caffe2keras.runtime.through_time import Shape, Tensor

__all__ = ["AttLSTMCond"]


@keras.saving.register_keras_serializable(package="caffe2keras")
class AttLSTMCond(AttentiveLSTM):
    """An LSTM that reads words, and what it attends to in a context.

    With the context's positions X_i, the word s_t, and h the state before::

        e_i = w · tanh(X_i Ua + h Wa + ba) + ca_i;   a = softmax(e);   φ = Σ a_i X_i
        z = s_t V + φ W + h U + b

    The layer of the MarcBS fork of Keras 1, with the inputs of its later versions. What was wrong
    there is not here: up to v1.0.1 activations, initializers, regularizers and dropout were ignored
    (gates hard_sigmoid, whatever was asked); 4e6a8ec ignored the context's mask, and later ones
    gave masked positions energy 0, which takes a share of the softmax; what was attended to came
    back time first, under a batch-first shape; 4e6a8ec multiplied initial states by a matrix of
    ones; the words' mask went on even where only the last output did.

    Args:
        units: H; this and all others as in :class:`AttentiveLSTM`.
        position_bias: whether there is ca, one number for each position of the context, whose
            number S is fixed then. The fork's always had it.
        legacy_mask: whether masked positions behave as in the fork since v1.0.1: they have energy
            0 and are seen as zeros; without a mask, positions whose features sum to 0 are masked.

    Call arguments:
        inputs: [words (N, T, E), context (N, S, D)], and after them, if wanted, the initial h
            and c, (N, H) each.
        initial_state: [h, c], the other way to give them.
        mask: [of words (N, T), of context (N, S)], each or all None.

    Output shape:
        (N, T, H) or (N, H); with ``return_attention`` or ``return_state`` a list: it, the attended
        vectors (N, T, D), the shares (N, T, S), and h and c, (N, H) each. At masked steps all of
        them repeat the step before.

    Example:
        >>> words, context = keras.ops.ones((2, 5, 3)), keras.ops.ones((2, 6, 4))
        >>> AttLSTMCond(7)([words, context]).shape
        (2, 7)
    """

    def __init__(
        self,
        units: int,
        position_bias: bool = False,
        legacy_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(units, **kwargs)
        self.position_bias = bool(position_bias)
        self.legacy_mask = bool(legacy_mask)

    def build(self, input_shape: Sequence[Shape]) -> None:
        """The kernels of words, attention, context and state, and the biases."""
        words, context = words_and_context(input_shape)[:2]
        width = GATES * self.units
        self.kernel = self._add_input_kernel("kernel", (context[-1], width))
        self.recurrent_kernel = self._add_state_kernel("recurrent_kernel", (self.units, width))
        self.conditional_kernel = self._add_input_kernel("conditional_kernel", (words[-1], width))
        self._add_attention_weights(context[-1])
        self.attention_position_bias = None
        if self.position_bias:
            if context[1] is None:
                raise ValueError("`position_bias=True` needs a context of known length.")
            self.attention_position_bias = self.add_weight(
                name="attention_position_bias", shape=(context[1],), initializer="zeros"
            )
        self.bias = self._add_gate_bias()
        self.built = True

    def call(self, inputs: Sequence[Tensor], mask: Any = None, training: bool = False) -> Any:
        """The states h, and what else was asked for."""
        words, context, *given = words_and_context(inputs)
        valid, looks = (mask[0], mask[1]) if isinstance(mask, (list, tuple)) else (mask, None)
        if looks is None and self.legacy_mask:
            looks = ops.not_equal(ops.sum(context, axis=-1), 0.0)
        context = self._drop_inputs(context, training)
        projected = self._project(context)
        states = self._initial_state(words, given)
        draw = self._recurrent_draw(states[0], training)
        blank = self._blank_attention(context, ops.shape(context)[1])

        def step(slices: list[Tensor], before: list[Tensor]) -> list[Tensor]:
            h, c = before[0] if draw is None else before[0] * draw, before[1]
            energies = self._energies(projected, h)
            if self.attention_position_bias is not None:
                energies = energies + self.attention_position_bias
            attended = attend(energies, context, looks, legacy_mask=self.legacy_mask)
            z = slices[0] + ops.matmul(attended[0], self.kernel)
            after = self._advance(z + ops.matmul(h, self.recurrent_kernel), c)
            return [*after, *(attended if blank else ())]

        # Nothing of this depends on a state: one product for all steps.
        told = ops.matmul(self._drop_inputs(words, training), self.conditional_kernel)
        told = told if self.bias is None else told + self.bias
        last, every = self._run(step, [told], [*states, *blank], valid)
        return self._finish(last, every, valid)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The words' mask, if all steps are put out."""
        return self._output_masks(first_mask(mask), 2 if self.return_attention else 0)

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Any:
        """(N, T, H) or (N, H), and the shapes of attention and states."""
        words, context = words_and_context(input_shape)[:2]
        extras = self._attention_shapes(words[0], words[1], context[1], context[2])
        return self._output_shapes(words[0], words[1], extras)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "position_bias": self.position_bias,
            "legacy_mask": self.legacy_mask,
        }

    @classmethod
    def from_fork_weights(
        cls, weights: Sequence[np.ndarray], version: str = "4e6a8ec", **kwargs: Any
    ) -> AttLSTMCond:
        """A layer with the weights of the fork's.

        Args:
            weights: as its ``get_weights`` gives them: wa (A), Wa (H, A), Ua (D, A), ba (A),
                ca (S), V (E, 4 H), W (D, 4 H), U (H, 4 H), b (4 H); of ``"head"`` W, U, V, Wa,
                Ua, wa, b, ba, ca.
            version: ``"4e6a8ec"``, ``"v1.0.1"``, ``"v1.2.3"`` or ``"head"``. It tells the gates'
                activation, unless that is among the arguments.
            **kwargs: arguments of this layer.

        Raises:
            ValueError: there is no such version, or the weights are not nine.
        """
        check_fork_version(version, ["4e6a8ec", "v1.0.1", "v1.2.3", "head"], cls.__name__)
        if len(weights) != 9:
            raise ValueError(f"Expected 9 arrays. Received {len(weights)}")
        if version == "head":
            kernel, recurrent, conditional, query, context, energy, bias, shift, places = weights
        else:
            energy, query, context, shift, places, conditional, kernel, recurrent, bias = weights
        gates = hard_sigmoid if version in ("4e6a8ec", "v1.0.1") else "sigmoid"
        kwargs = {"recurrent_activation": gates, "attention_units": len(shift), **kwargs}
        layer = cls(recurrent.shape[0], position_bias=True, **kwargs)
        words = (None, None, conditional.shape[0])
        layer.build([words, (None, len(places), kernel.shape[0])])
        own = [kernel, recurrent, conditional, query, context, energy, shift, places, bias]
        layer.set_weights(
            [np.reshape(one, v.shape) for one, v in zip(own, layer.get_weights(), strict=True)]
        )
        return layer

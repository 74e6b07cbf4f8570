"""An LSTM that looks at every position of a context before each step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe2keras.runtime.attention import AttentiveLSTM, attend
from caffe2keras.runtime.base_lstm import GATES, first_mask, hard_sigmoid
from caffe2keras.runtime.dialect import keras, ops
from caffe2keras.runtime.fork_weights import check_fork_version, fuse_gates
from caffe2keras.runtime.through_time import Shape, Tensor

__all__ = ["AttLSTM"]


@keras.saving.register_keras_serializable(package="caffe2keras")
class AttLSTM(AttentiveLSTM):
    """An LSTM that reads, at each step, what it attends to in a context.

    With X_t, the context's positions at step t, and h the state before::

        e_i = w · tanh(X_t,i Wa + h Ua + ba);   a = softmax(e);   φ = Σ a_i X_t,i
        z = φ W + h U + b

    The layer of the MarcBS fork of Keras 1 (Yao et al., arXiv 1502.08029), which took the context
    repeated for each step; here it may stay as it is. What was wrong there is not here: only
    ba642f5 ran at all; it ignored activations, initializers, regularizers and dropout, failed
    with dropout of the attention, ignored masks, and computed the energies of every step from the
    context of the first, which ``legacy_energies`` brings back.

    Args:
        units: H; this and all others as in :class:`AttentiveLSTM`.
        steps: how many steps to take over a context that has no time axis.
        legacy_energies: whether the energies come from the first step's context.

    Call arguments:
        inputs: context, (N, T, S, D), or (N, S, D) with ``steps`` = T; or a list of it and the
            initial h and c, (N, H) each.
        mask: (N, S) or (N, T, S), the shape of the context without its last axis, False where
            nobody may look.

    Output shape:
        (N, T, H) or (N, H); with ``return_attention`` or ``return_state`` a list: it, the attended
        vectors (N, T, D), the shares (N, T, S), and h and c, (N, H) each.

    Example:
        >>> AttLSTM(7, steps=2, return_sequences=True)(keras.ops.ones((3, 5, 4))).shape
        (3, 2, 7)
    """

    def __init__(
        self,
        units: int,
        steps: int | None = None,
        legacy_energies: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(units, **kwargs)
        self.steps = None if steps is None else int(steps)
        self.legacy_energies = bool(legacy_energies)

    def build(self, input_shape: Any) -> None:
        """The kernels of attention, input and state, and the bias."""
        features = self._full_shape(_context_of(input_shape))[-1]
        if features is None:
            raise ValueError("The last axis of the context must be known. Received: None")
        self._add_attention_weights(features)
        self.kernel = self._add_input_kernel("kernel", (features, GATES * self.units))
        self.recurrent_kernel = self._add_state_kernel(
            "recurrent_kernel", (self.units, GATES * self.units)
        )
        self.bias = self._add_gate_bias()
        self.built = True

    def call(self, inputs: Any, mask: Any = None, training: bool = False) -> Any:
        """The states h, and what else was asked for."""
        context, *given = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        context = self._over_time(context)
        looks = self._mask_over_time(first_mask(mask))
        context = self._drop_inputs(context, training)
        projected = self._project(context)
        if self.legacy_energies:
            projected = ops.repeat(projected[:, :1], context.shape[1], axis=1)
        states = self._initial_state(context, given)
        draw = self._recurrent_draw(states[0], training)
        blank = self._blank_attention(context, ops.shape(context)[2])
        sequences = [context, projected] + ([] if looks is None else [looks])

        def step(slices: list[Tensor], before: list[Tensor]) -> list[Tensor]:
            values, keys, *seen = slices
            h, c = before[0] if draw is None else before[0] * draw, before[1]
            attended = attend(self._energies(keys, h), values, seen[0] if seen else None)
            z = ops.matmul(attended[0], self.kernel) + ops.matmul(h, self.recurrent_kernel)
            after = self._advance(z if self.bias is None else z + self.bias, c)
            return [*after, *(attended if blank else ())]

        last, every = self._run(step, sequences, [*states, *blank], None)
        return self._finish(last, every, None)

    def _over_time(self, context: Tensor) -> Tensor:
        if len(context.shape) == 4:
            return context
        return ops.repeat(ops.expand_dims(context, 1), self.steps, axis=1)

    def _mask_over_time(self, mask: Tensor | None) -> Tensor | None:
        if mask is None or len(mask.shape) == 3:
            return mask
        return ops.repeat(ops.expand_dims(mask, 1), self.steps, axis=1)

    def _full_shape(self, shape: Shape) -> Shape:
        if len(shape) == 4:
            return tuple(shape)
        if len(shape) != 3 or self.steps is None:
            raise ValueError(
                "Expected a context (N, T, S, D), or (N, S, D) and `steps`. "
                f"Received: shape={shape}, steps={self.steps}"
            )
        return (shape[0], self.steps, *shape[1:])

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """None: the mask ends in the attention."""
        return None

    def compute_output_shape(self, input_shape: Any) -> Any:
        """(N, T, H) or (N, H), and the shapes of attention and states."""
        batch, steps, positions, features = self._full_shape(_context_of(input_shape))
        extras = self._attention_shapes(batch, steps, positions, features or 0)
        return self._output_shapes(batch, steps, extras)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "steps": self.steps,
            "legacy_energies": self.legacy_energies,
        }

    @classmethod
    def from_fork_weights(
        cls, weights: Sequence[np.ndarray], version: str = "ba642f5", **kwargs: Any
    ) -> AttLSTM:
        """A layer with the weights of the fork's, and its energies.

        Args:
            weights: as its ``get_weights`` gives them: wa (D), Wa (D, D), Ua (H, D), ba (D), then
                W (D, 4 H), U (H, 4 H), b (4 H), or, of ``consume_less="mem"``, W, U and b of the
                gates i, c, f, o.
            version: ``"ba642f5"``, the only one that ran.
            **kwargs: arguments of this layer.

        Raises:
            ValueError: the version is another, or the weights are neither 7 nor 16.
        """
        check_fork_version(version, ["ba642f5"], cls.__name__)
        if len(weights) not in (7, 16):
            raise ValueError(f"Expected 7 or 16 arrays. Received {len(weights)}")
        energy, context, state, shift, *gates = weights
        fused = fuse_gates(gates) if len(gates) == 12 else list(gates)
        kwargs = {"recurrent_activation": hard_sigmoid, "legacy_energies": True, **kwargs}
        layer = cls(state.shape[0], **kwargs)
        layer.build((None, None, None, context.shape[0]))
        layer.set_weights([state, context, energy, shift, *fused])
        return layer


def _context_of(shapes: Any) -> Shape:
    """The first shape, of one or of a list."""
    return tuple(shapes[0]) if isinstance(shapes[0], (list, tuple)) else tuple(shapes)

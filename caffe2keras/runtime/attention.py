"""Soft attention over the positions of a context, and the LSTM that asks."""

from __future__ import annotations

import math
from typing import Any

from caffe2keras.runtime.base_lstm import RecurrentLSTM
from caffe2keras.runtime.dialect import ops
from caffe2keras.runtime.through_time import Shape, Tensor, silence_before_the_first

__all__ = ["ATTENTION_MODES", "AttentiveLSTM", "attend", "score"]

# Not the fork's "add" and "dot": in a .h5 file Keras takes such words for its own functions.
ATTENTION_MODES = ("additive", "dot_product", "scaled_dot_product")


def score(mode: str, projected: Tensor, query: Tensor, weights: Tensor | None) -> Tensor:
    """How well each position answers the query.

    Args:
        mode: ``"additive"``: tanh(P_i + q) · w, Bahdanau's; ``"dot_product"``: q · P_i;
            ``"scaled_dot_product"``: that over √A.
        projected: P, (N, S, A).
        query: q, (N, A).
        weights: w, (A,), for ``"additive"``.

    Returns:
        the energies, (N, S).
    """
    asked = ops.expand_dims(query, 1)
    if mode == "additive":
        return ops.sum(ops.tanh(projected + asked) * weights, axis=-1)
    energies = ops.sum(projected * asked, axis=-1)
    return energies / math.sqrt(projected.shape[-1]) if mode == "scaled_dot_product" else energies


def attend(
    energies: Tensor, values: Tensor, mask: Tensor | None, *, legacy_mask: bool = False
) -> tuple[Tensor, Tensor]:
    """The mean of the values under the softmax of the energies.

    Args:
        energies: (N, S).
        values: (N, S, D).
        mask: (N, S), False where nobody may look; or None.
        legacy_mask: whether a masked position has energy 0 and a vector of zeros, so that it
            still takes its share of the softmax, instead of energy -inf.

    Returns:
        the mean, (N, D), and the shares, (N, S). Where all is masked, both are zeros.
    """
    if mask is None:
        shares = _softmax(energies)
    elif legacy_mask:
        kept = ops.cast(mask, energies.dtype)
        shares = _softmax(energies * kept)
        values = values * ops.expand_dims(kept, -1)
    else:
        # Not -inf itself: a row of nothing else would become NaN, and its gradient too.
        kept = ops.cast(mask, energies.dtype)
        shares = _softmax(ops.where(mask, energies, -1e30)) * kept
    return ops.sum(ops.expand_dims(shares, -1) * values, axis=1), shares


def _softmax(energies: Tensor) -> Tensor:
    # Keras's own warns of an axis of extent 1, which a context of one position has.
    powers = ops.exp(energies - ops.max(energies, axis=-1, keepdims=True))
    return powers / ops.sum(powers, axis=-1, keepdims=True)


class AttentiveLSTM(RecurrentLSTM):
    """What both have: attention, its weights, and what it returns.

    Args:
        units: H; this and all others as in :class:`RecurrentLSTM`.
        attention_units: A, the width in which query and context meet; None for the context's.
        attention_mode: ``"additive"``, ``"dot_product"`` or ``"scaled_dot_product"``.
        return_attention: whether the attended vectors and the shares are returned too, of all
            steps, batch first.
    """

    def __init__(
        self,
        units: int,
        attention_units: int | None = None,
        attention_mode: str = "additive",
        return_attention: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(units, **kwargs)
        if attention_mode not in ATTENTION_MODES:
            raise ValueError(
                f"`attention_mode` must be one of {ATTENTION_MODES}. Received: {attention_mode!r}"
            )
        self.attention_units = None if attention_units is None else int(attention_units)
        self.attention_mode = attention_mode
        self.return_attention = bool(return_attention)

    def _add_attention_weights(self, features: int) -> None:
        width = self.attention_units or features
        self.attention_recurrent_kernel = self._add_state_kernel(
            "attention_recurrent_kernel", (self.units, width)
        )
        self.attention_context_kernel = self._add_input_kernel(
            "attention_context_kernel", (features, width)
        )
        self.attention_energy_kernel = None
        if self.attention_mode == "additive":
            self.attention_energy_kernel = self._add_input_kernel(
                "attention_energy_kernel", (width,)
            )
        self.attention_bias = None
        if self.use_bias:
            self.attention_bias = self.add_weight(
                name="attention_bias", shape=(width,), initializer="zeros"
            )

    def _project(self, context: Tensor) -> Tensor:
        """(..., D) -> (..., A), what the query is held against."""
        projected = ops.matmul(context, self.attention_context_kernel)
        return projected if self.attention_bias is None else projected + self.attention_bias

    def _energies(self, projected: Tensor, h: Tensor) -> Tensor:
        query = ops.matmul(h, self.attention_recurrent_kernel)
        return score(self.attention_mode, projected, query, self.attention_energy_kernel)

    def _blank_attention(self, like: Tensor, positions: Tensor | int) -> list[Tensor]:
        """What was attended to before the first step: states that nobody reads."""
        if not self.return_attention:
            return []
        batch = ops.shape(like)[0]
        widths = (like.shape[-1], positions)
        return [ops.zeros((batch, width), dtype=like.dtype) for width in widths]

    def _finish(self, last: list[Tensor], every: list[Tensor], mask: Tensor | None) -> Any:
        outputs = silence_before_the_first(every[0], mask, self.go_backwards)
        return self._pack(outputs, every[2:], last[:2])

    def _attention_shapes(
        self, batch: int | None, steps: int | None, positions: int | None, features: int
    ) -> list[Shape]:
        if not self.return_attention:
            return []
        return [(batch, steps, features), (batch, steps, positions)]

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "attention_units": self.attention_units,
            "attention_mode": self.attention_mode,
            "return_attention": self.return_attention,
        }

"""``keras.layers.RNN`` as the layers use it, in Theano."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe2keras.runtime.dialect.theano_layer import Layer
from caffe2keras.runtime.dialect.theano_loops import scan
from caffe2keras.runtime.dialect.theano_ops import where
from caffe2keras.runtime.dialect.theano_shapes import (
    cast,
    expand_dims,
    flip,
    shape,
    transpose,
    zeros,
)

__all__ = ["RNN"]


class RNN(Layer):
    """A cell's steps through time, as much of it as the layers use: all outputs and last states.

    It is called by layers only, with their tensors.

    Args:
        cell: a layer with ``state_size``.
        go_backwards: whether the last step is taken first.
    """

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = True,
        return_state: bool = True,
        go_backwards: bool = False,
    ) -> None:
        super().__init__()
        if not (return_sequences and return_state):
            raise ValueError("Here an RNN returns all: the sequences and the states.")
        self.cell = cell
        self.go_backwards = go_backwards

    def build(self, input_shape: Any) -> None:
        """The cell's."""
        self.cell.build((input_shape[0], *input_shape[2:]))
        self.cell.built = True
        super().build(input_shape)

    def call(self, inputs: Any, mask: Any = None, initial_state: Any = None) -> list[Any]:
        """The outputs (N, T, ...), and the states after the last step."""
        given = [inputs] if mask is None else [inputs, cast(mask, "bool")]
        every = [transpose(each, (1, 0, *range(2, each.ndim))) for each in given]
        every = [flip(each, axis=0) for each in every] if self.go_backwards else every
        states = initial_state or [zeros((shape(inputs)[0], size)) for size in self.cell.state_size]
        silence = zeros((shape(inputs)[0], self.cell.output_size))

        def step(before: Sequence[Any], slices: Sequence[Any]) -> tuple[list[Any], list[Any]]:
            output, after = self.cell(slices[0], before[1:])
            chosen = [output, *after]
            if mask is not None:
                valid = expand_dims(slices[1], -1)
                chosen = [where(valid, new, old) for new, old in zip(chosen, before)]
            return chosen, chosen[:1]

        last, (outputs,) = scan(step, [silence, *states], every)
        return [transpose(outputs, (1, 0, 2)), *last[1:]]

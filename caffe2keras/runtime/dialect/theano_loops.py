"""Loops, said in Theano."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import theano
from theano import tensor as T  # noqa: N812  # as all of Theano's documentation has it

from caffe2keras.runtime.dialect.theano_tensor import Tensor, wrapped

__all__ = ["scan", "while_loop"]


def scan(f: Callable[[Any, Any], Any], init: Sequence[Any], xs: Sequence[Any]) -> Any:
    """Step after step along axis 0: (carry, slices) -> (carry, outputs)."""
    states, sequences = [wrapped(each) for each in init], [wrapped(each) for each in xs]
    # Theano wants to know beforehand how many outputs there are.
    likes = [wrapped(each) for each in f(states, [each[0] for each in sequences])[1]]

    def step(*arrays: Any) -> list[Any]:
        slices = [Tensor(each, of.shape[1:]) for each, of in zip(arrays, sequences)]
        before = [Tensor(each, of.shape) for each, of in zip(arrays[len(slices) :], states)]
        after, outputs = f(before, slices)
        return [_open(each) for each in (*after, *outputs)]

    found, _ = theano.scan(
        step,
        sequences=[each.variable for each in sequences],
        outputs_info=[*map(_open, states), *[None] * len(likes)],
        return_list=True,
    )
    last = [Tensor(each[-1], of.shape) for each, of in zip(found, states)]
    length = sequences[0].shape[0]
    every = zip(found[len(states) :], likes)
    return last, [Tensor(each, (length, *of.shape)) for each, of in every]


def while_loop(
    cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Sequence[Any]
) -> tuple[Tensor, ...]:
    """What the variables are when the condition no longer holds.

    Condition and body see their arguments and constants only, as on OpenVINO.
    """
    start = [wrapped(each) for each in loop_vars]
    inputs = [_open(each).type() for each in start]
    before = [Tensor(each, of.shape) for each, of in zip(inputs, start)]
    after = [_open(wrapped(each, of.dtype)) for each, of in zip(body(*before), start)]
    goes_on = theano.function(inputs, wrapped(cond(*before)).variable, on_unused_input="ignore")
    step = theano.function(inputs, after, on_unused_input="ignore")
    found = _While(goes_on, step)(*map(_open, start))
    return tuple(Tensor(each, of.shape) for each, of in zip(found, start))


class _While(theano.Op):
    """A loop of two functions; Theano's scan would keep what was in every round.

    Args:
        goes_on: the variables -> whether there is another round.
        step: the variables -> the variables.
    """

    def __init__(self, goes_on: Any, step: Any) -> None:
        self.goes_on = goes_on
        self.step = step

    def make_node(self, *variables: Any) -> Any:
        """As many outputs, of the same types."""
        return theano.Apply(self, list(variables), [each.type() for each in variables])

    def perform(self, node: Any, inputs: Sequence[Any], output_storage: Sequence[Any]) -> None:
        """Round after round."""
        variables = list(inputs)
        while self.goes_on(*variables):
            variables = self.step(*variables)
        for place, value in zip(output_storage, variables):
            place[0] = value

    def connection_pattern(self, node: Any) -> list[list[bool]]:
        """No gradient goes through."""
        return [[False] * len(node.outputs) for _ in node.inputs]


def _open(x: Any) -> Any:
    """A variable none of whose axes is said to be 1: a loop's states keep their type."""
    variable = wrapped(x).variable
    return T.unbroadcast(variable, *range(variable.ndim))

"""The run of a recurrent step through time, the same on every backend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from caffe2keras.runtime.dialect import keras, ops, zip

if TYPE_CHECKING:
    from typing import TypeAlias

__all__ = ["Shape", "Step", "Tensor", "run_through_time", "silence_before_the_first"]

Tensor: TypeAlias = "keras.KerasTensor"
Shape: TypeAlias = "tuple[int | None, ...]"
Step: TypeAlias = "Callable[[list[Tensor], list[Tensor]], list[Tensor]]"


def run_through_time(
    step: Step,
    sequences: Sequence[Tensor],
    states: Sequence[Tensor],
    mask: Tensor | None,
    *,
    backwards: bool = False,
    unroll: bool = False,
) -> tuple[list[Tensor], list[Tensor]]:
    """Take one step after the other; what a step gives is the next one's states.

    Args:
        step: (slices of the sequences, states) -> states, of the same shapes.
        sequences: (N, T, ...) each.
        states: (N, ...) each.
        mask: (N, T), False where states stay as they are; or None.
        backwards: whether the last step is taken first.
        unroll: whether to write the steps out; T must be known.

    Returns:
        the last states, and the states after each step, (N, T, ...), in the order taken.
    """
    every = [_swap_batch_and_time(one) for one in sequences]
    if mask is not None:
        every.append(_swap_batch_and_time(ops.cast(mask, "bool")))
    if backwards:
        every = [ops.flip(one, axis=0) for one in every]

    def advance(before: Any, slices: Any) -> tuple[list[Tensor], list[Tensor]]:
        before, slices = list(before), list(slices)
        valid = slices.pop() if mask is not None else None
        after = step(slices, before)
        if valid is not None:
            after = [
                ops.where(_widened(valid, new), new, old)
                for new, old in zip(after, before, strict=True)
            ]
        return after, after

    if not unroll:
        last, stacked = ops.scan(advance, list(states), every)
        return list(last), [_swap_batch_and_time(one) for one in stacked]
    steps = every[0].shape[0]
    if steps is None:
        raise ValueError("`unroll=True` needs a known number of steps. Received: None")
    taken: list[list[Tensor]] = []
    current = list(states)
    for index in range(steps):
        current, _ = advance(current, [one[index] for one in every])
        taken.append(current)
    return current, [ops.stack(one, axis=1) for one in zip(*taken, strict=True)]


def silence_before_the_first(outputs: Tensor, mask: Tensor | None, backwards: bool) -> Tensor:
    """Zeros at the masked steps before any valid one, where nothing was put out yet."""
    if mask is None:
        return outputs
    valid = ops.cast(mask, "int32")
    seen = ops.cumsum(ops.flip(valid, axis=1) if backwards else valid, axis=1)
    return outputs * ops.cast(ops.expand_dims(seen > 0, -1), outputs.dtype)


def _widened(valid: Tensor, like: Tensor) -> Tensor:
    return ops.reshape(valid, (-1,) + (1,) * (len(like.shape) - 1))


def _swap_batch_and_time(x: Tensor) -> Tensor:
    return ops.transpose(x, (1, 0, *range(2, len(x.shape))))

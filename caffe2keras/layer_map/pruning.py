"""What no output depends on is left out, and the calls that stay are counted anew."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from caffe2keras.spec import KerasNode, TensorRef

__all__ = ["call_of", "needed_calls", "renamed_tensor"]


def call_of(tensor: TensorRef) -> TensorRef:
    """What stands for the whole call that a tensor comes from: its first output."""
    return replace(tensor, tensor=0)


def renamed_tensor(tensor: TensorRef, renamed: dict[TensorRef, TensorRef]) -> TensorRef:
    """The tensor under the number that its call has now."""
    return replace(renamed[call_of(tensor)], tensor=tensor.tensor)


def needed_calls(
    calls: list[tuple[KerasNode, TensorRef]], outputs: Iterable[TensorRef]
) -> tuple[list[tuple[KerasNode, TensorRef]], dict[TensorRef, TensorRef]]:
    """The calls that the outputs depend on, and their numbers counted anew.

    Keras leaves a call that nothing depends on out of the model, and with it weights that the
    file would hold; a shared layer's later calls then move up.
    """
    needed = {call_of(tensor) for tensor in outputs}
    for node, tensor in reversed(calls):
        if tensor in needed:
            needed.update(call_of(source) for source in node.inputs)
    renamed: dict[TensorRef, TensorRef] = {}
    counts: dict[str, int] = {}
    kept = []
    for node, tensor in calls:
        if tensor in needed:
            renamed[tensor] = TensorRef(tensor.layer, counts.get(tensor.layer, 0))
            counts[tensor.layer] = renamed[tensor].node + 1
            inputs = tuple(_renamed_or_fed(source, renamed) for source in node.inputs)
            kept.append((replace(node, inputs=inputs), renamed[tensor]))
    return kept, renamed


def _renamed_or_fed(tensor: TensorRef, renamed: dict[TensorRef, TensorRef]) -> TensorRef:
    return renamed_tensor(tensor, renamed) if call_of(tensor) in renamed else tensor

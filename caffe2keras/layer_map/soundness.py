"""Whether what a plugin's mapping answers is what the rest of the house can work with.

Our own mappings are held to this by their tests; a plugin's author hears it at once and by name.
"""

from __future__ import annotations

import json
from math import prod
from typing import TYPE_CHECKING

from caffe2keras.spec import Call, Fragment, FragmentInput, FragmentOutput, KerasLayer, Variable

if TYPE_CHECKING:
    from caffe2keras.layer_map.registry import Placed

__all__ = ["fault_of"]


def fault_of(answer: object, placed: Placed) -> str:
    """What is wrong with a mapping's answer for this layer, or ""."""
    if not isinstance(answer, Fragment):
        return f"expected a Fragment, received {type(answer).__name__}"
    tops = len(placed.outputs)
    if len(answer.outputs) != tops:
        return f"expected {tops} outputs, one for each top, received {len(answer.outputs)}"
    for place, call in enumerate(answer.calls):
        problem = _fault_of_call(call, place, placed)
        if problem:
            return problem
    if not all(_exists(tensor, len(answer.calls), placed) for tensor in answer.outputs):
        return f"an output is no tensor of the fragment: {answer.outputs}"
    return _fault_of_layouts(answer, placed)


def _fault_of_call(call: Call, place: int, placed: Placed) -> str:
    layer = call.layer
    if not isinstance(layer, KerasLayer):
        return f"call {place} is of no KerasLayer but of {type(layer).__name__}"
    if not all(_exists(tensor, place, placed) for tensor in call.inputs):
        return f"call {place} ({layer.class_name}) reads what is not there: {call.inputs}"
    try:
        json.dumps(dict(layer.config))
    except (TypeError, ValueError) as error:
        return f"the config of {layer.class_name} is no JSON: {error}"
    faults = (_fault_of_variable(layer, variable) for variable in layer.variables)
    return next((fault for fault in faults if fault), "")


def _exists(tensor: object, calls: int, placed: Placed) -> bool:
    if isinstance(tensor, FragmentInput):
        # A layer without bottoms hangs on whatever is fed first.
        return 0 <= tensor.index < max(1, len(placed.inputs))
    return isinstance(tensor, FragmentOutput) and 0 <= tensor.call < calls


def _fault_of_variable(layer: KerasLayer, variable: Variable) -> str:
    if not isinstance(variable, Variable):
        return f"{layer.class_name} has a {type(variable).__name__} among its variables"
    if prod(variable.shape) != variable.view.size:
        return (
            f"{layer.class_name}'s {variable.name}: {variable.view.shape} numbers do not fill "
            f"{variable.shape}"
        )
    return ""


def _fault_of_layouts(answer: Fragment, placed: Placed) -> str:
    if answer.layouts is None:
        return ""
    expected = tuple(len(shape) for shape in placed.outputs)
    received = tuple(layout.rank for layout in answer.layouts)
    if expected != received:
        return f"expected layouts of {expected} axes, one for each top, received {received}"
    return ""

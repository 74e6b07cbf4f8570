"""The table of oracle functions: Caffe type -> its TEST-phase forward pass in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from caffe2keras.graph.net import Layer
from caffe2keras.registry import Registry, guarded

__all__ = [
    "FUNCTIONS",
    "Array",
    "Arrays",
    "Function",
    "Tops",
    "comes_from_a_plugin",
    "computes",
    "function_of",
    "known_types",
]

# float32 or float64, the same throughout one run; always in Caffe's axis order
Array = npt.NDArray[np.floating]
Arrays = Sequence[Array]
Tops = tuple[Array, ...]

# the layer, its bottoms, its weights -> its tops
Function = Callable[[Layer, Arrays, Arrays], Tops]

FUNCTIONS: Registry[Function] = Registry("an oracle function", "computes")


def computes(*types: str, replaces: bool = False) -> Callable[[Function], Function]:
    """Register a function as the forward pass of these Caffe types; doubles are refused.

    Args:
        types: Caffe's types.
        replaces: whether a plugin's function takes the place of one of ours.
    """
    FUNCTIONS.check_types(types)

    def register(function: Function) -> Function:
        safe = guarded(function, "oracle function", lambda layer, *_: str(layer), _fault)
        FUNCTIONS.add(types, safe, function, replaces)
        return function

    return register


def _fault(tops: object, layer: Layer, bottoms: Arrays, weights: Arrays) -> str:
    """What is wrong with a plugin's answer, or ""."""
    if not isinstance(tops, tuple | list):
        return f"expected a tuple of arrays, one for each top, received {type(tops).__name__}"
    if len(tops) != len(layer.tops):
        return f"expected {len(layer.tops)} arrays, one for each top, received {len(tops)}"
    for index, top in enumerate(tops):
        dims, shape = layer.tops[index].dims, np.shape(top)
        if dims is not None and len(dims) != len(shape):
            return f"top {index} has {len(dims)} axes by its shape rule, received shape {shape}"
    return ""


def known_types() -> frozenset[str]:
    """The Caffe types that the oracle computes, Input included, which is fed."""
    return frozenset(FUNCTIONS) | {"Input"}


def function_of(kind: str) -> Function:
    """The forward pass of a Caffe type; raises KeyError for one that is not known."""
    return FUNCTIONS[kind]


def comes_from_a_plugin(kind: str) -> bool:
    """Whether the forward pass of a type is a plugin's."""
    return bool(FUNCTIONS.origin(kind))

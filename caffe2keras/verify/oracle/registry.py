"""The table of oracle functions: Caffe type -> its TEST-phase forward pass in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from caffe2keras.graph.net import Layer

__all__ = ["Array", "Arrays", "Function", "Tops", "computes", "function_of", "known_types"]

# float32 or float64, the same throughout one run; always in Caffe's axis order
Array = npt.NDArray[np.floating]
Arrays = Sequence[Array]
Tops = tuple[Array, ...]

# the layer, its bottoms, its weights -> its tops
Function = Callable[[Layer, Arrays, Arrays], Tops]

_FUNCTIONS: dict[str, Function] = {}


def computes(*types: str) -> Callable[[Function], Function]:
    """Register a function as the forward pass of these Caffe types; doubles are refused."""

    def register(function: Function) -> Function:
        for kind in types:
            if kind in _FUNCTIONS:
                raise ValueError(
                    f"{kind} is computed already, by {_FUNCTIONS[kind].__qualname__}; "
                    f"now by {function.__qualname__}"
                )
            _FUNCTIONS[kind] = function
        return function

    return register


def known_types() -> frozenset[str]:
    """The Caffe types that the oracle computes, Input included, which is fed."""
    return frozenset(_FUNCTIONS) | {"Input"}


def function_of(kind: str) -> Function:
    """The forward pass of a Caffe type; raises KeyError for one that is not known."""
    return _FUNCTIONS[kind]

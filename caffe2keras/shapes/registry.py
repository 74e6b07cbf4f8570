"""The table of shape rules: Caffe type -> function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

from caffe2keras.errors import ShapeError
from caffe2keras.graph.net import Shape
from caffe2keras.params import Params

__all__ = ["Inferred", "Rule", "infer", "infers", "known_types"]


@dataclass(frozen=True)
class Inferred:
    """What a rule answers.

    Attributes:
        tops: the shape of each top.
        weights: the shape of each learned array, Caffe's order; empty for most layers.
    """

    tops: tuple[Shape, ...]
    weights: tuple[Shape, ...] = ()


# params of the layer, shapes of its bottoms, number of its tops -> shapes
Rule = Callable[[Params, Sequence[Shape], int], Inferred]

_RULES: dict[str, Rule] = {}

# Caffe itself stops at 2^31 numbers (blob.cpp); beyond this one, counts would not fit 64 bits.
_LARGEST = 2**62


def infers(*types: str) -> Callable[[Rule], Rule]:
    """Register a function as the shape rule of these Caffe types; doubles are refused."""

    def register(rule: Rule) -> Rule:
        for kind in types:
            if kind in _RULES:
                raise ValueError(
                    f"{kind} has a shape rule already: {_RULES[kind].__qualname__}, "
                    f"now {rule.__qualname__}"
                )
            _RULES[kind] = rule
        return rule

    return register


def known_types() -> frozenset[str]:
    """The Caffe types that have a rule."""
    return frozenset(_RULES)


def infer(kind: str, params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """Apply the rule of a type.

    Raises:
        ShapeError: the inputs cannot have these shapes.
        KeyError: there is no rule for this type.
    """
    inferred = _RULES[kind](params.fresh(), bottoms, tops)
    for shape in (*inferred.tops, *inferred.weights):
        if any(extent < 0 for extent in shape):
            raise ShapeError(what=f"a shape would be {shape}, from inputs {[*bottoms]}")
        if prod(shape) > _LARGEST:
            raise ShapeError(what=f"a shape would be {shape}, too large for any memory")
    return inferred

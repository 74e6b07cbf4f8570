"""The table of shape rules: Caffe type -> function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

from caffe2keras.errors import ShapeError
from caffe2keras.graph.net import Shape
from caffe2keras.params import Params
from caffe2keras.registry import Registry, guarded

__all__ = [
    "MOST_NUMBERS",
    "RULES",
    "Inferred",
    "Rule",
    "comes_from_a_plugin",
    "infer",
    "infers",
    "known_types",
]


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

RULES: Registry[Rule] = Registry("a shape rule", "infers")

MOST_NUMBERS = 2**31 - 1
"""How many numbers a blob can have: Caffe aborts beyond INT_MAX (blob.cpp: Reshape)."""


def infers(*types: str, replaces: bool = False) -> Callable[[Rule], Rule]:
    """Register a function as the shape rule of these Caffe types; doubles are refused.

    Args:
        types: Caffe's types.
        replaces: whether a plugin's rule takes the place of one of ours.
    """
    RULES.check_types(types)

    def register(rule: Rule) -> Rule:
        RULES.add(types, guarded(rule, "shape rule", _told, _fault), rule, replaces)
        return rule

    return register


def _told(params: Params, bottoms: Sequence[Shape], tops: int) -> str:
    return f'layer "{params.message.name}" ({params.message.type})'


def _fault(answer: object, params: Params, bottoms: Sequence[Shape], tops: int) -> str:
    """What is wrong with a plugin's answer, or ""."""
    if not isinstance(answer, Inferred):
        return f"expected Inferred, received {type(answer).__name__}"
    if not all(_is_a_shape(shape) for shape in (*answer.tops, *answer.weights)):
        return f"shapes are tuples of integers, received {answer}"
    return ""


def _is_a_shape(shape: object) -> bool:
    return isinstance(shape, tuple) and all(type(extent) is int for extent in shape)


def known_types() -> frozenset[str]:
    """The Caffe types that have a rule."""
    return frozenset(RULES)


def comes_from_a_plugin(kind: str) -> bool:
    """Whether the rule of a type is a plugin's."""
    return bool(RULES.origin(kind))


def infer(kind: str, params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """Apply the rule of a type.

    Raises:
        ShapeError: the inputs cannot have these shapes.
        KeyError: there is no rule for this type.
    """
    inferred = RULES[kind](params.fresh(), bottoms, tops)
    for shape in (*inferred.tops, *inferred.weights):
        if any(extent < 0 for extent in shape):
            raise ShapeError(what=f"a shape would be {shape}, from inputs {[*bottoms]}")
        if prod(shape) > MOST_NUMBERS:
            raise ShapeError(
                what=f"a shape would be {shape}, which is {prod(shape):,} numbers",
                why=f"Caffe's blobs hold {MOST_NUMBERS:,} at most",
            )
    return inferred

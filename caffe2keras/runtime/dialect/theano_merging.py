"""Keras 2.3's merging layers, which on Theano do not repeat what has the size 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe2keras.runtime.dialect.theano_tensor import wrapped

__all__ = ["MERGING", "repeating"]

MERGING = ("Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract")


def repeating(stock: Any) -> Any:
    """A merging layer that repeats an axis of size 1 to the others' size, as on other backends.

    Theano must be told beforehand which axes those are; Keras knows, but does not tell it.

    Args:
        stock: Keras's own class.
    """

    def merge(self: Any, inputs: Sequence[Any]) -> Any:
        return stock._merge_function(self, [wrapped(each).variable for each in inputs])

    return type(stock.__name__, (stock,), {"_merge_function": merge, "__doc__": stock.__doc__})

"""Where the largest values are."""

from __future__ import annotations

from typing import Any

import numpy as np

from caffe2keras.runtime.dialect import keras, ops, prod

__all__ = ["ArgMax"]

_LOWEST = float(np.finfo(np.float32).min)


@keras.saving.register_keras_serializable(package="caffe2keras")
class ArgMax(keras.Layer):
    """The ``top_k`` largest values, or their positions as floats, largest first.

    argmax_layer.cpp sorts pairs (value, position) downwards, so of equal values the *last* comes
    first. Along an axis, the output holds the positions or, with ``out_max_val``, the values
    instead. Without an axis each sample is flattened, in the order of the input's own axes, and
    the output holds the positions and, with ``out_max_val``, the values beside them. (-inf is
    taken for -FLT_MAX.)

    Args:
        axis: the axis to search, or None for all but the batch.
        top_k: how many.
        out_max_val: whether to give the values.

    Input shape:
        any; the sizes to search must be known.

    Output shape:
        with an axis, the input's with ``top_k`` along it; without, (N, 1, top_k) or, with the
        values, (N, 2, top_k), and a 1 for each axis that the input has beyond three.

    Example:
        >>> ArgMax(axis=1, top_k=2)(keras.ops.array([[7.0, 9.0, 7.0]]))  # 1, 2
    """

    def __init__(
        self,
        axis: int | None = None,
        top_k: int = 1,
        out_max_val: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if top_k < 1:
            raise ValueError(f"`top_k` must be at least 1. Received: top_k={top_k}")
        self.axis = None if axis is None else int(axis)
        self.top_k = int(top_k)
        self.out_max_val = bool(out_max_val)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Remembers how many values there are to search.

        On OpenVINO a model that predicts has forgotten its batch size.
        """
        searched = input_shape[1:] if self.axis is None else (input_shape[self.axis],)
        self._size = prod(size for size in searched if size is not None)

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The positions, the values, or both."""
        rank = len(inputs.shape)
        if self.axis is not None:
            positions, values = self._largest(inputs, self.axis % rank)
            return values if self.out_max_val else positions
        flat = ops.reshape(inputs, (-1, prod(inputs.shape[1:])))
        positions, values = self._largest(flat, 1)
        rows = [positions, values] if self.out_max_val else [positions]
        stacked = ops.stack(rows, axis=1)
        return ops.expand_dims(stacked, list(range(3, rank))) if rank > 3 else stacked

    def _largest(
        self, x: keras.KerasTensor, axis: int
    ) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        # One maximum after the other: sorting breaks ties differently on every backend. Not with
        # infinities: of those alone, OpenVINO says that the maximum is the lowest finite number.
        x = ops.maximum(x, _LOWEST)
        size = self._size if x.shape[axis] is None else x.shape[axis]
        shape = [size if each == axis else 1 for each in range(len(x.shape))]
        here = ops.reshape(ops.arange(size, dtype=self.compute_dtype), shape)
        free = here
        positions, values = [], []
        for _ in range(self.top_k):
            best = ops.max(x, axis=axis, keepdims=True)
            last = ops.max(ops.where(x == best, free, -1.0), axis=axis, keepdims=True)
            positions.append(last)
            values.append(best)
            x = ops.where(here == last, _LOWEST, x)
            free = ops.where(here == last, -1.0, free)
        return ops.concatenate(positions, axis=axis), ops.concatenate(values, axis=axis)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The output's shape, as above.

        Raises:
            ValueError: when the sizes to search are unknown or there are fewer than ``top_k``.
        """
        rank = len(input_shape)
        searched = input_shape[1:] if self.axis is None else (input_shape[self.axis],)
        known = [size for size in searched if size is not None]
        if len(known) < len(searched) or prod(known) < self.top_k:
            raise ValueError(
                f"Expected to search at least top_k={self.top_k} values, a known number. "
                f"Received: input_shape={input_shape}, axis={self.axis}"
            )
        if self.axis is None:
            return (input_shape[0], 1 + self.out_max_val, self.top_k, *(1,) * (rank - 3))
        shape = list(input_shape)
        shape[self.axis] = self.top_k
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "axis": self.axis,
            "top_k": self.top_k,
            "out_max_val": self.out_max_val,
        }

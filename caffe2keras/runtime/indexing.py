"""Samples repeated, picked and sieved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe2keras.runtime.dialect import keras, ops

__all__ = ["BatchReindex", "Filter", "Tile"]


@keras.saving.register_keras_serializable(package="caffe2keras")
class Tile(keras.Layer):
    """The tensor, so many times in a row along one axis (tile_layer.cpp).

    Args:
        axis: the axis, batch axis 0 included.
        tiles: how many times.

    Input shape:
        any.

    Output shape:
        the input's, with ``tiles`` times the size along the axis.

    Example:
        >>> Tile(axis=1, tiles=2)(keras.ops.array([[1.0, 2.0]]))  # 1, 2, 1, 2
    """

    def __init__(self, axis: int, tiles: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if tiles < 1:
            raise ValueError(f"`tiles` must be at least 1. Received: tiles={tiles}")
        self.axis = int(axis)
        self.tiles = int(tiles)

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The tiled tensor."""
        return ops.concatenate([inputs] * self.tiles, axis=self.axis)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The input's shape with the axis repeated."""
        shape = list(input_shape)
        size = shape[self.axis]
        shape[self.axis] = None if size is None else size * self.tiles
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "axis": self.axis, "tiles": self.tiles}


@keras.saving.register_keras_serializable(package="caffe2keras")
class BatchReindex(keras.Layer):
    """The samples of x at some indices, in their order (batch_reindex_layer.cpp).

    Input shape:
        a list [x (N, ...), indices (M,)]; the indices are floats or integers from 0 to N - 1.

    Output shape:
        (M, ...).

    Example:
        >>> x, indices = keras.ops.array([[5.0], [6.0], [7.0]]), keras.ops.array([2.0, 0.0, 2.0])
        >>> BatchReindex()([x, indices])  # [7], [5], [7]
    """

    def call(self, inputs: Sequence[keras.KerasTensor]) -> keras.KerasTensor:
        """The picked samples."""
        x, indices = inputs
        return ops.take(x, ops.cast(indices, "int32"), axis=0)

    def compute_output_shape(
        self, input_shape: Sequence[tuple[int | None, ...]]
    ) -> tuple[int | None, ...]:
        """The first shape with the second one's batch.

        Raises:
            ValueError: when the indices do not have one axis.
        """
        x, indices = input_shape
        if len(indices) != 1:
            raise ValueError(f"The indices must have one axis. Received: {input_shape}")
        return (indices[0], *x[1:])


@keras.saving.register_keras_serializable(package="caffe2keras")
class Filter(keras.Layer):
    """The samples whose selector is not zero (filter_layer.cpp).

    How many there are depends on the values, so nothing behind this layer can know its batch;
    compilers that need every shape beforehand (XLA: jit) are told to keep away.

    Input shape:
        a list [x1 (N, ...), x2 (N, ...), ..., selector (N,) or (N, 1, ...)].

    Output shape:
        a list [(M, ...), (M, ...), ...] with one batch size M <= N; the tensor itself if there
        is one.

    Example:
        >>> x, selector = keras.ops.array([[5.0], [6.0], [7.0]]), keras.ops.array([1.0, 0.0, 1.0])
        >>> Filter()([x, selector])  # [5], [7]
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # OpenVINO compiles open shapes, and without this would take a whole net for constants.
        self.supports_jit = keras.backend.backend() == "openvino"

    def call(self, inputs: Sequence[keras.KerasTensor]) -> Any:
        """The selected samples of every tensor but the last."""
        *tensors, selector = inputs
        chosen = ops.cast(ops.nonzero(ops.reshape(selector, (-1,)))[0], "int32")
        outputs = [ops.take(x, chosen, axis=0) for x in tensors]
        return outputs if len(outputs) > 1 else outputs[0]

    def compute_output_shape(self, input_shape: Sequence[tuple[int | None, ...]]) -> Any:
        """The shapes with an unknown batch.

        Raises:
            ValueError: when the selector has more than one value a sample.
        """
        *tensors, selector = input_shape
        if any(size != 1 for size in selector[1:]):
            raise ValueError(f"The selector must have one value a sample. Received: {selector}")
        shapes = [(None, *shape[1:]) for shape in tensors]
        return shapes if len(shapes) > 1 else shapes[0]

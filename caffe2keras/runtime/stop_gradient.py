"""Where a gradient ends."""

from __future__ import annotations

from caffe2keras.runtime.dialect import keras, ops

__all__ = ["StopGradient"]


@keras.saving.register_keras_serializable(package="caffe2keras")
class StopGradient(keras.Layer):
    """The input, through which no gradient goes back.

    Caffe's ``propagate_down: false`` (net.cpp). What stands before it has the gradient 0, not
    none, so that optimizers still decay its weights, as Caffe's solvers do.

    Input shape:
        any.

    Output shape:
        the input's.

    Example:
        >>> StopGradient()(keras.ops.array([[2.0, 3.0]]))  # 2, 3
    """

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The input."""
        never = ops.zeros_like(inputs, dtype="bool")
        return ops.where(never, inputs, ops.stop_gradient(inputs))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The input's shape."""
        return tuple(input_shape)

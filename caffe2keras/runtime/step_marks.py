"""The marks of sequences, as junhyukoh's LSTM reads them from one axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from caffe2keras.runtime.dialect import keras, ops

__all__ = ["StepMarks"]


@keras.saving.register_keras_serializable(package="caffe2keras")
class StepMarks(keras.Layer):
    """Of the marks of T·N rows those that each stream meets at each step.

    At step t stream n meets mark t + n: the source steps through the rows by one from one step
    to the next, and not by the number of streams (lstm_layer.cpp in junhyukoh's caffe-lstm).

    Args:
        steps: T.
        streams: N.

    Input shape:
        (T·N, ...), T·N numbers.

    Output shape:
        (N, T).

    Example:
        >>> StepMarks(steps=3, streams=2)(keras.ops.arange(6))  # 0, 1, 2 and 1, 2, 3
    """

    def __init__(self, steps: int, streams: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if min(steps, streams) < 1:
            raise ValueError(
                "`steps` and `streams` must be at least 1. "
                f"Received: steps={steps}, streams={streams}"
            )
        self.steps = int(steps)
        self.streams = int(streams)

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The marks."""
        places = np.arange(self.streams)[:, np.newaxis] + np.arange(self.steps)
        return ops.take(ops.reshape(inputs, (-1,)), places.astype("int32"), axis=0)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int, int]:
        """(N, T)."""
        return self.streams, self.steps

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "steps": self.steps, "streams": self.streams}

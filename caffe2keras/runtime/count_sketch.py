"""Count sketches."""

from __future__ import annotations

from typing import Any

from caffe2keras.runtime.base_sketch import Sketching, as_image, is_list, listed, with_channels
from caffe2keras.runtime.dialect import keras, ops

__all__ = ["CountSketch"]


@keras.saving.register_keras_serializable(package="caffe2keras")
class CountSketch(Sketching):
    """Each channel added to, or taken from, one of a number of bins.

    Args:
        output_dim: how many bins there are.
        seed: for the draw; None for NumPy's own state, which keras.utils.set_random_seed sets.
        caffe_seed: draw as Caffe's CompactBilinear does, by C's rand() from srand(caffe_seed).
        data_format: ``"channels_last"``, ``"channels_first"``, or None for Keras's own.

    Input shape:
        (N, C), (N, *spatial, C) or (N, C, *spatial); or a list of such tensors.

    Output shape:
        the same axes with ``output_dim`` channels; a list of as many tensors.

    Weights:
        ``h0`` and ``s0``, (C,), for the first input, ``h1`` and ``s1`` for the second, ...

    Example:
        >>> CountSketch(5)(keras.ops.ones((2, 7, 3))).shape
        (2, 7, 5)
    """

    def call(self, inputs: Any) -> Any:
        """The sketches."""
        tensors = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        outputs = [
            as_image(self._sketched(x, k), x, self.data_format) for k, x in enumerate(tensors)
        ]
        outputs = [ops.cast(each, self.compute_dtype) for each in outputs]
        return outputs if isinstance(inputs, (list, tuple)) else outputs[0]

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape with other channels, or a list of such shapes."""
        shapes = [
            with_channels(shape, self.output_dim, self.data_format) for shape in listed(input_shape)
        ]
        return shapes if is_list(input_shape) else shapes[0]

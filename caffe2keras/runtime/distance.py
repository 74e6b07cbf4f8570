"""Distances to learned centres."""

from __future__ import annotations

from typing import Any

from caffe2keras.runtime.dialect import keras, ops

__all__ = ["InnerDistance"]


@keras.saving.register_keras_serializable(package="caffe2keras")
class InnerDistance(keras.Layer):
    """The distance of each vector to each of some learned centres.

    InnerDistance of NormFace (inner_distance_layer.cu in happynear's caffe-windows).

    Args:
        units: how many centres there are.
        order: 2 for the sum of squared differences, 1 for that of absolute ones.
        normalize: whether centres are brought to length 1 first.

    Input shape:
        (N, K), K known.

    Output shape:
        (N, units).

    Weights:
        ``kernel``, (K, units): a centre in each column.

    Example:
        >>> InnerDistance(6)(keras.ops.ones((2, 5))).shape
        (2, 6)
    """

    def __init__(self, units: int, order: int = 2, normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if units < 1 or order not in (1, 2):
            raise ValueError(
                "`units` must be at least 1, and `order` 1 or 2. "
                f"Received: units={units}, order={order}"
            )
        self.units = int(units)
        self.order = int(order)
        self.normalize = bool(normalize)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes ``kernel``.

        Raises:
            ValueError: when the input does not have two axes, the last of known size.
        """
        if len(input_shape) != 2 or input_shape[1] is None:
            raise ValueError(f"Expected (N, K), K known. Received: input_shape={input_shape}")
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[1], self.units))

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The distances."""
        centres = ops.convert_to_tensor(self.kernel)
        if self.normalize:
            centres = centres / ops.sqrt(ops.sum(ops.square(centres), axis=0, keepdims=True))
        apart = ops.expand_dims(inputs, 2) - centres
        return ops.sum(ops.square(apart) if self.order == 2 else ops.abs(apart), axis=1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """(N, units)."""
        return (input_shape[0], self.units)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            "order": self.order,
            "normalize": self.normalize,
        }

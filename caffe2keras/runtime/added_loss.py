"""Losses inside a model, for what is compared with what the model itself computes or is fed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe2keras.runtime.dialect import LayerOfKeras3, keras, ops, zip

__all__ = ["AddLoss", "LossValue"]


@keras.saving.register_keras_serializable(package="caffe2keras")
class LossValue(LayerOfKeras3):
    """A loss as a layer: predictions and targets go in, its value comes out.

    It adds nothing to what the model is trained for; :class:`AddLoss` does.

    Args:
        loss: a ``keras.losses.Loss``, or the config of one.
        predictions: how many of the inputs are predictions; the others are targets.

    Input shape:
        a list of tensors, as the loss takes them.

    Output shape:
        (1,).

    Example:
        >>> x = keras.ops.ones((2, 3))
        >>> LossValue(EuclideanLoss())([x, 3 * x])  # [6.0]
    """

    def __init__(self, loss: Any, predictions: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(loss, dict):
            loss = keras.losses.deserialize(loss)
        self.loss = loss
        self.predictions = int(predictions)

    def call(self, inputs: Sequence[keras.KerasTensor]) -> keras.KerasTensor:
        """The value."""
        predicted, targets = inputs[: self.predictions], inputs[self.predictions :]
        value = self.loss(_one_or_all(targets), _one_or_all(predicted))
        return ops.reshape(value, (1,))

    def compute_output_shape(self, input_shape: Any) -> tuple[int]:
        """(1,)."""
        return (1,)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        loss = keras.saving.serialize_keras_object(self.loss)
        return {**super().get_config(), "loss": loss, "predictions": self.predictions}


@keras.saving.register_keras_serializable(package="caffe2keras")
class AddLoss(keras.Layer):
    """Hands its first input on, and adds the others to what the model is trained for.

    What is added is ``Σ weight · sum(input)``: Caffe's sum of tops times their ``loss_weight``
    (net.cpp, layer.hpp).

    Args:
        weights: one for each input but the first.

    Input shape:
        a list of tensors.

    Output shape:
        the first one's.

    Example:
        >>> layer = AddLoss([0.5])
        >>> x = keras.ops.ones((2, 3))
        >>> layer([x, x]).shape, layer.losses  # (2, 3), [3.0]
    """

    def __init__(self, weights: Sequence[float], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.loss_weights = [float(weight) for weight in weights]

    def call(self, inputs: Sequence[keras.KerasTensor]) -> keras.KerasTensor:
        """The first input."""
        carried, *terms = inputs
        for weight, term in zip(self.loss_weights, terms, strict=True):
            self.add_loss(weight * ops.sum(term))
        return carried

    def compute_output_shape(
        self, input_shape: Sequence[tuple[int | None, ...]]
    ) -> tuple[int | None, ...]:
        """The first input's shape."""
        return tuple(input_shape[0])

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "weights": self.loss_weights}


def _one_or_all(tensors: Sequence[Any]) -> Any:
    return tensors[0] if len(tensors) == 1 else list(tensors)

"""Caffe's measure of a classifier."""

from __future__ import annotations

from typing import Any

from caffe2keras.runtime.dialect import keras, ops

__all__ = ["Accuracy"]


@keras.saving.register_keras_serializable(package="caffe2keras")
class Accuracy(keras.metrics.Metric):
    """The share of places whose label is among the ``top_k`` best.

    Caffe's Accuracy (accuracy_layer.cpp): a label is among them if fewer than ``top_k`` other
    classes score as high as it does or higher; places with the ignored label do not count. Over
    several batches it is the share of all their places.

    Args:
        top_k: as above.
        axis: where the classes are.
        ignore_label: a label whose places do not count; None for no such label.
        name: of the metric.
        dtype: of the state.

    Example:
        >>> metric = Accuracy()
        >>> metric.update_state([1, 0], [[0.2, 0.8], [0.1, 0.9]])
        >>> metric.result()  # 0.5
    """

    def __init__(
        self,
        top_k: int = 1,
        axis: int = -1,
        ignore_label: int | None = None,
        name: str = "accuracy",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.top_k = int(top_k)
        self.axis = int(axis)
        self.ignore_label = ignore_label
        self.right = self.add_weight(shape=(), initializer="zeros", name="right")
        self.places = self.add_weight(shape=(), initializer="zeros", name="places")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Counts a batch.

        Args:
            y_true: as many labels as there are places, in any shape with them in order.
            y_pred: scores, the classes along ``axis``.
            sample_weight: one number for each sample, or None.
        """
        scores = ops.moveaxis(ops.convert_to_tensor(y_pred), self.axis, -1)
        samples = ops.shape(scores)[0]
        rows = ops.reshape(scores, (-1, scores.shape[-1]))
        labels = ops.cast(ops.reshape(ops.convert_to_tensor(y_true), (-1,)), "int32")
        valid = ops.ones_like(labels, dtype="bool")
        if self.ignore_label is not None:
            valid = ops.not_equal(labels, self.ignore_label)
        own = ops.take_along_axis(rows, ops.expand_dims(ops.where(valid, labels, 0), 1), axis=1)
        # One of those that score as high is the label itself.
        rivals = ops.sum(ops.cast(rows >= own, "float32"), axis=1) - 1.0
        weights = ops.cast(valid, self.dtype)
        if sample_weight is not None:
            each = ops.reshape(ops.cast(sample_weight, self.dtype), (samples, -1))
            weights = ops.reshape(ops.reshape(weights, (samples, -1)) * each, (-1,))
        hits = ops.cast(rivals < self.top_k, self.dtype) * weights
        self.right.assign_add(ops.sum(hits))
        self.places.assign_add(ops.sum(weights))

    def result(self) -> Any:
        """The share; 0 where nothing counted."""
        return ops.divide_no_nan(self.right, self.places)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "top_k": self.top_k,
            "axis": self.axis,
            "ignore_label": self.ignore_label,
        }

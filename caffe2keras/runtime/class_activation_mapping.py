"""Where in an image a class was seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe2keras.runtime.dialect import keras, ops
from caffe2keras.runtime.spatial import resolve_data_format

__all__ = ["ClassActivationMapping"]


@keras.saving.register_keras_serializable(package="caffe2keras")
class ClassActivationMapping(keras.Layer):
    """A heat map for each class: ``M_c(y, x) = Σ_k W[k, c] f_k(y, x)``.

    Zhou et al., arXiv 1512.04150: W is the kernel of the Dense layer that follows a global average
    pooling of f, so that the mean of the map over y and x is that layer's logit without its bias.

    The layer of the MarcBS fork of Keras 1 knew channels first only, and forgot its constructor's
    ``weights`` when it was saved; here they are weights like all others.

    Args:
        classes: C, how many maps.
        size: (height, width) to which the maps are resized, or None for those of f.
        interpolation: how, as in ``keras.ops.image.resize``.
        kernel_initializer: of W, (K, C).
        data_format: ``"channels_last"``, ``"channels_first"``, or None for Keras's own.

    Input shape:
        (N, Y, X, K) or (N, K, Y, X).

    Output shape:
        (N, Y, X, C) or (N, C, Y, X), with ``size`` in place of Y, X if it is given.

    Example:
        >>> ClassActivationMapping(10)(keras.ops.ones((2, 7, 5, 3))).shape
        (2, 7, 5, 10)
    """

    def __init__(
        self,
        classes: int,
        size: Sequence[int] | None = None,
        interpolation: str = "bilinear",
        kernel_initializer: Any = "random_uniform",
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if classes < 1:
            raise ValueError(f"`classes` must be at least 1. Received: classes={classes}")
        if size is not None and len(size) != 2:
            raise ValueError(f"`size` must be (height, width). Received: size={size!r}")
        self.classes = int(classes)
        self.size = None if size is None else (int(size[0]), int(size[1]))
        self.interpolation = interpolation
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.data_format = resolve_data_format(data_format)
        # TensorFlow's resize gives other numbers near the border when XLA compiles it.
        self.supports_jit = self.size is None or keras.backend.backend() != "tensorflow"

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """W."""
        channels = input_shape[-1 if self.data_format == "channels_last" else 1]
        self.kernel = self.add_weight(
            name="kernel", shape=(channels, self.classes), initializer=self.kernel_initializer
        )
        self.built = True

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The maps."""
        last = self.data_format == "channels_last"
        features = inputs if last else ops.transpose(inputs, (0, 2, 3, 1))
        maps = ops.matmul(features, self.kernel)
        if self.size is not None:
            maps = ops.image.resize(
                maps, self.size, interpolation=self.interpolation, data_format="channels_last"
            )
        return maps if last else ops.transpose(maps, (0, 3, 1, 2))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The maps' shape."""
        if self.data_format == "channels_last":
            return (input_shape[0], *(self.size or input_shape[1:3]), self.classes)
        return (input_shape[0], self.classes, *(self.size or input_shape[2:]))

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "classes": self.classes,
            "size": self.size,
            "interpolation": self.interpolation,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "data_format": self.data_format,
        }

    @classmethod
    def from_head(cls, pooling: keras.Layer, dense: keras.Layer, **kwargs: Any) -> keras.Layer:
        """The maps of a classifier that ends in a global average pooling and a Dense layer.

        Args:
            pooling: the ``GlobalAveragePooling2D``; it tells the data format.
            dense: the built ``Dense`` after it; its kernel is copied.
            **kwargs: arguments of this layer.
        """
        kwargs.setdefault("data_format", pooling.data_format)
        return cls.from_fork_weights(dense.get_weights()[:1], **kwargs)

    @classmethod
    def from_fork_weights(cls, weights: Sequence[np.ndarray], **kwargs: Any) -> keras.Layer:
        """A layer with the weights of the fork's, of any version: [W (K, C)]."""
        (kernel,) = weights
        layer = cls(kernel.shape[1], **kwargs)
        channels = kernel.shape[0]
        last = layer.data_format == "channels_last"
        layer.build((None, None, None, channels) if last else (None, channels, None, None))
        layer.set_weights([kernel])
        return layer

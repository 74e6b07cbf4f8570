"""SoftClip, a layer that a fork of Caffe might have: y = limit * tanh(x / limit).

Its prototxt: ``type: "SoftClip" soft_clip_param { limit: 2.5 }``; the limit is 1 if not given.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe2keras.plugin import (
    Arrays,
    Fragment,
    Inferred,
    KerasLayer,
    Layer,
    Params,
    Placed,
    Shape,
    Tops,
    blobs,
    computes,
    demand,
    infers,
    keras_layers,
    line,
    maps,
)


def limit_of(params: Params) -> float:
    """The limit: Caffe's own schema does not have it, so it is a foreign field."""
    return params.foreign.message("soft_clip_param").number("limit", 1.0)


@maps("SoftClip", any_batch_axis=True)
def soft_clip(layer: Placed) -> Fragment:
    """Hyperbolic tangent, stretched.

    Caffe    limit * tanh(x / limit)
    Keras    example>SoftClip
    """
    return line(KerasLayer("example>SoftClip", {"limit": limit_of(layer.params)}))


@infers("SoftClip")
@blobs(bottoms=1)
def soft_clip_shape(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """The top is like the bottom."""
    demand(limit_of(params) > 0, f"limit is {limit_of(params):g}, it must be positive")
    return Inferred((bottoms[0],))


@computes("SoftClip")
def soft_clip_in_numpy(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """What ``verify --oracle`` compares with."""
    limit = limit_of(layer.params)
    return (limit * np.tanh(bottoms[0] / limit),)


@keras_layers
def soft_clip_in_keras() -> None:
    """Keras has no such layer; this runs when a model is loaded, for converting needs no Keras."""
    import keras

    @keras.saving.register_keras_serializable(package="example")
    class SoftClip(keras.Layer):
        def __init__(self, limit: float, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.limit = limit

        def call(self, inputs: Any) -> Any:
            return self.limit * keras.ops.tanh(inputs / self.limit)

        def compute_output_shape(self, input_shape: Any) -> Any:
            return input_shape

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "limit": self.limit}

"""SoftClip, a layer that a fork of Caffe might have: y = limit * tanh(x / limit).

Its prototxt: ``type: "SoftClip" soft_clip_param { limit: 2.5 }``; the limit is 1 if not given.
"""

import numpy as np

from caffe2keras.plugin import (
    Arrays,
    Fragment,
    Inferred,
    KerasLayer,
    Layer,
    Params,
    Placed,
    ShapeError,
    Tops,
    blobs,
    computes,
    infers,
    keras_layers,
    line,
    maps,
)


def limit_of(params: Params) -> float:
    return params.foreign.message("soft_clip_param").number("limit", 1.0)


@maps("SoftClip", any_batch_axis=True)
def soft_clip(layer: Placed) -> Fragment:
    """Tanh, stretched.

    Caffe    limit * tanh(x / limit)
    Keras    example>SoftClip
    """
    return line(KerasLayer("example>SoftClip", {"limit": limit_of(layer.params)}))


@infers("SoftClip")
@blobs(bottoms=1)
def soft_clip_shape(params: Params, bottoms: list[tuple[int, ...]], tops: int) -> Inferred:
    if limit_of(params) <= 0:
        raise ShapeError(what=f"limit is {limit_of(params):g}, it must be positive")
    return Inferred((bottoms[0],))


@computes("SoftClip")
def soft_clip_in_numpy(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    limit = limit_of(layer.params)
    return (limit * np.tanh(bottoms[0] / limit),)


@keras_layers
def soft_clip_in_keras() -> None:
    import keras

    @keras.saving.register_keras_serializable(package="example")
    class SoftClip(keras.Layer):
        def __init__(self, limit, **kwargs):
            super().__init__(**kwargs)
            self.limit = limit

        def call(self, inputs):
            return self.limit * keras.ops.tanh(inputs / self.limit)

        def compute_output_shape(self, input_shape):
            return input_shape

        def get_config(self):
            return {**super().get_config(), "limit": self.limit}

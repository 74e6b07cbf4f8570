"""Shape inference in Caffe's axis order: what each layer's set-up and Reshape compute.

One file per family, the same families as ``layer_map``. A rule is pure: parameters and input
shapes in, output shapes and shapes of the learned arrays out.
"""

from caffe2keras.shapes import (
    activation,
    convolution,
    data,
    dense,
    detection,
    elementwise,
    embedding,
    loss,
    normalization,
    pooling,
    recurrent,
    reduction,
    reshaping,
    upsampling,
    volume,
)

__all__ = [
    "activation",
    "convolution",
    "data",
    "dense",
    "detection",
    "elementwise",
    "embedding",
    "loss",
    "normalization",
    "pooling",
    "recurrent",
    "reduction",
    "reshaping",
    "upsampling",
    "volume",
]

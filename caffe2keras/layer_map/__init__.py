"""Net → KerasModel: one function for each Caffe layer type, one file for each family."""

# The families, listed so that nothing depends on what lies in the folder.
from caffe2keras.layer_map import (
    activation,
    convolution,
    data,
    dense,
    elementwise,
    indexing,
    joining,
    normalization,
    pooling,
    recurrent,
    reduction,
    regions,
    reshaping,
    scale,
    softmax,
    ssd,
    yolo,
)
from caffe2keras.layer_map.dispatch import Attempt, map_net, try_net
from caffe2keras.layer_map.support import SupportRow, support_table

__all__ = [
    "Attempt",
    "SupportRow",
    "activation",
    "convolution",
    "data",
    "dense",
    "elementwise",
    "indexing",
    "joining",
    "map_net",
    "normalization",
    "pooling",
    "recurrent",
    "reduction",
    "regions",
    "reshaping",
    "scale",
    "softmax",
    "ssd",
    "support_table",
    "try_net",
    "yolo",
]

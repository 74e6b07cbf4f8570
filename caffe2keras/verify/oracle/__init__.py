"""Caffe's TEST-phase forward pass in plain NumPy: the second witness.

It shares nothing with the mappings but the net itself, so that an error would have to be made
twice, in two ways, to go unseen; and it is itself held against blobs recorded from Caffe.
"""

# The families, listed so that nothing depends on what lies in the folder.
from caffe2keras.verify.oracle import (
    activation,
    arithmetic,
    bilinear,
    convolution,
    data,
    dense,
    detection,
    loss,
    normalization,
    pooling,
    recurrent,
    reduction,
    regions,
    reshaping,
    resizing,
    selection,
    volume,
    yolo,
)
from caffe2keras.verify.oracle.forward import run
from caffe2keras.verify.oracle.registry import Array, computes, known_types

__all__ = [
    "Array",
    "activation",
    "arithmetic",
    "bilinear",
    "computes",
    "convolution",
    "data",
    "dense",
    "detection",
    "known_types",
    "loss",
    "normalization",
    "pooling",
    "recurrent",
    "reduction",
    "regions",
    "reshaping",
    "resizing",
    "run",
    "selection",
    "volume",
    "yolo",
]

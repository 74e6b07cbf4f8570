"""The Keras layers that converted nets need and Keras does not have.

Importing this package registers every class under ``caffe2keras>``, so that Keras can load a
file that uses them. It imports Keras and nothing else of caffe2keras; each layer computes the
same numbers on every backend (on OpenVINO, inference only).
"""

from caffe2keras.runtime.batch_statistics import BatchStatisticsNormalization
from caffe2keras.runtime.constant import Constant
from caffe2keras.runtime.convolution import Conv, ConvTranspose
from caffe2keras.runtime.lrn import LRN
from caffe2keras.runtime.merging import WeightedSum
from caffe2keras.runtime.pooling import Pooling2D
from caffe2keras.runtime.power import Power
from caffe2keras.runtime.reshaping import FixedReshape, Transpose
from caffe2keras.runtime.scale import BroadcastAdd, BroadcastMultiply, Scale
from caffe2keras.runtime.slicing import CropLike, Slice

__all__ = [
    "LRN",
    "BatchStatisticsNormalization",
    "BroadcastAdd",
    "BroadcastMultiply",
    "Constant",
    "Conv",
    "ConvTranspose",
    "CropLike",
    "FixedReshape",
    "Pooling2D",
    "Power",
    "Scale",
    "Slice",
    "Transpose",
    "WeightedSum",
]

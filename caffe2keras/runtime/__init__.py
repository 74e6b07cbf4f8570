"""The Keras layers that converted nets need and Keras does not have.

Importing this package registers every class under ``caffe2keras>``, so that Keras can load a
file that uses them. It imports Keras and nothing else of caffe2keras; each layer computes the
same numbers on every backend (on OpenVINO, inference only).

The Keras is that which is installed: 3, or for what predicts tf.keras 2 or Keras 2.3 on Theano
(``dialect`` says how). What they do not have says so when it is asked for.
"""

from typing import TYPE_CHECKING

from caffe2keras.runtime.accuracy import Accuracy
from caffe2keras.runtime.activation import AbsVal, Clip, SignedSqrt, SoftThreshold, Swish, Threshold
from caffe2keras.runtime.added_loss import AddLoss, LossValue
from caffe2keras.runtime.argmax import ArgMax
from caffe2keras.runtime.att_lstm import AttLSTM
from caffe2keras.runtime.att_lstm_cond import AttLSTMCond
from caffe2keras.runtime.base_lstm import hard_sigmoid
from caffe2keras.runtime.bilinear import BilinearPooling, CompactBilinearPooling
from caffe2keras.runtime.blocks import CollapseRows, TileBlocks
from caffe2keras.runtime.class_activation_mapping import ClassActivationMapping
from caffe2keras.runtime.class_losses import (
    HingeLoss,
    InfogainLoss,
    MultinomialLogisticLoss,
    SoftmaxWithLoss,
)
from caffe2keras.runtime.constant import Constant
from caffe2keras.runtime.convolution import Conv
from caffe2keras.runtime.convolution_transpose import ConvTranspose
from caffe2keras.runtime.count_sketch import CountSketch
from caffe2keras.runtime.detection_output import DetectionOutput
from caffe2keras.runtime.dialect import IS_KERAS_3
from caffe2keras.runtime.distance import InnerDistance
from caffe2keras.runtime.distance_losses import (
    ContrastiveLoss,
    EuclideanLoss,
    SigmoidCrossEntropyLoss,
    SmoothL1Loss,
)
from caffe2keras.runtime.dropout import SampledDropout
from caffe2keras.runtime.handwriting import handwriting_network
from caffe2keras.runtime.im2col import Im2col
from caffe2keras.runtime.indexing import BatchReindex, Filter, Tile
from caffe2keras.runtime.interpolation import Interpolation2D
from caffe2keras.runtime.locally_connected import LocallyConnected2D
from caffe2keras.runtime.lr_multiplier import set_lr_multipliers
from caffe2keras.runtime.lrn import LRN
from caffe2keras.runtime.lstm_cond import LSTMCond
from caffe2keras.runtime.mdlstm import MDLSTM, MultiDirectionalLSTM
from caffe2keras.runtime.merging import WeightedSum
from caffe2keras.runtime.normalization import (
    MVN,
    BatchStatisticsNormalization,
    StoredStatisticsNormalization,
)
from caffe2keras.runtime.normalize import Normalize
from caffe2keras.runtime.pooling import Pooling2D, Pooling3D, StochasticPooling2D
from caffe2keras.runtime.pooling_mask import MaxPooling2DWithMask
from caffe2keras.runtime.power import Exp, Log, Power
from caffe2keras.runtime.prior_box import PriorBox
from caffe2keras.runtime.proposal import Proposal
from caffe2keras.runtime.psroi_pooling import PSROIPooling
from caffe2keras.runtime.recurrent import CaffeLSTM, CaffeRNN, LSTMUnit
from caffe2keras.runtime.reduction import Reduction
from caffe2keras.runtime.renet import ReNet
from caffe2keras.runtime.reordering import Reverse, ReverseSequence, ShuffleChannels
from caffe2keras.runtime.reshaping import FixedReshape, Transpose
from caffe2keras.runtime.roi_pooling import ROIPooling
from caffe2keras.runtime.scale import BroadcastAdd, BroadcastMultiply, Scale
from caffe2keras.runtime.schedules import InverseDecay, SigmoidDecay
from caffe2keras.runtime.slicing import CropLike, Slice
from caffe2keras.runtime.solvers import (
    CaffeAdaDelta,
    CaffeAdaGrad,
    CaffeAdam,
    CaffeNesterov,
    CaffeRMSProp,
    CaffeSGD,
)
from caffe2keras.runtime.step_marks import StepMarks
from caffe2keras.runtime.stop_gradient import StopGradient
from caffe2keras.runtime.unpooling import MaxUnpooling2D, Unpooling2D
from caffe2keras.runtime.yolo_detection import YoloDetectionOutput, Yolov3DetectionOutput

if TYPE_CHECKING or IS_KERAS_3:
    from caffe2keras.runtime.lr_multiplier import LearningRateMultiplier
else:
    from caffe2keras.runtime.dialect.stock import LearningRateMultiplier, provide

    provide()

__all__ = [
    "LRN",
    "MDLSTM",
    "MVN",
    "AbsVal",
    "Accuracy",
    "AddLoss",
    "ArgMax",
    "AttLSTM",
    "AttLSTMCond",
    "BatchReindex",
    "BatchStatisticsNormalization",
    "BilinearPooling",
    "BroadcastAdd",
    "BroadcastMultiply",
    "CaffeAdaDelta",
    "CaffeAdaGrad",
    "CaffeAdam",
    "CaffeLSTM",
    "CaffeNesterov",
    "CaffeRMSProp",
    "CaffeRNN",
    "CaffeSGD",
    "ClassActivationMapping",
    "Clip",
    "CollapseRows",
    "CompactBilinearPooling",
    "Constant",
    "ContrastiveLoss",
    "Conv",
    "ConvTranspose",
    "CountSketch",
    "CropLike",
    "DetectionOutput",
    "EuclideanLoss",
    "Exp",
    "Filter",
    "FixedReshape",
    "HingeLoss",
    "Im2col",
    "InfogainLoss",
    "InnerDistance",
    "Interpolation2D",
    "InverseDecay",
    "LSTMCond",
    "LSTMUnit",
    "LearningRateMultiplier",
    "LocallyConnected2D",
    "Log",
    "LossValue",
    "MaxPooling2DWithMask",
    "MaxUnpooling2D",
    "MultiDirectionalLSTM",
    "MultinomialLogisticLoss",
    "Normalize",
    "PSROIPooling",
    "Pooling2D",
    "Pooling3D",
    "Power",
    "PriorBox",
    "Proposal",
    "ROIPooling",
    "ReNet",
    "Reduction",
    "Reverse",
    "ReverseSequence",
    "SampledDropout",
    "Scale",
    "ShuffleChannels",
    "SigmoidCrossEntropyLoss",
    "SigmoidDecay",
    "SignedSqrt",
    "Slice",
    "SmoothL1Loss",
    "SoftThreshold",
    "SoftmaxWithLoss",
    "StepMarks",
    "StochasticPooling2D",
    "StopGradient",
    "StoredStatisticsNormalization",
    "Swish",
    "Threshold",
    "Tile",
    "TileBlocks",
    "Transpose",
    "Unpooling2D",
    "WeightedSum",
    "YoloDetectionOutput",
    "Yolov3DetectionOutput",
    "handwriting_network",
    "hard_sigmoid",
    "set_lr_multipliers",
]

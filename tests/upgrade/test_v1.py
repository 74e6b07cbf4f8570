"""V1 nets: what Caffe's own upgrade makes of them, recorded from BVLC 1.0."""

from __future__ import annotations

import pytest

from caffe2keras.proto.caffe_pb2 import V1LayerParameter

# upgrade_proto.cpp: UpgradeV1LayerType, whole
TYPES = {
    "NONE": "",
    "ABSVAL": "AbsVal",
    "ACCURACY": "Accuracy",
    "ARGMAX": "ArgMax",
    "BNLL": "BNLL",
    "CONCAT": "Concat",
    "CONTRASTIVE_LOSS": "ContrastiveLoss",
    "CONVOLUTION": "Convolution",
    "DATA": "Data",
    "DECONVOLUTION": "Deconvolution",
    "DROPOUT": "Dropout",
    "DUMMY_DATA": "DummyData",
    "EUCLIDEAN_LOSS": "EuclideanLoss",
    "ELTWISE": "Eltwise",
    "EXP": "Exp",
    "FLATTEN": "Flatten",
    "HDF5_DATA": "HDF5Data",
    "HDF5_OUTPUT": "HDF5Output",
    "HINGE_LOSS": "HingeLoss",
    "IM2COL": "Im2col",
    "IMAGE_DATA": "ImageData",
    "INFOGAIN_LOSS": "InfogainLoss",
    "INNER_PRODUCT": "InnerProduct",
    "LRN": "LRN",
    "MEMORY_DATA": "MemoryData",
    "MULTINOMIAL_LOGISTIC_LOSS": "MultinomialLogisticLoss",
    "MVN": "MVN",
    "POOLING": "Pooling",
    "POWER": "Power",
    "RELU": "ReLU",
    "SIGMOID": "Sigmoid",
    "SIGMOID_CROSS_ENTROPY_LOSS": "SigmoidCrossEntropyLoss",
    "SILENCE": "Silence",
    "SOFTMAX": "Softmax",
    "SOFTMAX_LOSS": "SoftmaxWithLoss",
    "SPLIT": "Split",
    "SLICE": "Slice",
    "TANH": "TanH",
    "WINDOW_DATA": "WindowData",
    "THRESHOLD": "Threshold",
}

# What the forks' own registries call them.
FORK_TYPES = {
    "BN": "BN",
    "CONVOLUTION3D": "Convolution3D",
    "POOLING3D": "Pooling3D",
    "DECONVOLUTION3D": "Deconvolution3D",
    "UNPOOLING": "Unpooling",
    "RELU6": "ReLU6",
    "ROIPOOLING": "ROIPooling",
    "BATCH_NORM": "BatchNorm",
    "DENSE_CRF": "DenseCRF",
    "IMAGE_SEG_DATA": "ImageSegData",
    "VIDEO_WITH_VOXEL_TRUTH_DATA": "VideoWithVoxelTruthData",
    "MULTI_STAGE_MEANFIELD": "MultiStageMeanfield",
}


@pytest.mark.parametrize(("old", "new"), [*TYPES.items(), *FORK_TYPES.items()])
def test_types_get_their_current_names(upgraded, old, new):
    assert upgraded(f'layers {{ name: "x" type: {old} top: "x" }}').layer[0].type == new


def test_every_type_of_the_schema_has_a_name(upgraded):
    for value in V1LayerParameter.LayerType.DESCRIPTOR.values:
        old = value.name
        new = upgraded(f'layers {{ name: "x" type: {old} top: "x" }}').layer[0].type
        assert old == "NONE" or new[:1].isupper()


def test_a_type_that_the_schema_does_not_know_is_named_likewise(upgraded):
    assert upgraded('layers { name: "x" type: NEW_THING top: "x" }').layer[0].type == "NewThing"


def test_the_product_of_old_stays_a_product(becomes):
    becomes(
        'layers { name: "x" type: ELTWISE_PRODUCT bottom: "a" bottom: "b" top: "x" }',
        'layer { name: "x" type: "Eltwise" bottom: "a" bottom: "b" top: "x" '
        "eltwise_param { operation: PROD } }",
    )


def test_lists_for_each_array_become_param(becomes):
    becomes(
        """
layers { name: "c" type: CONVOLUTION bottom: "a" top: "c"
  param: "w" param: "b" blob_share_mode: PERMISSIVE blobs_lr: 1 blobs_lr: 2
  weight_decay: 1 weight_decay: 0 weight_decay: 3
  convolution_param { num_output: 4 kernel_size: 3 } }
""",
        """
layer { name: "c" type: "Convolution" bottom: "a" top: "c"
  param { name: "w" share_mode: PERMISSIVE lr_mult: 1 decay_mult: 1 }
  param { name: "b" lr_mult: 2 decay_mult: 0 }
  param { decay_mult: 3 }
  convolution_param { num_output: 4 kernel_size: 3 } }
""",
    )


def test_rules_loss_weights_and_arrays_stay(becomes):
    becomes(
        """
layers { name: "l" type: SOFTMAX_LOSS bottom: "a" bottom: "b" top: "l" loss_weight: 0.3
  include { phase: TRAIN min_level: 1 } exclude { stage: "x" not_stage: "y" }
  loss_param { ignore_label: 255 normalize: false } softmax_param { axis: 2 }
  blobs { num: 1 channels: 1 height: 1 width: 2 data: 0.25 data: 4 } }
""",
        """
layer { name: "l" type: "SoftmaxWithLoss" bottom: "a" bottom: "b" top: "l" loss_weight: 0.3
  include { phase: TRAIN min_level: 1 } exclude { stage: "x" not_stage: "y" }
  loss_param { ignore_label: 255 normalize: false } softmax_param { axis: 2 }
  blobs { num: 1 channels: 1 height: 1 width: 2 data: 0.25 data: 4 } }
""",
    )


def test_include_was_once_called_enable(becomes):
    becomes(
        'layers { name: "a" type: ACCURACY bottom: "x" top: "a" enable { phase: TEST } }',
        'layer { name: "a" type: "Accuracy" bottom: "x" top: "a" include { phase: TEST } }',
    )


@pytest.mark.parametrize(
    ("type_", "name"),
    [("DATA", "data"), ("IMAGE_DATA", "image_data"), ("WINDOW_DATA", "window_data")],
)
def test_data_layers_hand_their_transformation_over(becomes, type_, name):
    becomes(
        f"""layers {{ name: "d" type: {type_} top: "d" {name}_param {{ source: "s" batch_size: 4
        scale: 0.5 mean_file: "m" crop_size: 7 mirror: true }} }}""",
        f"""layer {{ name: "d" type: "{name.title().replace("_", "")}" top: "d"
        transform_param {{ scale: 0.5 mean_file: "m" crop_size: 7 mirror: true }}
        {name}_param {{ source: "s" batch_size: 4 }} }}""",
    )


def test_a_transformation_that_is_there_already_is_completed(becomes):
    becomes(
        """layers { name: "d" type: DATA top: "d" data_param { scale: 0.5 }
        transform_param { scale: 3 crop_size: 7 } }""",
        """layer { name: "d" type: "Data" top: "d" data_param { }
        transform_param { scale: 0.5 crop_size: 7 } }""",
    )


def test_a_field_without_a_current_place_is_kept_to_be_refused(upgraded):
    net = upgraded('layers { name: "c" type: CONVOLUTION top: "c" strict_dim: false }')
    [unknown] = net.layer[0].unknown_field
    assert (unknown.path, unknown.value) == ("strict_dim", "False")


def test_unknown_fields_and_addresses_come_along(upgraded):
    net = upgraded('\nlayers {\n name: "c" type: CONVOLUTION top: "c"\n  wobble: 3 }')
    layer = net.layer[0]
    assert (layer.source_line, layer.unknown_field[0].path) == (2, "wobble")
    assert layer.unknown_field[0].line == 4

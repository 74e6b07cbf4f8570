"""V0 nets: what Caffe's own upgrade makes of them, recorded from BVLC 1.0."""

from __future__ import annotations

import pytest

from caffe2keras.errors import PrototxtError, UnknownBlobError

HEAD = 'name: "v0" input: "data" input_dim: 2 input_dim: 3 input_dim: 9 input_dim: 7 '

# upgrade_proto.cpp: UpgradeV0LayerType, whole, and what UpgradeV1LayerType makes of that
TYPES = {
    "accuracy": "Accuracy",
    "bnll": "BNLL",
    "concat": "Concat",
    "conv": "Convolution",
    "data": "Data",
    "dropout": "Dropout",
    "euclidean_loss": "EuclideanLoss",
    "flatten": "Flatten",
    "hdf5_data": "HDF5Data",
    "hdf5_output": "HDF5Output",
    "im2col": "Im2col",
    "images": "ImageData",
    "infogain_loss": "InfogainLoss",
    "innerproduct": "InnerProduct",
    "lrn": "LRN",
    "multinomial_logistic_loss": "MultinomialLogisticLoss",
    "pool": "Pooling",
    "relu": "ReLU",
    "sigmoid": "Sigmoid",
    "softmax": "Softmax",
    "softmax_loss": "SoftmaxWithLoss",
    "split": "Split",
    "tanh": "TanH",
    "window_data": "WindowData",
}

INPUT = """name: "v0"
layer { name: "input" type: "Input" top: "data"
  input_param { shape { dim: 2 dim: 3 dim: 9 dim: 7 } } }
"""


@pytest.mark.parametrize(("old", "new"), TYPES.items())
def test_types_get_their_current_names(upgraded, old, new):
    net = upgraded(f'layers {{ layer {{ name: "x" type: "{old}" }} top: "x" }}')
    assert net.layer[0].type == new


def test_a_padding_layer_is_folded_into_the_convolution_behind_it(becomes):
    becomes(
        HEAD
        + """
layers { layer { name: "pad1" type: "padding" pad: 2 } bottom: "data" top: "pad1" }
layers { layer { name: "conv1" type: "conv" num_output: 4 kernelsize: 3 stride: 2 group: 1
    biasterm: false weight_filler { type: "gaussian" std: 0.01 }
    bias_filler { type: "constant" value: 0.5 }
    blobs_lr: 1 blobs_lr: 2 weight_decay: 1 weight_decay: 0 }
  bottom: "pad1" top: "conv1" }
""",
        INPUT
        + """
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  param { lr_mult: 1 decay_mult: 1 } param { lr_mult: 2 decay_mult: 0 }
  convolution_param { num_output: 4 bias_term: false pad: 2 kernel_size: 3 group: 1 stride: 2
    weight_filler { type: "gaussian" std: 0.01 } bias_filler { type: "constant" value: 0.5 } } }
""",
    )


def test_one_padding_layer_may_serve_two_readers(becomes):
    becomes(
        HEAD
        + """
layers { layer { name: "pad" type: "padding" pad: 1 } bottom: "data" top: "pad" }
layers { layer { name: "a" type: "pool" pool: AVE kernelsize: 3 stride: 2 } bottom: "pad" top: "a" }
layers { layer { name: "b" type: "conv" num_output: 2 kernelsize: 3 } bottom: "pad" top: "b" }
""",
        INPUT
        + """
layer { name: "a" type: "Pooling" bottom: "data" top: "a"
  pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 } }
layer { name: "b" type: "Convolution" bottom: "data" top: "b"
  convolution_param { num_output: 2 pad: 1 kernel_size: 3 } }
""",
    )


def test_small_layers_keep_their_few_fields(becomes):
    becomes(
        HEAD
        + """
layers { layer { name: "n" type: "lrn" local_size: 3 alpha: 0.0001 beta: 0.7 k: 2 }
  bottom: "data" top: "n" }
layers { layer { name: "d" type: "dropout" dropout_ratio: 0.3 } bottom: "n" top: "n" }
layers { layer { name: "c" type: "concat" concat_dim: 2 } bottom: "n" bottom: "data" top: "c" }
layers { layer { name: "f" type: "innerproduct" num_output: 5 } bottom: "c" top: "f" }
layers { layer { name: "r" type: "relu" } bottom: "f" top: "f" }
layers { layer { name: "s" type: "softmax" } bottom: "f" top: "s" }
""",
        INPUT
        + """
layer { name: "n" type: "LRN" bottom: "data" top: "n"
  lrn_param { local_size: 3 alpha: 0.0001 beta: 0.7 k: 2 } }
layer { name: "d" type: "Dropout" bottom: "n" top: "n" dropout_param { dropout_ratio: 0.3 } }
layer { name: "c" type: "Concat" bottom: "n" bottom: "data" top: "c"
  concat_param { concat_dim: 2 } }
layer { name: "f" type: "InnerProduct" bottom: "c" top: "f"
  inner_product_param { num_output: 5 } }
layer { name: "r" type: "ReLU" bottom: "f" top: "f" }
layer { name: "s" type: "Softmax" bottom: "f" top: "s" }
""",
    )


def test_data_layers_hand_their_transformation_over(becomes):
    becomes(
        """
layers { layer { name: "a" type: "data" source: "db" batchsize: 8 scale: 0.5 meanfile: "mean"
    cropsize: 11 mirror: true rand_skip: 3 } top: "a" }
layers { layer { name: "b" type: "images" source: "list" batchsize: 6 shuffle_images: true
    new_height: 20 new_width: 30 rand_skip: 2 } top: "b" }
layers { layer { name: "c" type: "window_data" source: "windows" batchsize: 4 cropsize: 13
    det_fg_threshold: 0.6 det_bg_threshold: 0.4 det_fg_fraction: 0.3 det_context_pad: 16
    det_crop_mode: "square" } top: "c" }
layers { layer { name: "d" type: "hdf5_data" source: "files" batchsize: 5 } top: "d" }
""",
        """
layer { name: "a" type: "Data" top: "a"
  data_param { source: "db" batch_size: 8 rand_skip: 3 }
  transform_param { scale: 0.5 mirror: true crop_size: 11 mean_file: "mean" } }
layer { name: "b" type: "ImageData" top: "b" image_data_param { source: "list" batch_size: 6
    rand_skip: 2 shuffle: true new_height: 20 new_width: 30 } }
layer { name: "c" type: "WindowData" top: "c"
  window_data_param { source: "windows" batch_size: 4 fg_threshold: 0.6 bg_threshold: 0.4
    fg_fraction: 0.3 context_pad: 16 crop_mode: "square" }
  transform_param { crop_size: 13 } }
layer { name: "d" type: "HDF5Data" top: "d" hdf5_data_param { source: "files" batch_size: 5 } }
""",
    )


def test_heads_keep_their_sources(becomes):
    becomes(
        HEAD
        + """
layers { layer { name: "l" type: "infogain_loss" source: "matrix" } bottom: "data" top: "l" }
layers { layer { name: "o" type: "hdf5_output" hdf5_output_param { file_name: "out" } }
  bottom: "data" }
""",
        INPUT
        + """
layer { name: "l" type: "InfogainLoss" bottom: "data" top: "l"
  infogain_loss_param { source: "matrix" } }
layer { name: "o" type: "HDF5Output" bottom: "data" hdf5_output_param { file_name: "out" } }
""",
    )


def test_a_field_that_the_type_never_had_is_kept_to_be_refused(upgraded):
    net = upgraded(
        HEAD + 'layers { layer { name: "r" type: "relu" kernelsize: 3 } bottom: "data" top: "r" }'
    )
    [unknown] = net.layer[1].unknown_field
    assert (unknown.path, unknown.value, unknown.line) == ("layer.kernelsize", "3", 1)


def test_an_unknown_v0_type_is_refused_with_the_nearest(upgraded):
    with pytest.raises(PrototxtError) as caught:
        upgraded('layers { layer { name: "p" type: "pooling" } bottom: "x" top: "p" }\ninput: "x"')
    assert str(caught.value) == (
        'layer "p" has type "pooling", which Caffe\'s V0 nets do not know\n'
        "  in: net.prototxt:1\n"
        '  try: did you mean "pool"?'
    )


def test_padding_before_anything_else_than_conv_or_pool_is_refused(upgraded):
    with pytest.raises(PrototxtError) as caught:
        upgraded(
            HEAD
            + """
layers { layer { name: "pad" type: "padding" pad: 1 } bottom: "data" top: "pad" }
layers { layer { name: "r" type: "relu" } bottom: "pad" top: "r" }
"""
        )
    assert str(caught.value) == (
        'layer "r" (relu) reads a padding layer\n'
        "  in: net.prototxt:3\n"
        "  why: padding can only be folded into a conv or pool layer with one bottom\n"
        "  try: give the layer that reads it a pad of its own"
    )


def test_a_v0_bottom_that_nobody_produces_is_refused(upgraded):
    with pytest.raises(UnknownBlobError, match='"r" reads blob "dat", which no layer before it'):
        upgraded(HEAD + '\nlayers { layer { name: "r" type: "relu" } bottom: "dat" top: "r" }')


def test_a_layers_arrays_stay_its_arrays(becomes):
    blobs = "blobs { num: 1 channels: 2 height: 1 width: 1 data: 0.5 data: 0.25 }"
    becomes(
        f"""
layers {{ layer {{ name: "c" type: "conv" num_output: 1 kernelsize: 1 {blobs} }}
  bottom: "x" top: "c" }}
input: "x" input_dim: 1 input_dim: 2 input_dim: 3 input_dim: 4
""",
        f"""
layer {{ name: "input" type: "Input" top: "x"
  input_param {{ shape {{ dim: 1 dim: 2 dim: 3 dim: 4 }} }} }}
layer {{ name: "c" type: "Convolution" bottom: "x" top: "c" {blobs}
  convolution_param {{ num_output: 1 kernel_size: 1 }} }}
""",
    )

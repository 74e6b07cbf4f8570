"""Layers of the forks: by hand, from each fork's own source (named in the rule's docstring)."""

from __future__ import annotations

import pytest

B = (2, 6, 5, 7)


@pytest.mark.parametrize(
    ("kind", "text", "bottom", "top"),
    [
        ("ReLU6", "", B, B),
        ("Mish", "", B, B),
        ("HSwish", "", B, B),
        ("HardSwish", "", B, B),
        ("HardSigmoid", "", B, B),
        ("SignedSqrt", "", B, B),
        ("Insanity", "", B, B),
        ("Noise", "", B, B),
        ("Flip", "", B, B),
        ("L2Normalize", "", (2, 3), (2, 3, 1, 1)),
        ("ShuffleChannel", "shuffle_channel_param { group: 3 }", B, B),
        ("CropCenter", "crop_center_param { crop_size: [0, 0, 1, 2] }", B, (2, 6, 3, 3)),
        ("Transpose", "transpose_param { dim: [3, 0, 1, 2] }", B, (7, 2, 6, 5)),
        ("Reverse", "reverse_param { axis: 3 }", B, B),
        ("Reorg", "reorg_param { stride: 2 }", B, (2, 24, 2, 3)),
        ("Reorg", "reorg_param { stride: 2 reverse: true }", (2, 8, 5, 7), (2, 2, 10, 14)),
        ("Upsample", "upsample_param { scale: 3 }", B, (2, 6, 15, 21)),
        ("Upsample", "", B, B),
        ("Interp", "interp_param { zoom_factor: 3 }", B, (2, 6, 13, 19)),
        ("Interp", "interp_param { shrink_factor: 2 }", B, (2, 6, 3, 4)),
        ("Interp", "interp_param { shrink_factor: 2 zoom_factor: 3 }", B, (2, 6, 7, 10)),
        ("Interp", "interp_param { height: 9 width: 4 }", B, (2, 6, 9, 4)),
        ("Interp", "interp_param { height: 9 width: 4 zoom_factor: 2 }", B, (2, 6, 9, 13)),
        (
            "Interp",
            "interp_param { height: 9 width: 4 zoom_factor: 2 shrink_factor: 2 }",
            B,
            (2, 6, 9, 4),
        ),
        ("Interp", "interp_param { zoom_factor: 2 pad_beg: -1 pad_end: -1 }", B, (2, 6, 5, 9)),
    ],
)
def test_a_layer_that_learns_nothing(inferred, kind, text, bottom, top):
    answer = inferred(kind, text, bottom)
    assert answer.tops == (top,)
    assert answer.weights == ()


@pytest.mark.parametrize(
    ("words", "kind", "text", "bottom"),
    [
        ("group 4 does not divide the 6", "ShuffleChannel", "shuffle_channel_param {group: 4}", B),
        ("leaves nothing", "CropCenter", "crop_center_param { crop_size: [1, 0, 0, 0] }", B),
        ("crop_size is given 1 times", "CropCenter", "crop_center_param { crop_size: 1 }", B),
        ("is no order of the 4 axes", "Transpose", "transpose_param { dim: [0, 1, 2] }", B),
        ("is no order of the 4 axes", "Transpose", "transpose_param { dim: [0, 1, 2, 2] }", B),
        ("axis -1 is out of range", "Reverse", "reverse_param { axis: -1 }", B),
        ("axis 4 is out of range", "Reverse", "reverse_param { axis: 4 }", B),
        ("stride is missing", "Reorg", "", B),
        ("does not divide 6 channels", "Reorg", "reorg_param { stride: 2 reverse: true }", B),
        ("larger than the image", "Reorg", "reorg_param { stride: 6 }", B),
        ("cannot work in place", "Reorg", 'bottom: "a" top: "a" reorg_param { stride: 1 }', B),
        ("they may only crop", "Interp", "interp_param { zoom_factor: 2 pad_beg: 1 }", B),
        ("leave nothing of (5, 7)", "Interp", "interp_param { pad_beg: -3 pad_end: -2 }", B),
        ("it takes shrink_factor, zoom_factor", "Interp", "interp_param { height: 9 }", B),
        ("1 is the least", "Interp", "interp_param { zoom_factor: 0 }", B),
        ("needs a second input", "Interp", "interp_param { use_blob_size: true }", B),
    ],
)
def test_what_a_fork_refuses_is_refused(refused, words, kind, text, bottom):
    refused(words, kind, text, bottom)


def test_a_second_input_may_tell_the_size(inferred):
    text = "interp_param { use_blob_size: true }"
    assert inferred("Interp", text, B, (2, 3, 11, 12)).tops == ((2, 6, 11, 12),)


@pytest.mark.parametrize(
    ("fields", "spatial"),
    [
        ("", (10, 14)),
        ("scale: 3", (15, 21)),
        ("scale_h: 2 scale_w: 3", (10, 21)),
        ("pad_out_h: true", (9, 14)),
        ("scale: 2 upsample_h: 9 upsample_w: 13", (9, 13)),
    ],
)
def test_an_upsampling_undoes_a_max_pooling(inferred, fields, spatial):
    answer = inferred("Upsample", f"upsample_param {{ {fields} }}", B, B)
    assert answer.tops == ((2, 6, *spatial),)


@pytest.mark.parametrize(
    ("words", "fields", "mask"),
    [
        ("the mask takes (2, 6, 5, 7), received (2, 3, 5, 7)", "", (2, 3, 5, 7)),
        ("scale_h and scale_w together", "scale_h: 2", B),
        ("scale_h and scale_w together", "scale: 2 scale_h: 2 scale_w: 2", B),
        ("2 is the least", "scale: 1", B),
        ("2 is the least", "upsample_h: 1 upsample_w: 9", B),
        ("are for a scale of 2", "scale: 3 pad_out_w: true", B),
    ],
)
def test_an_upsampling_without_its_pooling_is_refused(refused, words, fields, mask):
    refused(words, "Upsample", f"upsample_param {{ {fields} }}", B, mask)


def test_a_depthwise_convolution_is_a_grouped_one_or_needs_no_group(inferred):
    text = "convolution_param { num_output: 6 group: 6 kernel_size: 3 stride: 2 pad: 1 }"
    answer = inferred("DepthwiseConvolution", text, B)
    assert answer.tops == ((2, 6, 3, 4),)
    assert answer.weights == ((6, 1, 3, 3), (6,))
    text = "convolution_param { kernel_h: 2 kernel_w: 3 bias_term: false }"
    answer = inferred("ConvolutionDepthwise", text, B)
    assert answer.tops == ((2, 6, 4, 5),)
    assert answer.weights == ((6, 1, 2, 3),)


def test_a_fused_batch_norm_has_scale_and_bias_too(inferred):
    text = "batch_norm_param { scale_bias: true }"
    assert inferred("BatchNorm", text, B).weights == ((6,), (6,), (1,), (6,), (6,))
    text = "batch_norm_param { bias_filler { value: 0 } }"
    assert inferred("BatchNorm", text, B).weights == ((6,), (6,), (1,), (6,), (6,))
    text = "batch_norm_param { filler { value: 1 } bias_filler { value: 0 } }"
    assert inferred("BatchNorm", text, B).weights == ((6,), (6,), (1,))


STATISTIC = (1, 6, 1, 1)


@pytest.mark.parametrize(
    ("text", "arrays"),
    [
        ("bn_param { bn_mode: INFERENCE }", 2),
        ("bn_param { scale_filler {} shift_filler {} }", 2),
        ("bn_param { slope_filler {} bias_filler {} frozen: true }", 4),
        ("bn_param { momentum: 0.9 }", 4),
        ("param {} param {}", 2),
        ("param {} param {} param {} param {}", 4),
    ],
)
def test_a_bn_tells_by_its_fields_which_forks_it_is(inferred, text, arrays):
    answer = inferred("BN", text, B)
    assert answer.tops == (B,)
    assert answer.weights == (STATISTIC,) * arrays


def test_a_bn_that_learns_also_gives_its_statistics(inferred, refused):
    text = "bn_param { bn_mode: %s }"
    assert inferred("BN", text % "LEARN", B, tops=3).tops == (B, STATISTIC, STATISTIC)
    refused("when bn_mode is INFERENCE", "BN", text % "INFERENCE", B, tops=2)
    refused("produces 1 output", "BN", "bn_param { momentum: 0.9 }", B, tops=2)
    refused("bn_param tells neither", "BN", "", B)


def test_a_normalize_learns_scales_in_ssd_alone(inferred, refused):
    text = "norm_param { channel_shared: %s }"
    assert inferred("Normalize", text % "false", B).weights == ((6,),)
    assert inferred("Normalize", text % "true", B).weights == ((),)
    refused("produces 1 output", "Normalize", text % "true", B, tops=2)
    answer = inferred("Normalize", "normalize_param { bp_norm: true }", (2, 3), tops=2)
    assert answer.tops == ((2, 3, 1, 1), (2, 1, 1, 1))
    assert answer.weights == ()


def test_an_axpy_scales_and_adds(inferred, refused):
    assert inferred("Axpy", "", (2, 6, 1, 1), B, B).tops == (B,)
    assert inferred("Axpy", "", (2, 6), B, B).tops == (B,)
    refused("the factors take (2, 6)", "Axpy", "", (2, 5), B, B)
    refused("the factors take (2, 6)", "Axpy", "", B, B, B)
    refused("input 1 is (2, 6, 5, 7) but input 2", "Axpy", "", (2, 6), B, (2, 6, 7, 5))


def test_a_compact_bilinear_pooling_sums_over_the_image_or_not(inferred, refused):
    text = "compact_bilinear_param { num_output: 9 sum_pool: %s }"
    other = (2, 4, 5, 7)
    assert inferred("CompactBilinear", text % "true", B, other).tops == ((2, 9, 1, 1),)
    assert inferred("CompactBilinear", text % "false", B, other).tops == ((2, 9, 5, 7),)
    refused("alike but for C", "CompactBilinear", text % "true", B, (2, 6, 5, 6))
    refused("num_output is missing", "CompactBilinear", "", B, B)


@pytest.mark.parametrize(
    ("fields", "rows", "top", "inputs"),
    [
        ("num_output: 4", (6, 5), (6, 4), 5),
        ("num_output: 4 batch_size: 2", (6, 5), (6, 4), 5),
        ("num_output: 4", (3, 2, 5), (3, 2, 4), 5),
        ("num_output: 4 batch_size: 3", (6, 2, 5, 1), (6, 4), 10),
    ],
)
def test_an_lstm_of_the_text_readers(inferred, fields, rows, top, inputs):
    answer = inferred("Lstm", f"lstm_param {{ {fields} }}", rows)
    assert answer.tops == (top,)
    assert answer.weights == ((16, inputs), (16, 4), (16,))
    for marks in ((6,), (6, 1)):
        assert inferred("Lstm", f"lstm_param {{ {fields} }}", rows, marks).tops == (top,)


def test_an_lstm_of_the_text_readers_divides_its_rows(refused):
    text = "lstm_param { num_output: 4 batch_size: 4 }"
    refused("batch_size 4 does not divide the 6 rows", "Lstm", text, (6, 5))
    plain = "lstm_param { num_output: 4 }"
    refused("the marks take 6 numbers", "Lstm", plain, (6, 5), (5,))
    refused("along the first axis", "Lstm", plain, (3, 2, 5), (3, 2))
    refused("num_output is missing", "Lstm", "", (6, 5))


def test_continuation_starts_anew_in_the_first_step(inferred, refused):
    text = "continuation_indicator_param { time_step: 9 batch_size: 4 }"
    assert inferred("ContinuationIndicator", text).tops == ((9, 4),)
    text = "continuation_indicator_param { time_step: 9 axis: 1 }"
    assert inferred("ContinuationIndicator", text, (3, 2, 5)).tops == ((9, 2),)
    refused("batch_size is missing", "ContinuationIndicator", text)


def test_a_sequence_is_reversed_by_its_length(inferred, refused):
    assert inferred("ReverseTime", "", (3, 2, 5), (2,)).tops == ((3, 2, 5),)
    refused("the lengths take one", "ReverseTime", "", (3, 2, 5), (3,))


@pytest.mark.parametrize(
    ("kind", "text", "top", "weights"),
    [
        (
            "Convolution3D",
            "convolution_param { num_output: 4 kernel_size: 3 kernel_depth: 2 pad: 1 }",
            (2, 4, 5, 5, 8),
            ((4, 3, 2, 3, 3), (1, 1, 1, 1, 4)),
        ),
        (
            "Convolution3D",
            "convolution3d_param { num_output: 4 kernel_size: 3 kernel_depth: 2 stride: 2"
            " temporal_stride: 3 temporal_pad: 1 bias_term: false filter_group: 2 }",
            (2, 4, 3, 2, 3),
            ((4, 3, 2, 3, 3),),
        ),
        (
            "Pooling3D",
            "pooling_param { kernel_size: 2 kernel_depth: 1 stride: 2 }",
            (2, 3, 6, 3, 4),
            (),
        ),
        (
            "Pooling3D",
            "pooling3d_param { kernel_size: 3 kernel_depth: 2 stride: 2 temporal_stride: 3 }",
            (2, 3, 3, 2, 4),
            (),
        ),
    ],
)
def test_volumes_have_a_depth_of_their_own(inferred, kind, text, top, weights):
    answer = inferred(kind, text, (2, 3, 6, 5, 8))
    assert answer.tops == (top,)
    assert answer.weights == weights


@pytest.mark.parametrize(
    ("words", "kind", "text", "bottom"),
    [
        ("an input of 5 axes", "Pooling3D", "", B),
        ("kernel_depth and kernel_size are needed", "Pooling3D", "", (2, 3, 6, 5, 8)),
        (
            "pad 1 is for AVE",
            "Pooling3D",
            "pooling_param { kernel_size: 2 kernel_depth: 1 pad: 1 }",
            (2, 3, 6, 5, 8),
        ),
        (
            "does not fit",
            "Pooling3D",
            "pooling_param { kernel_size: 2 kernel_depth: 8 }",
            (2, 3, 6, 5, 8),
        ),
        (
            "kernel_size is given 2 times",
            "Convolution3D",
            "convolution_param { num_output: 4 kernel_size: [2, 3] kernel_depth: 2 }",
            (2, 3, 6, 5, 8),
        ),
    ],
)
def test_volumes_that_do_not_fit_are_refused(refused, words, kind, text, bottom):
    refused(words, kind, text, bottom)


def test_annotated_images_come_with_boxes(inferred, refused):
    text = "data_param { batch_size: 2 } transform_param { resize_param { %s } }"
    answer = inferred("AnnotatedData", text % "height: 30 width: 40", tops=2)
    assert answer.tops == ((2, 3, 30, 40), (1, 1, 1, 8))
    small = text % "height: 30 width: 40 resize_mode: FIT_SMALL_SIZE"
    refused("neither cropped nor resized", "AnnotatedData", small)


def test_dense_images_come_with_a_label_for_each_pixel(inferred, refused):
    text = "dense_image_data_param { batch_size: 2 new_height: 9 new_width: 8 %s }"
    tops = ((2, 3, 9, 8), (2, 1, 9, 8))
    assert inferred("DenseImageData", text % "", tops=2).tops == tops
    tops = ((2, 1, 4, 5), (2, 1, 4, 5))
    cropped = text % "crop_height: 4 crop_width: 5 is_color: false"
    assert inferred("DenseImageData", cropped, tops=2).tops == tops
    refused("come in pairs", "DenseImageData", text % "crop_height: 4", tops=2)
    refused("neither cropped nor resized", "DenseImageData", "", tops=2)


@pytest.mark.parametrize("kind", ["MultiBoxLoss", "RegionLoss", "SmoothL1Loss", "Yolov3"])
def test_the_losses_of_detectors_are_scalars(inferred, kind):
    assert inferred(kind, "", B, (2, 4)).tops == ((),)


@pytest.mark.parametrize("mask", [(), (B,)])
def test_an_unpooling_is_as_large_as_it_is_told(inferred, mask):
    text = "unpooling_param { kernel_size: 2 stride: 2 %s }"
    assert inferred("Unpooling", text % "unpool_size: 11", B, *mask).tops == ((2, 6, 11, 11),)
    answer = inferred("Unpooling", text % "unpool_h: 9 unpool_w: 12", B, *mask)
    assert answer.tops == ((2, 6, 9, 12),)


@pytest.mark.parametrize(
    ("words", "fields", "mask"),
    [
        ("the mask takes (2, 6, 5, 7)", "kernel_size: 2 unpool_size: 9", (2, 6, 5, 8)),
        ("it takes unpool_size, or unpool_h", "kernel_size: 2", B),
        ("it takes unpool_size, or unpool_h", "kernel_size: 2 unpool_h: 9", B),
        ("it takes kernel_size, or kernel_h", "unpool_size: 9", B),
        ("there may be none", "kernel_size: 2 unpool_size: 9 pad: 1", B),
        ("stride_h and stride_w", "kernel_size: 2 unpool_size: 9 stride_h: 2", B),
        ("cannot be zero", "kernel_size: 0 unpool_size: 9", B),
    ],
)
def test_an_unpooling_that_deconvnet_refuses_is_refused(refused, words, fields, mask):
    refused(words, "Unpooling", f"unpooling_param {{ {fields} }}", B, mask)


def test_a_bilinear_pooling_multiplies_channels(inferred, refused):
    assert inferred("Bilinear", "", B, (2, 4, 5, 7)).tops == ((2, 24, 1, 1),)
    refused("alike but for C", "Bilinear", "", B, (2, 4, 5, 6))


def test_a_symmetric_rectification_has_thresholds(inferred, refused):
    text = "symmetric_rectify_param { channel_shared: %s }"
    assert inferred("SymmetricRectify", text % "false", B).weights == ((6,),)
    assert inferred("SymmetricRectify", text % "true", B).weights == ((),)
    refused("2 to 4 axes", "SymmetricRectify", "", (6,))


@pytest.mark.parametrize(
    ("text", "top", "weights"),
    [
        (
            "convolution_param { num_output: 4 kernel_size: 3 kernel_depth: 4 pad: 1 stride: 2"
            " temporal_stride: 2 temporal_pad: 1 bias_term: false }",
            (2, 4, 12, 9, 15),
            ((3, 4, 4, 3, 3),),
        ),
        (
            "convolution3d_param { num_output: 4 kernel_size: 3 kernel_depth: 2 bias_term: false }",
            (2, 4, 7, 7, 10),
            ((3, 4, 2, 3, 3), (1, 1, 1, 1, 4)),  # the bias is convolution_param's affair
        ),
    ],
)
def test_volumes_are_deconvolved(inferred, text, top, weights):
    answer = inferred("Deconvolution3D", text, (2, 3, 6, 5, 8))
    assert answer.tops == (top,)
    assert answer.weights == weights


def test_a_local_layer_has_kernels_for_every_place(inferred, refused):
    text = "local_param { num_output: 4 kernel_size: 3 stride: 2 pad: 1 %s }"
    answer = inferred("Local", text % "", B)
    assert answer.tops == ((2, 4, 3, 4),)
    assert answer.weights == ((4, 1, 54, 12), (1, 1, 4, 12))
    assert inferred("Local", text % "bias_term: false", B).weights == ((4, 1, 54, 12),)
    refused("larger than (5, 7)", "Local", "local_param { num_output: 4 kernel_size: 6 pad: 1 }", B)


def test_a_channel_scale_takes_a_factor_for_each_pixel(inferred, refused):
    assert inferred("ChannelScale", "", B, (2, 1, 5, 7)).tops == (B,)
    refused("one for each pixel", "ChannelScale", "", B, (2, 1, 5, 6))
    text = "channel_scale_param { global_scale: true }"
    answer = inferred("ChannelScale", text, B, (2, 1, 5, 7), tops=2)
    assert (answer.tops, answer.weights) == ((B, (1,)), ((1,),))
    refused("only global_scale", "ChannelScale", "", B, (2, 1, 5, 7), tops=2)


def test_an_inner_distance_has_centres(inferred, refused):
    text = "inner_distance_param { num_output: 4 %s }"
    answer = inferred("InnerDistance", text % "", B)
    assert (answer.tops, answer.weights) == (((2, 4),), ((4, 210),))
    answer = inferred("InnerDistance", text % "axis: 3", B, (9, 7))
    assert (answer.tops, answer.weights) == (((2, 6, 5, 9),), ())
    refused("the centres take 210 numbers", "InnerDistance", text % "", B, (9, 7))
    refused("it is for training", "InnerDistance", text % "update_center_only: true", B)

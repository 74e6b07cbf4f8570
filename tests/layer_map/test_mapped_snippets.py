"""What layers without recorded nets become, written out like those: one line of prototxt each."""

from __future__ import annotations

from pathlib import Path

import pytest

from caffe2keras.convert import load_net
from caffe2keras.layer_map import map_net

FILLERS = 'weight_filler { type: "xavier" } bias_filler { value: 0.5 }'
CUBE = f"num_output: 4 kernel_size: 2 kernel_depth: 3 {FILLERS}"
RECURRENT = f"recurrent_param {{ num_output: 4 {FILLERS} }}"
IMAGE, ROW = "2 6 4 5", "2 6"
YOLO = (
    "num_classes: 4 num_box: 2 coords: 4 side: 13 confidence_threshold: 0.3 nms_threshold: 0.4 "
    "biases: 1.5 biases: 2.5 biases: 3 biases: 1.25"
)
PRIORS = "min_size: 3 max_size: 5 aspect_ratio: [1, 2] img_h: 30 img_w: 40 step_h: 2 step_w: 3"
FOUND = (
    "num_classes: 3 keep_top_k: 5 confidence_threshold: 0.25 "
    "nms_param { nms_threshold: 0.4 eta: 0.75 top_k: 9 }"
)

# type, its parameters, the shapes of its bottoms, how many tops
SNIPPETS = [
    ("ReLU6", "", [IMAGE], 1),
    ("ReLU6", "relu6_param { negative_slope: 0.5 }", [IMAGE], 1),
    ("ReLU6", "relu6_param { negative_slope: -0.5 }", [IMAGE], 1),
    ("Insanity", "insanity_param { lb: 3 ub: 8 }", [IMAGE], 1),
    ("Insanity", "insanity_param { lb: -8 ub: -3 }", [IMAGE], 1),
    ("ReLU", "relu_param { negative_slope: -0.5 }", [IMAGE], 1),
    ("Dropout", "dropout_param { dropout_ratio: 0.25 scale_train: false }", [IMAGE], 1),
    ("Dropout", "dropout_param { sample_weights_test: true }", [IMAGE], 1),
    ("Sparsify", "sparsify_param { thre: 0.1 coef: 2 }", [IMAGE], 1),
    ("Sparsify", "", [IMAGE], 1),
    ("SymmetricRectify", "symmetric_rectify_param { thre_decay: 2 }", [IMAGE], 1),
    ("SymmetricRectify", "symmetric_rectify_param { channel_shared: true }", [IMAGE], 1),
    ("Mish", "", [IMAGE], 1),
    ("HSwish", "", [IMAGE], 1),
    ("SignedSqrt", "", [IMAGE], 1),
    ("L2Normalize", "", [IMAGE], 1),
    ("L2Normalize", "", [ROW], 1),
    ("BN", "bn_param { bn_mode: INFERENCE }", [IMAGE], 1),
    ("BN", "bn_param { bn_mode: LEARN scale_filler { value: 2 } }", [IMAGE], 1),
    ("BN", "bn_param { bn_mode: LEARN shift_filler { value: 2 } }", [ROW], 1),
    ("BN", "bn_param { frozen: true momentum: 0.75 slope_filler { value: 2 } }", [IMAGE], 1),
    (
        "BatchNorm",
        "batch_norm_param { scale_bias: true moving_average_fraction: 0.75 }",
        [IMAGE],
        1,
    ),
    ("BatchNorm", "batch_norm_param { use_global_stats: false eps: 0.25 }", [IMAGE], 1),
    ("LRN", "lrn_param { norm_region: WITHIN_CHANNEL k: 2 }", [IMAGE], 1),
    ("LRN", "lrn_param { norm_region: WITHIN_CHANNEL k: 1 }", [IMAGE], 1),
    ("MVN", "", [ROW], 1),
    ("Bilinear", "", [IMAGE, "2 3 4 5"], 1),
    ("CompactBilinear", "compact_bilinear_param { num_output: 8 }", [IMAGE, "2 3 4 5"], 1),
    ("Axpy", "", [ROW, IMAGE, IMAGE], 1),
    ("Axpy", "", ["2 6 1 1", IMAGE, IMAGE], 1),
    ("ChannelScale", "", [IMAGE, "2 1 4 5"], 1),
    ("ChannelScale", "channel_scale_param { global_scale: true }", [IMAGE, "2 1 4 5"], 1),
    ("ChannelScale", "channel_scale_param { do_forward: false }", [IMAGE, "2 1 4 5"], 1),
    ("Scale", "scale_param { axis: 0 bias_term: true }", [IMAGE, ROW], 1),
    ("Scale", "scale_param { axis: 0 bias_term: true }", [IMAGE, IMAGE], 1),
    ("Bias", "bias_param { axis: 2 }", [IMAGE, "4 5"], 1),
    ("InnerProduct", f"inner_product_param {{ num_output: 3 axis: 0 {FILLERS} }}", [IMAGE], 1),
    ("InnerDistance", "inner_distance_param { num_output: 3 normalize: true }", [IMAGE], 1),
    ("Local", f"local_param {{ num_output: 3 kernel_size: 2 pad: 1 {FILLERS} }}", [IMAGE], 1),
    ("ConvolutionDepthwise", "convolution_param { kernel_size: 3 pad: 1 }", [IMAGE], 1),
    ("Convolution3D", f"convolution3d_param {{ {CUBE} }}", ["2 6 4 5 3"], 1),
    ("Deconvolution3D", f"convolution3d_param {{ {CUBE} stride: 2 }}", ["2 6 4 5 3"], 1),
    ("Pooling3D", "pooling3d_param { kernel_size: 2 kernel_depth: 3 }", ["2 6 4 5 3"], 1),
    ("Pooling", "pooling_param { pool: STOCHASTIC kernel_size: 2 }", [IMAGE], 1),
    ("Pooling", "pooling_param { kernel_size: 3 stride: 2 pad: 1 }", [IMAGE], 2),
    ("Pooling", "pooling_param { global_pooling: true }", [IMAGE], 1),
    ("Pooling", "pooling_param { pool: AVE global_pooling: true }", [IMAGE], 1),
    ("SPP", "spp_param { pyramid_height: 1 pool: AVE }", [IMAGE], 1),
    ("SPP", "spp_param { pyramid_height: 2 }", [IMAGE], 1),
    ("CropCenter", "crop_center_param { crop_size: [0, 0, 1, 2] }", [IMAGE], 1),
    ("CropCenter", "crop_center_param { crop_size: [0, 1, 1, 0] }", [IMAGE], 1),
    ("Crop", "crop_param { offset: 1 }", [IMAGE, "2 6 2 3"], 1),
    ("Crop", "crop_param { axis: 1 offset: [1, 2] }", ["2 6 4", "2 3 2"], 1),
    ("Slice", "slice_param { axis: 1 slice_point: [1, 3] }", [IMAGE], 3),
    ("Flip", "", [IMAGE], 1),
    ("Flip", "flip_param { flip_width: true flip_height: true }", [IMAGE], 1),
    ("Transpose", "transpose_param { dim: [0, 2, 3, 1] }", [IMAGE], 1),
    ("Reverse", "reverse_param { axis: 1 }", [IMAGE], 1),
    ("ReverseTime", "", ["4 2 6", "2"], 1),
    ("ShuffleChannel", "shuffle_channel_param { group: 3 }", [IMAGE], 1),
    ("ShuffleChannel", "shuffle_channel_param { group: 3 }", [ROW], 1),
    ("Tile", "tile_param { axis: 2 tiles: 3 }", [IMAGE], 1),
    ("Embed", f"embed_param {{ input_dim: 9 num_output: 4 {FILLERS} }}", [ROW], 1),
    ("Filter", "", [IMAGE, "2"], 1),
    ("Upsample", "upsample_param { scale: 2 }", [IMAGE], 1),
    ("Upsample", "upsample_param { scale: 2 }", [IMAGE, IMAGE], 1),
    (
        "Unpooling",
        "unpooling_param { unpool: AVE unpool_size: 8 kernel_size: 2 stride: 2 }",
        [IMAGE],
        1,
    ),
    ("Interp", "interp_param { zoom_factor: 2 pad_beg: -1 }", [IMAGE], 1),
    ("ROIPooling", "roi_pooling_param { pooled_h: 2 pooled_w: 3 }", [IMAGE, "7 5"], 1),
    ("PSROIPooling", "psroi_pooling_param { output_dim: 2 group_size: 3 }", ["2 18 4 5", "7 5"], 1),
    (
        "Proposal",
        "proposal_param { ratio: [0.5, 1, 2] scale: [8, 16, 32] }",
        ["1 18 4 5", "1 36 4 5", "1 3"],
        1,
    ),
    (
        "Proposal",
        "proposal_param { ratio: [0.5, 1, 2] scale: [8, 16, 32] }",
        ["1 18 4 5", "1 36 4 5", "1 3"],
        2,
    ),
    ("PriorBox", "prior_box_param { min_size: 3 }", [IMAGE, "2 3 40 50"], 1),
    ("Normalize", "norm_param { across_spatial: false }", [IMAGE], 1),
    ("Reorg", "reorg_param { stride: 2 reverse: true }", ["2 8 4 6"], 1),
    ("YoloDetectionOutput", f"yolo_detection_output_param {{ {YOLO} }}", ["2 18 4 4"], 1),
    ("Upsample", "upsample_param { scale_h: 2 scale_w: 3 }", [IMAGE, IMAGE], 1),
    (
        "Unpooling",
        "unpooling_param { unpool: TILE unpool_size: 9 kernel_size: 2 stride: 2 pad: 0 }",
        [IMAGE],
        1,
    ),
    ("Interp", "interp_param { height: 7 width: 9 shrink_factor: 2 zoom_factor: 3 }", [IMAGE], 1),
    ("PriorBox", f"prior_box_param {{ {PRIORS} }}", [IMAGE, "2 3 40 50"], 1),
    ("DetectionOutput", f"detection_output_param {{ {FOUND} }}", ["2 24", "2 18", "1 2 24"], 1),
    (
        "DetectionOutput",
        f"detection_output_param {{ {FOUND} }} transform_param {{ scale: 2 }}",
        ["2 24", "2 18", "1 2 24"],
        1,
    ),
    ("LSTM", RECURRENT, ["5 2 3", "5 2"], 1),
    ("LSTM", RECURRENT, ["5 2 3 2", "5 2", "2 3 2"], 1),
    ("RNN", RECURRENT, ["5 2 3", "5 2"], 1),
    ("LSTMUnit", "", ["1 2 3", "1 2 12", "1 2"], 2),
    ("Lstm", f"lstm_param {{ num_output: 3 {FILLERS} }}", ["5 4"], 1),
    ("Lstm", f"lstm_param {{ num_output: 3 batch_size: 2 {FILLERS} }}", ["6 4", "6"], 1),
    ("Lstm", f"lstm_param {{ num_output: 3 {FILLERS} }}", ["5 1 4", "5 1 1"], 1),
    ("Lstm", f"lstm_param {{ num_output: 3 {FILLERS} }}", ["5 1 4", "5 1"], 1),
    ("RNN", f"recurrent_param {{ num_output: 4 debug_info: true {FILLERS} }}", ["5 2 3", "5 2"], 1),
    ("Parameter", "parameter_param { shape { dim: [2, 6, 4, 5] } }", [], 1),
    ("DummyData", "dummy_data_param { shape { dim: [2, 6] } }", [], 2),
    ("ArgMax", "argmax_param { top_k: 2 out_max_val: true }", [IMAGE], 1),
    ("ArgMax", "argmax_param { axis: 1 }", [IMAGE], 1),
    ("Reduction", "reduction_param { axis: 2 operation: MEAN }", [IMAGE], 1),
    ("Reshape", "reshape_param { shape { dim: [4, -1] } }", [IMAGE], 1),
    ("Flatten", "flatten_param { axis: 2 }", [IMAGE], 1),
]


def net(kind: str, params: str, shapes: list[str], tops: int) -> str:
    wires = "".join(f' bottom: "x{k}"' for k in range(len(shapes)))
    wires += "".join(f' top: "y{k}"' for k in range(tops))
    fed = shapes or [ROW]
    lines = [
        f'layer {{ name: "x{k}" type: "Input" top: "x{k}" '
        f"input_param {{ shape {{ dim: [{', '.join(shape.split())}] }} }} }}"
        for k, shape in enumerate(fed)
    ]
    behind = [
        f'layer {{ name: "z{k}" type: "AbsVal" bottom: "y{k}" top: "z{k}" }}' for k in range(tops)
    ]
    return "\n".join([*lines, f'layer {{ name: "l" type: "{kind}"{wires} {params} }}', *behind])


@pytest.mark.parametrize("kind", dict.fromkeys(snippet[0] for snippet in SNIPPETS))
def test_a_layer_becomes_the_same_as_ever(kind: str, golden, tmp_path: Path, written_out) -> None:
    lines = []
    for snippet in (snippet for snippet in SNIPPETS if snippet[0] == kind):
        path = tmp_path / "net.prototxt"
        path.write_text(net(*snippet))
        lines += [" ".join(map(str, snippet[1:])), *written_out(map_net(load_net(path)))]
    # Some file systems do not tell LSTM.txt from Lstm.txt.
    name = "Lstm_of_junhyukoh" if kind == "Lstm" else kind
    golden(f"mapped/snippets/{name}", "\n".join(lines) + "\n")

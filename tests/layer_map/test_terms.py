"""What mappings ask for: the layout of their inputs, the place of the batch, a size that stays."""

from __future__ import annotations

from math import prod
from pathlib import Path

import pytest

from caffe2keras.convert import load_net
from caffe2keras.layer_map import map_net
from caffe2keras.layer_map.registry import mappings

# Each number by itself, so that it does not matter which axis is the batch.
POINTWISE = {
    "ReLU": "relu_param { negative_slope: 0.3 }",
    "ReLU6": "",
    "Insanity": "insanity_param { lb: 3 ub: 8 }",
    "ELU": "",
    "Sigmoid": "",
    "TanH": "",
    "Dropout": "dropout_param { scale_train: false }",
    "Noise": "",
    "AbsVal": "",
    "BNLL": "",
    "Swish": "",
    "Mish": "",
    "HSwish": "",
    "Sparsify": "sparsify_param { thre: 0.1 }",
    "Clip": "clip_param { min: -1 max: 0.5 }",
    "Threshold": "",
    "SignedSqrt": "",
    "Power": "power_param { shift: 2 }",
    "Exp": "",
    "Log": "",
    "Eltwise": "",
    "Transpose": "transpose_param { dim: 1 dim: 0 dim: 2 dim: 3 }",
    "Permute": "permute_param { order: 1 order: 0 order: 2 order: 3 }",
}

FILLERS = 'weight_filler { type: "gaussian" std: 0.4 } bias_filler { type: "gaussian" std: 0.4 }'
WINDOW = f"num_output: 4 kernel_h: 3 kernel_w: 2 {FILLERS}"
CUBE = f"num_output: 4 kernel_size: 2 kernel_depth: 3 {FILLERS}"
BOXES = "num_classes: 4 num_box: 2 confidence_threshold: 0.3 nms_threshold: 0.4"
YOLO = f"{BOXES} coords: 4 side: 4 biases: [1.5, 2.5, 3, 1.25]"
YOLO3 = f"{BOXES} biases: [10, 14, 23, 27] mask: [1, 0] mask_group_num: 1 anchors_scale: 16"

# What stands in channels_last where Keras's spatial layers want it; by its bottoms' shapes.
OF_IMAGES = {
    "Convolution": (f"convolution_param {{ {WINDOW} }}", [(3, 5, 4)]),
    "ConvolutionDepthwise": (f"convolution_param {{ {WINDOW} }}", [(3, 5, 4)]),
    "Deconvolution": (f"convolution_param {{ {WINDOW} }}", [(3, 5, 4)]),
    "Im2col": ("convolution_param { kernel_h: 3 kernel_w: 2 }", [(3, 5, 4)]),
    "Local": (f"local_param {{ num_output: 2 kernel_size: 3 {FILLERS} }}", [(3, 5, 4)]),
    "Pooling": ("pooling_param { pool: AVE kernel_h: 3 kernel_w: 2 }", [(3, 5, 4)]),
    "SPP": ("spp_param { pyramid_height: 2 }", [(3, 5, 4)]),
    "LRN": ("lrn_param { local_size: 3 alpha: 0.5 }", [(3, 5, 4)]),
    "Flip": ("", [(3, 5, 4)]),
    "ShuffleChannel": ("shuffle_channel_param { group: 3 }", [(6, 5, 4)]),
    "Upsample": ("upsample_param { scale: 2 }", [(3, 5, 4)]),
    "Interp": ("interp_param { height: 7 width: 9 }", [(3, 5, 4)]),
    "CropCenter": (
        "crop_center_param { crop_size: 0 crop_size: 0 crop_size: 2 crop_size: 1 }",
        [(3, 5, 4)],
    ),
    "Bilinear": ("", [(3, 5, 4), (2, 5, 4)]),
    "CompactBilinear": ("compact_bilinear_param { num_output: 6 }", [(3, 5, 4), (2, 5, 4)]),
    "Axpy": ("", [(3,), (3, 5, 4), (3, 5, 4)]),
    "ChannelScale": ("", [(3, 5, 4), (1, 5, 4)]),
    "Convolution3D": (f"convolution3d_param {{ {CUBE} }}", [(3, 4, 5, 6)]),
    "Deconvolution3D": (f"convolution3d_param {{ {CUBE} }}", [(3, 4, 5, 6)]),
    "PriorBox": ("prior_box_param { min_size: 3 }", [(3, 5, 4), (3, 50, 41)]),
    "YoloDetectionOutput": (f"yolo_detection_output_param {{ {YOLO} }}", [(18, 4, 4)]),
    "Yolov3DetectionOutput": (f"yolov3_detection_output_param {{ {YOLO3} }}", [(18, 4, 3)]),
    "Pooling3D": ("pooling3d_param { kernel_size: 2 kernel_depth: 3 }", [(3, 4, 5, 6)]),
}

# What is emitted for them holds for one height and width; x is (2, 4, 6, 4).
OF_ONE_SIZE = {
    "Local": OF_IMAGES["Local"][0],
    "SPP": "spp_param { pyramid_height: 2 }",
    "InnerProduct": f"inner_product_param {{ num_output: 3 {FILLERS} }}",
    "InnerDistance": f"inner_distance_param {{ num_output: 3 {FILLERS} }}",
    "Reorg": "reorg_param { stride: 2 reverse: true }",
    "ArgMax": "",
    "Slice": 'slice_param { axis: 2 } top: "z"',
    "Pooling": "pooling_param { pool: STOCHASTIC global_pooling: true }",
    "Convolution": f"convolution_param {{ num_output: 4 kernel_size: 5 stride: 3 {FILLERS} }}",
    "Flatten": "flatten_param { axis: 2 }",
    "Scale": "scale_param { axis: 1 num_axes: 2 }",
    "Bias": "bias_param { axis: 1 num_axes: 2 }",
    "CropCenter": "crop_center_param { crop_size: 0 crop_size: 1 crop_size: 1 crop_size: 0 }",
}

# What is emitted for them holds for every height and width.
OF_EVERY_SIZE = {
    "Convolution": f"convolution_param {{ num_output: 4 kernel_size: 3 pad: 1 {FILLERS} }}",
    "ConvolutionDepthwise": f"convolution_param {{ kernel_size: 3 pad: 1 {FILLERS} }}",
    "Deconvolution": f"convolution_param {{ num_output: 4 kernel_size: 3 {FILLERS} }}",
    "Im2col": "convolution_param { kernel_size: 3 pad: 1 }",
    "Pooling": "pooling_param { pool: AVE global_pooling: true }",
    "CropCenter": "crop_center_param { crop_size: 0 crop_size: 0 crop_size: 1 crop_size: 0 }",
    "Slice": 'slice_param { axis: 2 slice_point: 2 } top: "z"',
    "Scale": "",
    "Bias": "",
    "PReLU": "",
    "LRN": "",
    "ArgMax": "argmax_param { axis: 1 }",
    "Flatten": "",
    "ShuffleChannel": "shuffle_channel_param { group: 2 }",
    "Upsample": "upsample_param { scale: 2 }",
    "Flip": "",
}


def written(folder: Path, text: str) -> Path:
    path = folder / "net.prototxt"
    path.write_text(text)
    return path


def test_what_works_on_each_number_takes_any_batch_axis() -> None:
    entries = mappings()
    assert all(entries[kind].any_batch_axis for kind in POINTWISE)


@pytest.mark.parametrize("kind", POINTWISE)
def test_a_batch_elsewhere_is_not_moved_for_what_works_on_each_number(
    kind: str, tmp_path: Path
) -> None:
    bottoms = 'bottom: "x" bottom: "x"' if kind == "Eltwise" else 'bottom: "x"'
    text = (
        'layer { name: "x" type: "Input" top: "x" '
        "input_param { shape { dim: 4 dim: 3 dim: 5 dim: 6 } } }\n"
        f'layer {{ name: "y" type: "{kind}" {bottoms} top: "y" {POINTWISE[kind]} }}'
    )
    model = map_net(load_net(written(tmp_path, text)), batch_axes={"x": 1})
    assert model.static_batch is None
    assert not any("Permute" in n.layer.class_name for n in model.layers)
    assert all(n.layer.class_name != "caffe2keras>Transpose" for n in model.layers)


@pytest.mark.backend
@pytest.mark.parametrize("kind", OF_IMAGES)
def test_an_image_in_caffes_order_is_brought_into_keras_order(kind: str, checked) -> None:
    params, shapes = OF_IMAGES[kind]
    fed, reshapes, bottoms = {}, [], []
    for k, shape in enumerate(shapes):
        fed[f"x{k}"] = (2, prod(shape))
        dims = " ".join(f"dim: {extent}" for extent in (0, *shape))
        reshapes.append(
            f'layer {{ name: "r{k}" type: "Reshape" bottom: "x{k}" top: "r{k}" '
            f"reshape_param {{ shape {{ {dims} }} }} }}"
        )
        bottoms.append(f'bottom: "r{k}"')
    layer = f'layer {{ name: "y" type: "{kind}" {" ".join(bottoms)} top: "y" {params} }}'
    checked("\n".join([*reshapes, layer]), **fed)


def resizable(kind: str, params: str, folder: Path) -> bool:
    text = (
        'layer { name: "x" type: "Input" top: "x" '
        "input_param { shape { dim: 2 dim: 4 dim: 6 dim: 4 } } }\n"
        f'layer {{ name: "y" type: "{kind}" bottom: "x" top: "y" {params} }}'
    )
    return map_net(load_net(written(folder, text))).resizable


@pytest.mark.parametrize("kind", OF_ONE_SIZE)
def test_what_holds_for_one_size_takes_the_nets_freedom(kind: str, tmp_path: Path) -> None:
    assert not resizable(kind, OF_ONE_SIZE[kind], tmp_path)


@pytest.mark.parametrize("kind", OF_EVERY_SIZE)
def test_what_holds_for_every_size_leaves_the_net_its_freedom(kind: str, tmp_path: Path) -> None:
    assert resizable(kind, OF_EVERY_SIZE[kind], tmp_path)


@pytest.mark.backend
@pytest.mark.parametrize(
    ("sizes", "batch"), [("1, 0, 0, 1", 4), ("1, 0, 0, 0", 4), ("0, 1, 0, 1", None)]
)
def test_a_crop_of_the_batch_ties_it_down(sizes: str, batch: int | None, checked) -> None:
    made = checked(
        'layer { name: "y" type: "CropCenter" bottom: "x" top: "y" '
        f"crop_center_param {{ crop_size: [{sizes}] }} }}",
        x=(4, 3, 5, 6),
    )
    assert made.report.static_batch == batch

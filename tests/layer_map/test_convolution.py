"""Convolutions at their edges, held against the oracle, and what Keras has no convolution for."""

from __future__ import annotations

import pytest

from caffe2keras.layer_map import map_net
from caffe2keras.layout import DataFormat

FILLERS = 'weight_filler { type: "gaussian" std: 0.4 } bias_filler { type: "gaussian" std: 0.4 }'


def layer(params: str, kind: str = "Convolution") -> str:
    return (
        f'layer {{ name: "l" type: "{kind}" bottom: "x" top: "y" '
        f"convolution_param {{ {params} {FILLERS} }} }}"
    )


PADDED = ("ZeroPadding2D", "Conv2D")
RUNTIME = ("caffe2keras>Conv",)
CONVOLUTIONS = {
    "a window of its own height": ("num_output: 4 kernel_h: 3 kernel_w: 2", (9, 7), ("Conv2D",)),
    "as much padding as keeps the size": (
        "num_output: 4 kernel_h: 3 kernel_w: 5 pad_h: 1 pad_w: 2",
        (9, 7),
        ("Conv2D",),
    ),
    "padding that keeps the height only": (
        "num_output: 4 kernel_size: 3 pad_h: 1 pad_w: 0",
        (9, 7),
        PADDED,
    ),
    "padding of an even kernel": ("num_output: 4 kernel_size: 2 pad: 1", (9, 7), PADDED),
    "padding with a stride": ("num_output: 4 kernel_size: 3 pad: 1 stride: 2", (9, 7), PADDED),
    "padding with a stride along one axis": (
        "num_output: 4 kernel_size: 3 pad: 1 stride_h: 1 stride_w: 2",
        (9, 7),
        PADDED,
    ),
    "a window that overhangs": ("num_output: 4 kernel_size: 5 stride: 3", (9, 4), PADDED),
    "dilation": ("num_output: 4 kernel_size: 3 dilation: 2", (9, 7), ("Conv2D",)),
    "dilation of one axis": (
        "num_output: 4 kernel_size: 3 dilation: 3 dilation: 1",
        (9, 7),
        ("Conv2D",),
    ),
    "dilation that keeps the size": (
        "num_output: 4 kernel_size: 3 dilation: 2 pad: 2",
        (9, 7),
        ("Conv2D",),
    ),
    "dilation with a stride": (
        "num_output: 4 kernel_size: 3 dilation: 2 stride: 2",
        (9, 7),
        RUNTIME,
    ),
    "dilation of one axis with a stride of the other": (
        "num_output: 4 kernel_size: 3 dilation: 2 dilation: 1 stride: 1 stride: 2",
        (9, 7),
        RUNTIME,
    ),
    "dilation with a stride, padded, in groups": (
        "num_output: 6 group: 2 kernel_size: 3 dilation: 2 stride: 2 pad: 1 bias_term: false",
        (9, 7),
        ("ZeroPadding2D", *RUNTIME),
    ),
    "groups": ("num_output: 6 group: 2 kernel_size: 3", (9, 7), ("Conv2D",)),
    "a group for each channel": (
        "num_output: 8 group: 4 kernel_size: 3 pad: 1",
        (9, 7),
        ("DepthwiseConv2D",),
    ),
    "a group for each channel, without bias": (
        "num_output: 4 group: 4 kernel_size: 3 bias_term: false",
        (9, 7),
        ("DepthwiseConv2D",),
    ),
    "a group for each channel with two strides": (
        "num_output: 4 group: 4 kernel_size: 3 stride_h: 2 stride_w: 1",
        (9, 7),
        ("Conv2D",),
    ),
    "a group for each channel with two dilations": (
        "num_output: 4 group: 4 kernel_size: 3 dilation: 2 dilation: 1",
        (9, 7),
        ("Conv2D",),
    ),
    "one axis": ("num_output: 4 kernel_size: 3 dilation: 2", (9,), ("Conv1D",)),
    "one axis, padded": (
        "num_output: 4 kernel_size: 3 pad: 2",
        (9,),
        ("ZeroPadding1D", "Conv1D"),
    ),
    "one axis, a group for each channel": (
        "num_output: 4 group: 4 kernel_size: 3",
        (9,),
        ("Conv1D",),
    ),
    "three axes": ("num_output: 3 kernel_size: 2", (3, 4, 5), ("Conv3D",)),
    "three axes, padded": (
        "num_output: 3 kernel_size: 2 pad: 1 pad: 0 pad: 2",
        (3, 4, 5),
        ("ZeroPadding3D", "Conv3D"),
    ),
}

TRANSPOSED = ("Conv2DTranspose",)
OURS = ("caffe2keras>ConvTranspose",)
DECONVOLUTIONS = {
    "a stride below the kernel": ("num_output: 3 kernel_size: 3 stride: 2", (5, 4), TRANSPOSED),
    "a stride as large as the kernel": (
        "num_output: 3 kernel_size: 2 stride: 2",
        (5, 4),
        TRANSPOSED,
    ),
    "a stride above the kernel": ("num_output: 3 kernel_size: 2 stride: 3", (5, 4), OURS),
    "a stride above the kernel along one axis": (
        "num_output: 3 kernel_size: 2 stride_h: 1 stride_w: 3",
        (5, 4),
        OURS,
    ),
    "a dilated kernel": ("num_output: 3 kernel_size: 2 dilation: 2", (5, 4), TRANSPOSED),
    "a dilated kernel with a stride": (
        "num_output: 3 kernel_size: 3 dilation: 2 stride: 2",
        (5, 4),
        OURS,
    ),
    "padding": (
        "num_output: 3 kernel_size: 4 stride: 2 pad_h: 1 pad_w: 0",
        (5, 4),
        (*TRANSPOSED, "Cropping2D"),
    ),
    "groups": ("num_output: 6 group: 2 kernel_size: 3 stride: 2 pad: 1", (5, 4), OURS),
    "one axis": ("num_output: 3 kernel_size: 3 stride: 2 pad: 1", (5,), OURS),
    "three axes": (
        "num_output: 3 kernel_size: 2 stride: 2 pad: 1 bias_term: false",
        (3, 4, 5),
        ("Conv3DTranspose", "Cropping3D"),
    ),
}

IM2COLS = {
    "a plain window": ("kernel_h: 3 kernel_w: 2", (9, 7), ("caffe2keras>Im2col",)),
    "everything at once": (
        "kernel_size: 3 stride: 2 pad_h: 1 pad_w: 0 dilation: 2",
        (9, 7),
        ("caffe2keras>Im2col",),
    ),
    "a window that overhangs": (
        "kernel_size: 5 stride: 3",
        (9, 4),
        ("ZeroPadding2D", "caffe2keras>Im2col"),
    ),
}


@pytest.mark.backend
@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_a_convolution_computes_caffes_numbers(case: str, checked) -> None:
    params, spatial, classes = CONVOLUTIONS[case]
    assert checked(layer(params), x=(2, 4, *spatial)).classes == classes


@pytest.mark.backend
@pytest.mark.parametrize(
    ("channels", "class_name"), [(1, "Conv2D"), (2, "DepthwiseConv2D"), (3, "DepthwiseConv2D")]
)
def test_several_channels_make_a_depthwise_convolution(
    channels: int, class_name: str, checked
) -> None:
    text = layer(f"num_output: {channels} group: {channels} kernel_h: 3 kernel_w: 2")
    assert checked(text, x=(2, channels, 9, 7)).classes == (class_name,)


@pytest.mark.backend
@pytest.mark.parametrize("case", DECONVOLUTIONS)
def test_a_deconvolution_computes_caffes_numbers(case: str, checked) -> None:
    params, spatial, classes = DECONVOLUTIONS[case]
    assert checked(layer(params, "Deconvolution"), x=(2, 4, *spatial)).classes == classes


@pytest.mark.backend
@pytest.mark.parametrize("case", IM2COLS)
def test_im2col_computes_caffes_numbers(case: str, checked) -> None:
    params, spatial, classes = IM2COLS[case]
    text = layer(params, "Im2col").replace(FILLERS, "")
    assert checked(text, x=(2, 4, *spatial)).classes == classes


@pytest.mark.parametrize("kind", ["Convolution", "Deconvolution"])
@pytest.mark.parametrize(
    ("params", "shape", "rank"),
    [
        ("kernel_size: 3 axis: 2", (2, 3, 5, 4, 6), 2),
        ("kernel_size: 1", (2, 3, 2, 2, 2, 2), 4),
        ("", (2, 3), 0),
    ],
)
def test_keras_slides_along_one_to_three_axes_behind_the_channels(
    kind: str, params: str, shape: tuple[int, ...], rank: int, refusal
) -> None:
    told = refusal(layer(f"num_output: 2 {params}", kind), x=shape)
    assert f"{kind} over {rank} axes of a blob of shape {shape}" in told


def test_im2col_slides_behind_the_channels_only(refusal) -> None:
    text = layer("kernel_size: 3 axis: 2", "Im2col").replace(FILLERS, "")
    assert "Im2col over 2 axes" in refusal(text, x=(2, 3, 5, 4, 6))


@pytest.mark.backend
@pytest.mark.parametrize(
    ("params", "classes"),
    [
        ("kernel_size: 3 pad: 1", ("DepthwiseConv2D",)),
        ("kernel_size: 3 pad: 1 stride: 2", ("ZeroPadding2D", "DepthwiseConv2D")),
        ("kernel_size: 3 stride: 2 dilation: 2", RUNTIME),
        ("kernel_size: 3 stride_h: 2 stride_w: 1 bias_term: false", ("Conv2D",)),
    ],
)
def test_every_channel_by_itself(params: str, classes: tuple[str, ...], checked) -> None:
    assert checked(layer(params, "ConvolutionDepthwise"), x=(2, 4, 9, 7)).classes == classes


@pytest.mark.parametrize(
    ("params", "shape", "data_format", "warned"),
    [
        ("num_output: 7 kernel_size: 3 pad: 1", (2, 4, 9, 7), "channels_first", True),
        ("num_output: 7 kernel_size: 2 pad: 1", (2, 4, 9, 6), "channels_first", True),  # padded
        (
            "num_output: 7 kernel_size: 3 pad: 1 bias_term: false",
            (2, 4, 9, 7),
            "channels_first",
            False,
        ),
        ("num_output: 6 kernel_size: 3 pad: 1", (2, 4, 9, 7), "channels_first", False),
        ("num_output: 7 kernel_size: 3 pad: 1", (2, 4, 9, 7), "channels_last", False),
    ],
)
def test_where_tensorflow_adds_a_bias_along_the_wrong_axis_is_told(
    params: str, shape: tuple[int, ...], data_format: DataFormat, warned: bool, net_of
) -> None:
    notes = map_net(net_of(layer(params), x=shape), data_format).notes
    assert any("along the wrong axis" in note.text for note in notes) is warned


@pytest.mark.parametrize(
    ("params", "free"),
    [
        ("num_output: 7 kernel_size: 3 pad: 1", True),
        ("num_output: 7 kernel_h: 3 kernel_w: 2", True),
        ("num_output: 7 kernel_size: 5 stride: 4", False),  # of four columns one is lacking
    ],
)
def test_a_window_that_overhangs_takes_the_freedom_of_size(params, free, net_of) -> None:
    for kind in ("Convolution", "ConvolutionDepthwise", "Im2col"):
        said = params.replace("num_output: 7", "") if kind == "Im2col" else params
        text = layer(said, kind).replace(FILLERS, "") if kind == "Im2col" else layer(said, kind)
        assert map_net(net_of(text, x=(2, 3, 9, 4))).resizable is free


@pytest.mark.parametrize(
    ("kind", "params", "shape", "class_name"),
    [
        ("Convolution", "num_output: 4 group: 4 kernel_size: 3 pad: 1", (9, 4), "DepthwiseConv2D"),
        ("Convolution", "num_output: 5 kernel_size: 3 pad: 1", (3, 4, 5), "Conv3D"),
        ("Deconvolution", "num_output: 5 kernel_size: 2", (3, 4), "Conv2DTranspose"),
        ("Deconvolution", "num_output: 5 kernel_size: 2", (3, 2, 4), "Conv3DTranspose"),
    ],
)
def test_every_convolution_of_tensorflow_is_told_of(
    kind, params, shape, class_name, net_of
) -> None:
    model = map_net(net_of(layer(params, kind), x=(2, 4, *shape)), "channels_first")
    assert class_name in [named.layer.class_name for named in model.layers]
    assert any("along the wrong axis" in note.text for note in model.notes)

"""C3D's layers, in both spellings, held against the oracle."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.backend

X = (2, 3, 5, 6, 7)


def layer(words: str) -> str:
    return f'layer {{ name: "l" {words} bottom: "x" top: "y" }}'


@pytest.mark.parametrize("param", ["convolution_param", "convolution3d_param"])
@pytest.mark.parametrize(
    ("fields", "classes"),
    [
        ("kernel_size: 3 kernel_depth: 3 pad: 1 temporal_pad: 1", ("Conv3D",)),
        ("kernel_size: 3 kernel_depth: 2 pad: 1", ("ZeroPadding3D", "Conv3D")),
        ("kernel_size: 2 kernel_depth: 2 stride: 2 temporal_stride: 3", ("Conv3D",)),
        ("kernel_size: 2 kernel_depth: 1 bias_term: false", ("Conv3D",)),
    ],
)
def test_a_3d_convolution(checked, param, fields, classes):
    made = checked(layer(f'type: "Convolution3D" {param} {{ num_output: 4 {fields} }}'), x=X)
    assert made.classes == classes
    assert made.report.static_batch is None


def test_filter_groups_split_the_work_and_not_the_channels(checked):
    fields = "num_output: 4 kernel_size: 2 kernel_depth: 2 filter_group: 2"
    checked(layer(f'type: "Convolution3D" convolution3d_param {{ {fields} }}'), x=X)


@pytest.mark.parametrize("param", ["convolution_param", "convolution3d_param"])
@pytest.mark.parametrize(
    ("fields", "classes"),
    [
        (
            "kernel_size: 4 kernel_depth: 4 pad: 1 temporal_pad: 1 stride: 2 temporal_stride: 2",
            ("Conv3DTranspose", "Cropping3D"),
        ),
        ("kernel_size: 3 kernel_depth: 2", ("Conv3DTranspose",)),
        (
            "kernel_size: 2 kernel_depth: 3 stride: 2 temporal_stride: 3",
            ("Conv3DTranspose",),
        ),
        ("kernel_size: 1 kernel_depth: 2 stride: 2", ("caffe2keras>ConvTranspose",)),
        ("kernel_size: 2 kernel_depth: 1 stride: 3 pad: 1", ("caffe2keras>ConvTranspose",)),
    ],
)
def test_a_3d_deconvolution(checked, param, fields, classes):
    made = checked(
        layer(f'type: "Deconvolution3D" {param} {{ num_output: 4 {fields} }}'), x=(2, 3, 3, 4, 5)
    )
    assert made.classes == classes


@pytest.mark.parametrize("param", ["pooling_param", "pooling3d_param"])
@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ("kernel_size: 2 kernel_depth: 1 stride: 2", "caffe2keras>Pooling3D"),  # 7 / 2: rounded up
        ("kernel_size: 2 kernel_depth: 2 stride: 1", "MaxPooling3D"),
        ("kernel_size: 3 kernel_depth: 2 stride: 2 temporal_stride: 3", "caffe2keras>Pooling3D"),
        ("pool: AVE kernel_size: 2 kernel_depth: 1 stride: 1", "AveragePooling3D"),
        ("pool: AVE kernel_size: 3 kernel_depth: 2 stride: 2 pad: 1", "caffe2keras>Pooling3D"),
    ],
)
def test_3d_pooling(checked, param, fields, name):
    made = checked(layer(f'type: "Pooling3D" {param} {{ {fields} }}'), x=X)
    assert made.classes == (name,)
    assert made.resizable


def test_3d_pooling_is_stock_where_the_size_is_fixed_and_fits(checked):
    pooled = layer(
        'type: "Pooling3D" pooling_param '
        "{ kernel_size: 2 kernel_depth: 1 stride: 2 temporal_stride: 1 }"
    )
    fixed = """
    layer {
      name: "fc" type: "InnerProduct" bottom: "y" top: "z" inner_product_param { num_output: 4 }
    }
    """
    made = checked(pooled + fixed, x=(2, 3, 5, 6, 8))
    assert made.classes[0] == "MaxPooling3D"


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        ("does not compute it", "pool: STOCHASTIC kernel_size: 2 kernel_depth: 1"),
        ("may lie wholly in such a padding", "pool: AVE kernel_size: 2 kernel_depth: 1 pad: 2"),
    ],
)
def test_3d_pooling_that_is_not_to_be_had_is_refused(refusal, words, fields):
    assert words in refusal(layer(f'type: "Pooling3D" pooling_param {{ {fields} }}'), x=X)

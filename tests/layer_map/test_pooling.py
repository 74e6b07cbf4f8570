"""Where Keras's own pooling serves, where zeros before it help, and where our layer must."""

from __future__ import annotations

import pytest

X = (2, 3, 9, 8)
RELU = 'layer { name: "r" type: "ReLU" bottom: "x" top: "r" }\n'
# The size is fixed by what reads all of the image.
DENSE = (
    'layer { name: "d" type: "InnerProduct" bottom: "y" top: "d" '
    'inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }'
)


def pooled(params: str, bottom: str = "x") -> str:
    return (
        f'layer {{ name: "p" type: "Pooling" bottom: "{bottom}" top: "y" '
        f"pooling_param {{ {params} }} }}\n"
    )


MAX, AVERAGE = "MaxPooling2D", "AveragePooling2D"
OURS = "caffe2keras>Pooling2D"
# Keras's layers for a maximum and for an average, at a fixed size.
WINDOWS = {
    "kernel_h: 3 kernel_w: 2": (MAX, AVERAGE),
    "kernel_size: 3 stride: 1": (MAX, AVERAGE),
    "kernel_h: 3 kernel_w: 2 stride_h: 3 stride_w: 2": (MAX, AVERAGE),
    "kernel_size: 2 stride: 2": (OURS, OURS),  # 9 / 2 is rounded up, a window of one row is left
    "kernel_size: 3 stride: 2": (OURS, OURS),
    "kernel_size: 3 stride: 1 pad: 1": (MAX, OURS),
    "kernel_h: 3 kernel_w: 1 stride: 1 pad_h: 1 pad_w: 0": (MAX, OURS),
    "kernel_size: 3 stride: 2 pad: 1": (OURS, OURS),
    "kernel_size: 5 stride: 1 pad: 2": (OURS, OURS),
    "kernel_size: 2 stride: 1 pad: 1": (OURS, OURS),
    "kernel_size: 4 stride: 4": (OURS, OURS),
}


@pytest.mark.backend
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("method", ["MAX", "AVE"])
def test_a_stock_layer_serves_where_it_computes_the_same(method: str, window: str, checked) -> None:
    made = checked(pooled(f"pool: {method} {window}") + DENSE, x=X)
    assert made.classes[0] == WINDOWS[window][method == "AVE"]


PADDED = {
    "kernel_size: 5 stride: 1 pad: 2": ("ZeroPadding2D", MAX),
    "kernel_h: 5 kernel_w: 1 stride: 1 pad_h: 2 pad_w: 0": ("ZeroPadding2D", MAX),
    "kernel_h: 1 kernel_w: 5 stride: 1 pad_h: 0 pad_w: 2": ("ZeroPadding2D", MAX),
    "kernel_size: 4 stride: 2 pad: 1": ("ZeroPadding2D", MAX),
    "kernel_size: 3 stride: 1 pad: 1": (MAX,),
    "kernel_size: 2 stride: 2": ("ZeroPadding2D", MAX),
    "kernel_size: 2 stride: 1 pad: 1": (OURS,),
}


@pytest.mark.backend
@pytest.mark.parametrize("window", PADDED)
def test_zeros_stand_before_a_maximum_where_nothing_is_below(window: str, checked) -> None:
    made = checked(RELU + pooled(window, "r") + DENSE, x=(2, 3, 9, 8))
    assert made.classes[1:-2] == PADDED[window]
    free = checked(RELU + pooled(window, "r"), x=(2, 3, 9, 8))
    assert free.resizable


@pytest.mark.backend
@pytest.mark.parametrize("method", ["MAX", "AVE", "STOCHASTIC"])
@pytest.mark.parametrize("window", ["global_pooling: true", "kernel_h: 3 kernel_w: 2 stride: 2"])
def test_every_method_over_every_window(method: str, window: str, checked) -> None:
    checked(pooled(f"pool: {method} {window}"), x=X)


@pytest.mark.backend
@pytest.mark.parametrize("height", [1, 2, 3])
@pytest.mark.parametrize("method", ["MAX", "AVE"])
def test_a_pyramid_has_ever_finer_windows(method: str, height: int, checked) -> None:
    layer = (
        'layer { name: "l" type: "SPP" bottom: "x" top: "y" '
        f"spp_param {{ pyramid_height: {height} pool: {method} }} }}"
    )
    made = checked(layer, x=(2, 3, 9, 8))
    assert made.classes.count(OURS) == height


def test_a_stochastic_pyramid_is_refused(refusal) -> None:
    layer = (
        'layer { name: "l" type: "SPP" bottom: "x" top: "y" '
        "spp_param { pyramid_height: 2 pool: STOCHASTIC } }"
    )
    assert "spp_param.pool = STOCHASTIC" in refusal(layer, x=(2, 3, 8, 4))

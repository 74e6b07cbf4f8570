"""Crops worked out from the layers between; the recorded script fcn.py has pycaffe's own."""

from __future__ import annotations

from typing import Any

import pytest

from caffe2keras.errors import NetSpecError
from caffe2keras.netspec import Top
from caffe2keras.netspec import layers as L
from caffe2keras.netspec.coord_map import crop

DATA = L.Input(shape=dict(dim=[1, 3, 23, 31]))


def cropping(cut: Top, to: Top) -> dict[str, Any]:
    found: dict[str, Any] = crop(cut, to).fn.params["crop_param"]
    return found


def conv(bottom: Top, **arguments: Any) -> Top:
    made: Top = L.Convolution(bottom, num_output=2, **arguments)
    return made


def test_a_valid_convolution_begins_half_a_kernel_further_in() -> None:
    assert cropping(DATA, conv(DATA, kernel_size=[3, 7])) == {"axis": 2, "offset": [1, 3]}
    assert cropping(DATA, conv(DATA, kernel_size=3, dilation=4)) == {"axis": 2, "offset": [4]}


def test_the_layers_of_both_sides_count() -> None:
    padded = conv(DATA, kernel_size=3, pad=5)
    once_cut = L.Crop(padded, DATA, axis=2, offset=2)
    assert cropping(padded, L.ReLU(once_cut)) == {"axis": 2, "offset": [2]}
    assert cropping(once_cut, L.Power(DATA)) == {"axis": 2, "offset": [2]}


def test_upsampling_undoes_a_stride() -> None:
    small = L.Pooling(DATA, kernel_size=2, stride=2, pooling_param=dict(round_mode=1))
    large = L.Deconvolution(small, convolution_param=dict(num_output=3, kernel_size=4, stride=2))
    assert cropping(large, DATA) == {"axis": 2, "offset": [1]}


def test_tops_at_one_place_are_cut_to_size_alone() -> None:
    assert cropping(L.ReLU(DATA), L.TanH(DATA)) == {"axis": 2, "offset": [0]}


def test_three_axes_are_cut_alike() -> None:
    offsets = cropping(DATA, conv(DATA, kernel_size=[3, 5, 1], axis=2))
    assert offsets == {"axis": 3, "offset": [1, 2, 0]}


@pytest.mark.parametrize(
    ("cut", "to", "why"),
    [
        (DATA, conv(DATA, kernel_size=1, stride=2), "one pixel of the second is 2 pixels"),
        (conv(DATA, kernel_size=3), DATA, "begins before the first, at -1"),
        (DATA, conv(DATA, kernel_size=[3, 4]), "between pixels of the first, at 1, 1.5"),
        (DATA, L.InnerProduct(DATA, num_output=3), "no blob is before both"),
        (DATA, conv(DATA, kernel_h=3, kernel_w=1), "names a side of it apart"),
        (DATA, L.Pooling(DATA, global_pooling=True), "has no kernel_size"),
        (DATA, L.Crop(conv(DATA, kernel_size=3), DATA, axis=1), "from axis 1 and from axis 2"),
    ],
)
def test_what_cannot_be_cropped_is_said_why(cut: Top, to: Top, why: str) -> None:
    with pytest.raises(NetSpecError) as caught:
        crop(cut, to)
    assert why in caught.value.why

"""Reshape, Flatten and Permute of images and of sequences, held against the oracle."""

from __future__ import annotations

import pytest

from caffe2keras.layer_map import map_net

MEMORY = (
    'layer {{ name: "t" type: "LSTM" bottom: "{}" bottom: "cont" top: "t" recurrent_param '
    '{{ num_output: 2 weight_filler {{ type: "xavier" }} }} }}\n'
)


def layer(kind: str, params: str) -> str:
    return f'layer {{ name: "y" type: "{kind}" bottom: "x" top: "y" {params} }}\n'


def reshape(dims: str) -> str:
    return layer("Reshape", f"reshape_param {{ shape {{ dim: [{dims}] }} }}")


@pytest.mark.backend
@pytest.mark.parametrize(
    ("text", "batch"),
    [
        (reshape("0, -1"), None),
        (reshape("0, 5, -1"), None),
        (reshape("0, 4, 0, -1"), None),
        (reshape("2, 60"), None),
        (reshape("-1, 60"), None),
        (reshape("1, 2, 60"), None),  # one step of two samples
        (reshape("-1"), 2),
        (reshape("3, 40"), 2),
        (reshape("1, -1"), 2),
        (layer("Flatten", ""), None),
        (layer("Flatten", "flatten_param { axis: 2 }"), None),
        (layer("Flatten", "flatten_param { axis: 1 end_axis: 2 }"), None),
        (layer("Flatten", "flatten_param { axis: -2 }"), None),
        (layer("Flatten", "flatten_param { axis: 0 }"), 2),
        (layer("Flatten", "flatten_param { axis: 0 end_axis: 1 }"), 2),
        (layer("Permute", "permute_param { order: [0, 2] }"), None),
        (layer("Permute", "permute_param { order: [0, 3, 1, 2] }"), None),
    ],
)
def test_an_image_takes_another_shape(text: str, batch: int | None, checked) -> None:
    behind = 'layer { name: "z" type: "AbsVal" bottom: "y" top: "z" }'
    assert checked(text + behind, x=(2, 3, 5, 4)).report.static_batch == batch


@pytest.mark.backend
@pytest.mark.parametrize(
    "text",
    [
        reshape("0, 0, -1"),
        reshape("4, 3, 12"),
        reshape("0, 0, 6, 2"),
        layer("Flatten", "flatten_param { axis: 2 }"),
        layer("Flatten", "flatten_param { axis: 3 }"),
    ],
)
def test_steps_and_streams_take_another_shape_behind(text: str, checked) -> None:
    made = checked(text + MEMORY.format("y"), x=(4, 3, 2, 3, 2), cont=(4, 3))
    assert made.report.static_batch is None


@pytest.mark.backend
@pytest.mark.parametrize("dims", ["12, -1", "2, 6, -1", "6, 2, 3, 4"])
def test_steps_and_streams_that_mix_tie_the_batch_down(dims: str, checked) -> None:
    made = checked(MEMORY.format("x") + reshape(dims), x=(4, 3, 2, 3, 2), cont=(4, 3))
    assert made.report.static_batch == 3


@pytest.mark.parametrize(
    ("shape", "dims", "batch"), [((6,), "6, 1", 6), ((3, 1, 4), "1, 3, 1, 4", None)]
)
def test_axes_of_one_come_before_and_behind(shape, dims, batch, net_of) -> None:
    assert map_net(net_of(reshape(dims), x=shape)).static_batch == batch

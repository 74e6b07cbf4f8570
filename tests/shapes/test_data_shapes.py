"""Layers that bring data: what their parameters tell, and what they cannot."""

from __future__ import annotations

import pytest


def test_an_input_has_the_shapes_it_is_given(inferred, refused):
    one = "input_param { shape { dim: [2, 3, 5] } }"
    assert inferred("Input", one, tops=2).tops == ((2, 3, 5),) * 2
    two = "input_param { shape { dim: [2, 3, 5] } shape { dim: 4 } }"
    assert inferred("Input", two, tops=2).tops == ((2, 3, 5), (4,))
    refused("shape is given 2 times", "Input", two, tops=3)
    refused("--input-shape x=N,C,H,W", "Input", 'top: "x"')


def test_a_parameter_is_its_own_top(inferred):
    answer = inferred("Parameter", "parameter_param { shape { dim: [2, 3] } }")
    assert answer.tops == answer.weights == ((2, 3),)


def test_dummy_data_has_its_shape_in_either_syntax(inferred, refused):
    text = "dummy_data_param { shape { dim: [2, 3] } shape { dim: 4 } }"
    assert inferred("DummyData", text, tops=2).tops == ((2, 3), (4,))
    text = "dummy_data_param { num: [2, 3] channels: 4 height: 5 width: 6 }"
    assert inferred("DummyData", text, tops=2).tops == ((2, 4, 5, 6), (3, 4, 5, 6))
    refused("height is given 0 times", "DummyData", "dummy_data_param { num: 2 channels: 3 }")
    refused("shape is given 0 times", "DummyData", "")
    text = "dummy_data_param { shape { dim: 2 } num: 2 }"
    refused("both shape and num", "DummyData", text)
    text = "dummy_data_param { shape { dim: 2 } data_filler {} data_filler {} }"
    refused("data_filler is given 2 times", "DummyData", text, tops=3)


def test_memory_data_tells_all_of_its_shape(inferred, refused):
    text = "memory_data_param { batch_size: 2 channels: 4 height: 5 width: 6 }"
    assert inferred("MemoryData", text, tops=2).tops == ((2, 4, 5, 6), (2,))
    assert inferred("MemoryData", text).tops == ((2, 4, 5, 6),)
    refused("(2, 0, 0, 0), all are needed", "MemoryData", "memory_data_param { batch_size: 2 }")


@pytest.mark.parametrize(
    ("transform", "top"),
    [
        ("crop_size: 7", (2, 3, 7, 7)),
        ("crop_size: 7 force_gray: true", (2, 1, 7, 7)),
        ("crop_size: 7 mean_value: [1, 2, 3, 4]", (2, 4, 7, 7)),
        ("crop_size: 7 mean_value: 1", (2, 3, 7, 7)),
        ("crop_h: 7 crop_w: 5", (2, 3, 7, 5)),
    ],
)
def test_a_database_is_as_large_as_its_crop(inferred, transform, top):
    text = f"data_param {{ batch_size: 2 }} transform_param {{ {transform} }}"
    assert inferred("Data", text, tops=2).tops == (top, (2,))
    assert inferred("Data", text).tops == (top,)


def test_images_are_as_large_as_their_crop_or_else_as_they_are_resized(inferred, refused):
    text = "image_data_param { batch_size: 2 new_height: 8 new_width: 9 %s }"
    assert inferred("ImageData", text % "", tops=2).tops == ((2, 3, 8, 9), (2,))
    assert inferred("ImageData", text % "is_color: false", tops=2).tops[0] == (2, 1, 8, 9)
    cropped = text % "" + " transform_param { crop_size: %d }"
    assert inferred("ImageData", cropped % 7, tops=2).tops[0] == (2, 3, 7, 7)
    refused("is larger than the images", "ImageData", cropped % 9, tops=2)
    refused("give both", "ImageData", "image_data_param { new_height: 8 }", tops=2)
    refused("neither cropped nor resized", "ImageData", "", tops=2)


def test_windows_are_as_large_as_their_crop(inferred, refused):
    text = "window_data_param { batch_size: 2 } transform_param { crop_size: 7 }"
    assert inferred("WindowData", text, tops=2).tops == ((2, 3, 7, 7), (2,))
    refused("crop_size is missing", "WindowData", "window_data_param { batch_size: 2 }", tops=2)


@pytest.mark.parametrize("kind", ["Data", "HDF5Data"])
def test_what_only_the_data_knows_must_be_told(refused, kind):
    refused("tell it with --input-shape image=N,C,H,W", kind, 'top: "image"')


def test_a_batch_of_nothing_is_refused(refused):
    refused("batch_size is missing or zero", "Data", "transform_param { crop_size: 7 }")

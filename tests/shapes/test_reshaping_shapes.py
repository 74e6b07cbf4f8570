"""Concat, Slice, Split, Flatten, Reshape, Crop, Permute, Tile: by hand, and asked of Caffe."""

from __future__ import annotations

import pytest

B = (2, 3, 5, 7)


def test_a_concat_joins_along_its_axis(inferred):
    assert inferred("Concat", "", (2, 3, 5), (2, 4, 5)).tops == ((2, 7, 5),)
    text = "concat_param { axis: -1 }"
    assert inferred("Concat", text, (2, 3, 5), (2, 3, 1), (2, 3, 2)).tops == ((2, 3, 8),)
    assert inferred("Concat", "concat_param { concat_dim: 0 }", (2, 3), (5, 3)).tops == ((7, 3),)
    assert inferred("Concat", "", (2, 3)).tops == ((2, 3),)


@pytest.mark.parametrize(
    ("words", "text", "bottoms"),
    [
        ("they may differ along axis 1 only", "", [(2, 3, 5), (2, 3, 6)]),
        ("they may differ along axis 1 only", "", [(2, 3, 5), (2, 3)]),
        ("they may differ along axis 1 only", "", [(2, 3), (2, 3, 5)]),
        ("axis 1 is out of range", "", [(2,), (2,)]),
        ("concat_dim 2 is out of range", "concat_param { concat_dim: 2 }", [(2, 3), (2, 3)]),
        ("both axis and concat_dim", "concat_param { axis: 1 concat_dim: 1 }", [(2, 3), (2, 3)]),
    ],
)
def test_a_concat_of_what_does_not_fit_is_refused(refused, words, text, bottoms):
    refused(words, "Concat", text, *bottoms)


def test_a_slice_cuts_at_its_points_or_evenly(inferred):
    text = "slice_param { axis: 2 slice_point: 1 slice_point: 3 }"
    tops = ((2, 3, 1, 7), (2, 3, 2, 7), (2, 3, 2, 7))
    assert inferred("Slice", text, B, tops=3).tops == tops
    assert inferred("Slice", "", (2, 6, 5), tops=3).tops == ((2, 2, 5),) * 3
    assert inferred("Slice", "slice_param { slice_dim: 0 }", (4, 5), tops=2).tops == ((2, 5),) * 2
    assert inferred("Slice", "slice_param { axis: -1 }", B).tops == (B,)


@pytest.mark.parametrize(
    ("words", "fields", "tops"),
    [
        ("2 outputs do not divide the extent 3", "", 2),
        ("slice_point is given 1 times, 3 outputs take 2", "slice_point: 1", 3),
        ("do not rise between 0 and the extent 3", "slice_point: 0", 2),
        ("do not rise between 0 and the extent 3", "slice_point: 3", 2),
        ("do not rise between 0 and the extent 3", "slice_point: 2 slice_point: 1", 3),
        ("axis 4 is out of range", "axis: 4", 2),
        ("both axis and slice_dim", "axis: 1 slice_dim: 1", 3),
    ],
)
def test_a_slice_past_its_axis_is_refused(refused, words, fields, tops):
    refused(words, "Slice", f"slice_param {{ {fields} }}", B, tops=tops)


def test_a_split_copies(inferred):
    assert inferred("Split", "", B, tops=3).tops == (B,) * 3


@pytest.mark.parametrize(
    ("fields", "bottom", "top"),
    [
        ("", B, (2, 105)),
        ("axis: 2", B, (2, 3, 35)),
        ("axis: 0 end_axis: 1", B, (6, 5, 7)),
        ("axis: -3 end_axis: -2", B, (2, 15, 7)),
        ("axis: 1 end_axis: 1", B, B),
        ("", (2, 3), (2, 3)),
        # genuine Caffe: no axis at all makes one of extent 1
        ("axis: 2 end_axis: 1", B, (2, 3, 1, 5, 7)),
    ],
)
def test_a_flatten_merges_axes(inferred, fields, bottom, top):
    assert inferred("Flatten", f"flatten_param {{ {fields} }}", bottom).tops == (top,)


def test_a_flatten_of_axes_that_are_not_there_is_refused(refused):
    refused("end_axis 1 lies before axis 3", "Flatten", "flatten_param { axis: 3 end_axis: 1 }", B)
    refused("axis 1 is out of range", "Flatten", "", (4,))
    refused("cannot work in place", "Flatten", 'bottom: "a" top: "a"', B)


@pytest.mark.parametrize(
    ("fields", "bottom", "top"),
    [
        ("shape { dim: 0 dim: -1 dim: 0 }", B, (2, 21, 5)),
        ("shape { dim: 0 dim: -1 }", B, (2, 105)),
        ("shape { dim: -1 dim: 6 dim: 5 }", B, (7, 6, 5)),
        ("shape { dim: 3 dim: 70 }", B, (3, 70)),
        ("shape { dim: 5 dim: -1 } axis: 1 num_axes: 2", B, (2, 5, 3, 7)),
        ("shape { dim: 0 dim: -1 dim: 1 } axis: -3 num_axes: 2", B, (2, 3, 5, 7, 1)),
        ("shape { dim: 1 } axis: -1 num_axes: 0", B, (2, 3, 5, 7, 1)),
        ("shape { dim: 1 dim: 1 } axis: 1 num_axes: 0", (2, 3), (2, 1, 1, 3)),
        ("axis: 1 num_axes: 1", (2, 1, 5, 7), (2, 5, 7)),
        ("", (1,), ()),
    ],
)
def test_a_reshape_copies_zeros_and_infers_minus_one(inferred, fields, bottom, top):
    assert inferred("Reshape", f"reshape_param {{ {fields} }}", bottom).tops == (top,)


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        ("more than one -1", "shape { dim: -1 dim: -1 }"),
        ("below -1", "shape { dim: -2 dim: -1 }"),
        ("are no multiple of", "shape { dim: 4 dim: -1 }"),
        ("has 200 numbers, the input (2, 3, 5, 7) 210", "shape { dim: 200 }"),
        ("has 1 numbers, the input", ""),
        ("copies axis 4 of", "shape { dim: 0 dim: 0 dim: 0 dim: 0 dim: 0 }"),
        ("copies axis 4 of", "shape { dim: 1 dim: 0 } axis: 3"),
        ("axis 5 is out of range", "shape { dim: 1 } axis: 5"),
        ("axis -6 is out of range", "shape { dim: 1 } axis: -6"),
        ("reach past the input's shape", "shape { dim: 1 } axis: 3 num_axes: 2"),
        ("num_axes is -2", "shape { dim: -1 } num_axes: -2"),
    ],
)
def test_a_reshape_that_does_not_add_up_is_refused(refused, words, fields):
    refused(words, "Reshape", f"reshape_param {{ {fields} }}", B)


def test_a_reshape_in_place_is_refused(refused):
    refused("cannot work in place", "Reshape", 'bottom: "a" top: "a"', (1,))


@pytest.mark.parametrize(
    ("fields", "like", "top"),
    [
        ("", (9, 9, 4, 6), (2, 3, 4, 6)),
        ("offset: 1", (1, 1, 4, 6), (2, 3, 4, 6)),
        ("axis: 1 offset: 0 offset: 2 offset: 3", (1, 2, 3, 4), (2, 2, 3, 4)),
        ("axis: -1", (1, 1, 1, 2, 8), (2, 3, 5, 2)),
    ],
)
def test_a_crop_takes_the_extents_of_its_second_input(inferred, fields, like, top):
    assert inferred("Crop", f"crop_param {{ {fields} }}", B, like).tops == (top,)


@pytest.mark.parametrize(
    ("words", "fields", "like"),
    [
        ("at the offsets (0, 0) from axis 2 on leaves", "", (2, 3, 6, 7)),
        ("at the offsets (2, 2) from axis 2 on leaves", "offset: 2", (2, 3, 3, 6)),
        ("offset is given 2 times", "axis: 1 offset: 0 offset: 1", (2, 3, 3, 3)),
        ("has fewer axes", "axis: 1", (1, 2, 3)),
        ("axis 4 is out of range", "axis: 4", (1, 2, 3, 3)),
    ],
)
def test_a_crop_out_of_bounds_is_refused(refused, words, fields, like):
    refused(words, "Crop", f"crop_param {{ {fields} }}", B, like)


def test_a_permute_appends_the_axes_it_does_not_name(inferred, refused):
    text = "permute_param { order: 0 order: 2 order: 3 order: 1 }"
    assert inferred("Permute", text, B).tops == ((2, 5, 7, 3),)
    assert inferred("Permute", "permute_param { order: 2 }", B).tops == ((5, 2, 3, 7),)
    refused("names an axis twice", "Permute", "permute_param { order: [1, 1] }", B)
    refused("does not have", "Permute", "permute_param { order: 4 }", B)


def test_a_tile_repeats_an_axis(inferred, refused):
    assert inferred("Tile", "tile_param { axis: -2 tiles: 3 }", B).tops == ((2, 3, 15, 7),)
    refused("tiles is 0", "Tile", "", B)
    refused("tiles is -1", "Tile", "tile_param { tiles: -1 }", B)

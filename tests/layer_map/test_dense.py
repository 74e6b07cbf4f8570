"""InnerProduct and InnerDistance from every axis on, held against the oracle."""

from __future__ import annotations

import pytest

FILLERS = 'weight_filler { type: "gaussian" std: 0.4 } bias_filler { type: "gaussian" std: 0.4 }'


def product(params: str) -> str:
    return (
        'layer { name: "l" type: "InnerProduct" bottom: "x" top: "y" '
        f"inner_product_param {{ num_output: 7 {params} {FILLERS} }} }}"
    )


def distance(params: str, bottoms: str = 'bottom: "x"') -> str:
    return (
        f'layer {{ name: "l" type: "InnerDistance" {bottoms} top: "y" '
        f"inner_distance_param {{ num_output: 7 {params} {FILLERS} }} }}"
    )


@pytest.mark.backend
@pytest.mark.parametrize(
    ("params", "shape", "classes", "batch"),
    [
        ("", (2, 3), ("Dense",), None),
        ("", (2, 3, 5), ("Flatten", "Dense"), None),
        ("", (2, 3, 5, 4), ("Flatten", "Dense"), None),
        ("axis: -1", (2, 3, 5), ("Dense",), None),
        ("axis: 2", (2, 3, 5), ("Dense",), None),
        ("axis: 2", (2, 3, 5, 4), ("Permute", "Reshape", "Dense"), None),
        ("axis: 3", (2, 3, 5, 4), ("Permute", "Dense"), None),
        ("axis: -2 transpose: true", (2, 3, 5, 4), ("Permute", "Reshape", "Dense"), None),
        ("transpose: true bias_term: false", (2, 3, 5, 4), ("Flatten", "Dense"), None),
        (
            "axis: 0",
            (2, 3, 5, 4),
            ("Permute", "caffe2keras>FixedReshape", "Dense", "caffe2keras>FixedReshape"),
            2,
        ),
        (
            "axis: -2 bias_term: false",
            (2, 3),
            ("caffe2keras>FixedReshape", "Dense", "caffe2keras>FixedReshape"),
            2,
        ),
    ],
)
def test_a_matrix_takes_everything_from_its_axis_on(
    params: str, shape: tuple[int, ...], classes: tuple[str, ...], batch: int | None, checked
) -> None:
    made = checked(product(params), x=shape)
    assert made.classes == classes
    assert made.report.static_batch == batch


@pytest.mark.backend
@pytest.mark.parametrize(
    "params", ["", 'distance_type: "L2"', 'distance_type: "L1" normalize: true']
)
@pytest.mark.parametrize(
    ("shape", "before"), [((2, 3), ()), ((2, 3, 5), ("Flatten",)), ((2, 3, 5, 4), ("Flatten",))]
)
def test_distances_are_taken_of_everything_behind_the_batch(
    params: str, shape: tuple[int, ...], before: tuple[str, ...], checked
) -> None:
    made = checked(distance(params), x=shape)
    assert made.classes == (*before, "caffe2keras>InnerDistance")


def test_distances_from_another_axis_are_refused(refusal) -> None:
    told = refusal(distance("axis: 2"), x=(2, 3, 5))
    assert "InnerDistance from axis 2 on with 1 bottoms" in told


def test_distances_to_a_second_blob_are_refused(refusal) -> None:
    told = refusal(distance("", 'bottom: "x" bottom: "z"'), x=(2, 3), z=(7, 3))
    assert "InnerDistance from axis 1 on with 2 bottoms" in told


def test_a_distance_that_caffe_does_not_know_is_refused(refusal) -> None:
    told = refusal(distance('distance_type: "L3"'), x=(2, 3))
    assert "inner_distance_param.distance_type = L3" in told

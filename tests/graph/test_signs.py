"""Which blobs a net itself keeps from falling below zero."""

from __future__ import annotations

from pathlib import Path

import pytest

from caffe2keras.convert import load_net
from caffe2keras.graph.signs import non_negative

HEAD = 'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }\n'
RELU = 'layer { name: "r" type: "ReLU" bottom: "x" top: "r" }\n'


def found(layers: str, folder: Path) -> set[str]:
    path = folder / "net.prototxt"
    path.write_text(HEAD + layers)
    return {name for name, _ in non_negative(load_net(path))}


def test_what_is_fed_may_be_anything(tmp_path):
    assert found(RELU, tmp_path) == {"r"}


def test_a_leaky_rectifier_lets_negative_numbers_through(tmp_path):
    leaky = RELU.replace(' top: "r"', ' top: "r" relu_param { negative_slope: 0.3 }')
    assert found(leaky, tmp_path) == set()


@pytest.mark.parametrize(
    ("sum_of", "names"),
    [
        ('bottom: "r" bottom: "r"', {"r", "y"}),
        ('bottom: "r" bottom: "x"', {"r"}),
        ('bottom: "r" bottom: "r" eltwise_param { coeff: 1 coeff: -1 }', {"r"}),
    ],
)
def test_a_sum_has_the_sign_of_all_its_terms(tmp_path, sum_of, names):
    assert found(RELU + f'layer {{ name: "y" type: "Eltwise" {sum_of} top: "y" }}', tmp_path) == (
        names
    )

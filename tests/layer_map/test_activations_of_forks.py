"""Activations that only forks have, and what forks added to Dropout, held against the oracle."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.backend

X = (2, 3, 5, 4)
WIDER = 'layer { name: "p" type: "Power" bottom: "x" top: "x" power_param { scale: 4 } }'


def layer(words: str) -> str:
    return f'layer {{ name: "l" {words} bottom: "x" top: "y" }}'


@pytest.mark.parametrize(
    ("words", "classes"),
    [
        ('type: "ReLU6"', ("ReLU",)),
        ('type: "ReLU6" relu6_param { negative_slope: 0.3 }', ("ReLU",)),
        ('type: "ReLU6" relu6_param { negative_slope: -9 }', ("PReLU", "caffe2keras>Clip")),
        ('type: "Mish"', ("Activation",)),
        ('type: "HSwish"', ("Activation",)),
        ('type: "Insanity"', ("LeakyReLU",)),
        ('type: "Insanity" insanity_param { lb: 2 ub: 9 }', ("LeakyReLU",)),
        ('type: "Insanity" insanity_param { lb: -9 ub: 2 }', ("PReLU",)),
        ('type: "SignedSqrt"', ("caffe2keras>SignedSqrt",)),
        ('type: "Sparsify"', ()),
        ('type: "Sparsify" sparsify_param { thre: 0.5 coef: 0.1 }', ("caffe2keras>SoftThreshold",)),
        ('type: "SymmetricRectify"', ("caffe2keras>SoftThreshold",)),
        (
            'type: "SymmetricRectify" symmetric_rectify_param { channel_shared: true }',
            ("caffe2keras>SoftThreshold",),
        ),
        ('type: "Noise" noise_param { gaussian_std: 0.1 }', ()),
        ('type: "Dropout" dropout_param { dropout_ratio: 0.3 }', ("Dropout",)),
        (
            'type: "Dropout" dropout_param { dropout_ratio: 0.3 scale_train: false }',
            ("caffe2keras>Power", "Dropout"),
        ),
        (
            'type: "Dropout" dropout_param { dropout_ratio: 0.3 sample_weights_test: true }',
            ("caffe2keras>SampledDropout",),
        ),
    ],
)
def test_an_activation_is_the_fork_s(checked, words, classes):
    made = checked(WIDER + layer(words), x=X)
    assert made.classes[1:] == classes
    assert made.resizable
    assert made.report.static_batch is None


def test_dropping_at_random_in_testing_is_told(checked):
    made = checked(layer('type: "Dropout" dropout_param { sample_weights_test: true }'), x=X)
    [note] = [note for note in made.report.notes if note.subject == "l"]
    assert "drops at random in every prediction" in note.text


@pytest.mark.parametrize("bounds", ["lb: 0 ub: 3", "lb: 4 ub: 3"])
def test_bounds_that_caffe_refuses_are_refused(refusal, bounds):
    text = refusal(layer(f'type: "Insanity" insanity_param {{ {bounds} }}'), x=X)
    assert "neither may be 0" in text

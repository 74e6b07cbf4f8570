"""Losses, each from numbers worked out by hand or written anew."""

from __future__ import annotations

from math import log

import numpy as np
import pytest

from caffe2keras.errors import ShapeError, UnsupportedFieldError
from caffe2keras.verify.oracle import run

THIRDS = np.zeros((2, 3, 2))  # two samples of two pixels, three classes, all alike


@pytest.mark.parametrize(
    ("param", "divisor"),
    [
        ("", 3),
        ("normalization: FULL", 4),
        ("normalization: VALID", 3),
        ("normalization: BATCH_SIZE", 2),
        ("normalization: NONE", 1),
        ("normalize: false", 2),
        ("normalize: false normalization: NONE", 1),
    ],
)
def test_softmax_loss_is_divided_as_asked(compute, param, divisor):
    layer = f'type: "SoftmaxWithLoss" loss_param {{ ignore_label: 2 {param} }}'
    loss, share = compute(layer, THIRDS, [[0, 2], [1, 1]], tops=2)
    assert loss.shape == ()
    assert loss == pytest.approx(3 * log(3) / divisor)
    np.testing.assert_allclose(share, THIRDS + 1 / 3)


def test_softmax_loss_of_ignored_labels_alone_is_zero(compute):
    layer = 'type: "SoftmaxWithLoss" loss_param { ignore_label: 0 }'
    assert compute(layer, [[1.0, 2]], [0])[0] == 0


def test_softmax_loss_of_an_impossible_label_is_finite(compute):
    (loss,) = compute('type: "SoftmaxWithLoss"', [[1000.0, 0]], [1])
    assert loss == pytest.approx(-log(1.1754943508222875e-38))


def test_euclidean_loss_is_half_the_squared_distance_of_a_sample(compute):
    (loss,) = compute('type: "EuclideanLoss"', [[1, 2], [3, 4]], [[1, 0], [0, 0]])
    assert loss == (4 + 9 + 16) / 4


@pytest.mark.parametrize(("norm", "expected"), [("L1", 4.5 / 2), ("L2", (4 + 0.25 + 4) / 2)])
def test_hinge_loss_counts_what_misses_the_margin(compute, norm, expected):
    scores = [[2, 1, -3], [0.5, -1, 1]]
    layer = f'type: "HingeLoss" hinge_loss_param {{ norm: {norm} }}'
    # Margins: label 0 gives 1 - 2, 1 + 1, 1 - 3; label 0 gives 1 - 0.5, 1 - 1, 1 + 1.
    assert compute(layer, scores, [0, 0])[0] == pytest.approx(expected)


def test_sigmoid_cross_entropy_is_divided_by_the_batch(compute):
    x, target = np.array([[0.0, 2, -40], [1, 0, 800]]), np.array([[1, 0, 0], [0, 1, 1.0]])
    (loss,) = compute('type: "SigmoidCrossEntropyLoss"', x, target)
    expected = log(2) + log(1 + np.exp(2)) + log(1 + np.exp(1)) + log(2)
    assert loss == pytest.approx(expected / 2)


def test_sigmoid_cross_entropy_ignores_a_label(compute):
    layer = 'type: "SigmoidCrossEntropyLoss" loss_param { ignore_label: -1 normalization: VALID }'
    (loss,) = compute(layer, [[0.0, 5, 0]], [[1, -1, 0]])
    assert loss == pytest.approx(log(2))


def test_infogain_loss_weights_every_class_by_the_label_s_row(compute):
    matrix = [[1, 0, 0], [0.5, 2, 0.25], [0, 0, 1]]
    (loss,) = compute('type: "InfogainLoss"', [[0.0, 0, 0]], [1], matrix)
    assert loss == pytest.approx(2.75 * log(3))


def test_infogain_loss_opens_no_file(compute):
    layer = 'type: "InfogainLoss" infogain_loss_param { source: "h.binaryproto" }'
    with pytest.raises(UnsupportedFieldError, match=r"h\.binaryproto"):
        compute(layer, [[0.0, 0, 0]], [1])


def test_multinomial_loss_bounds_probabilities_from_below(compute):
    (loss,) = compute('type: "MultinomialLogisticLoss"', [[0.25, 0.75], [1, 0]], [0, 1])
    assert loss == pytest.approx((log(4) + 20 * log(10)) / 2)


@pytest.mark.parametrize(
    ("legacy", "expected"), [("false", (25 + (6 - 5) ** 2) / 4), ("true", 25 / 4)]
)
def test_contrastive_loss_keeps_others_at_a_margin(compute, legacy, expected):
    a, b = [[3.0, 0], [3, 4]], [[0.0, 4], [0, 0]]
    layer = (
        f'type: "ContrastiveLoss" contrastive_loss_param {{ margin: 6 legacy_version: {legacy} }}'
    )
    assert compute(layer, a, b, [1, 0])[0] == pytest.approx(expected)


def test_smooth_l1_loss_is_square_near_zero_and_straight_beyond(compute):
    a, b = [[0.1, 3], [0, -1]], [[0, 0], [0, 0]]
    layer = 'type: "SmoothL1Loss" smooth_l1_loss_param { sigma: 2 }'
    # Squares, times 2, below a quarter; beyond, an eighth less than the absolute value.
    assert compute(layer, a, b)[0] == pytest.approx((0.02 + 2.875 + 0.875) / 2)
    inside, outside = [[1, 0], [1, 1]], [[10, 1], [1, 2]]
    assert compute(layer, a, b, inside, outside)[0] == pytest.approx((0.2 + 2 * 0.875) / 2)


@pytest.mark.parametrize("kind", ["SoftmaxWithLoss", "Accuracy"])
def test_what_is_fed_has_a_label_for_each_place(net_of, kind):
    net = net_of(
        'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: [2, 3] } } }\n'
        'layer { name: "t" type: "Input" top: "t" input_param { shape { dim: 2 } } }\n'
        f'layer {{ name: "l" type: "{kind}" bottom: "x" bottom: "t" top: "l" }}'
    )
    with pytest.raises(ShapeError, match="expected 4 labels, received 2"):
        run(net, {"x": np.zeros((4, 3)), "t": np.zeros(2)})


def test_the_classes_stand_along_an_axis_and_the_labels_behind(compute):
    scores = np.log([[[0.5, 0.25], [0.25, 0.125], [0.25, 0.625]]])  # one image, two pixels
    (loss,) = compute('type: "SoftmaxWithLoss"', scores, [[1, 2]])
    assert loss == pytest.approx(-(log(0.25) + log(0.625)) / 2)


def test_losses_of_images_run_over_all_that_is_behind_the_batch(compute):
    a, b = np.arange(12.0).reshape(2, 3, 2), np.zeros((2, 3, 2))
    assert compute('type: "EuclideanLoss"', a, b)[0] == pytest.approx((a**2).sum() / 4)
    scores = a.reshape(2, 3, 2, 1)[:, :, :1]
    (hinge,) = compute('type: "HingeLoss"', scores, [1, 0])
    # Scores 0 2 4 and 6 8 10: 1 + 0, 1 - 2, 1 + 4 and 1 - 6, 1 + 8, 1 + 10.
    assert hinge == pytest.approx((1 + 0 + 5 + 0 + 9 + 11) / 2)


def test_what_smooth_l1_compares_may_have_other_axes(compute):
    (loss,) = compute('type: "SmoothL1Loss"', [[3.0, 0], [0, 0]], np.zeros((2, 2, 1, 1)))
    assert loss == pytest.approx(2.5 / 2)

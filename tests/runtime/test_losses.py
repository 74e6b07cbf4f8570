"""Caffe's losses and its accuracy as Keras's, on numbers that can be checked by hand."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from caffe2keras import runtime
from caffe2keras.runtime import (
    Accuracy,
    AddLoss,
    ContrastiveLoss,
    EuclideanLoss,
    HingeLoss,
    InfogainLoss,
    LossValue,
    MultinomialLogisticLoss,
    SigmoidCrossEntropyLoss,
    SmoothL1Loss,
    SoftmaxWithLoss,
)

EVEN = np.zeros((3, 4), np.float32)
LABELS = np.array([1, 9, 2], np.float32)

LOSSES = [
    SoftmaxWithLoss(axis=1, ignore_label=9, normalization="FULL", batch_axes=2),
    InfogainLoss(matrix=[[1.0, 0.5], [0.0, 2.0]], axis=1),
    MultinomialLogisticLoss(),
    HingeLoss(squared=True),
    EuclideanLoss(),
    SigmoidCrossEntropyLoss(ignore_label=-1, normalization="VALID"),
    ContrastiveLoss(margin=0.5, legacy=True),
    SmoothL1Loss(sigma=3.0),
    Accuracy(top_k=3, axis=1, ignore_label=2),
]


@pytest.mark.parametrize("each", LOSSES, ids=lambda each: type(each).__name__)
def test_a_loss_comes_back_from_its_config(each):
    config = keras.saving.serialize_keras_object(each)
    back = keras.saving.deserialize_keras_object(config)
    assert type(back) is type(each)
    assert back.get_config() == each.get_config()
    assert type(each).__name__ in runtime.__all__


@pytest.mark.parametrize(
    ("normalization", "by"), [("VALID", 2), ("FULL", 3), ("BATCH_SIZE", 3), ("NONE", 1)]
)
def test_a_sum_over_labels_is_divided_as_its_normalization_says(normalization, by):
    loss = SoftmaxWithLoss(ignore_label=9, normalization=normalization)
    assert float(loss(LABELS, EVEN)) == pytest.approx(2 * np.log(4) / by)


def test_nothing_but_ignored_labels_costs_nothing():
    assert float(SoftmaxWithLoss(ignore_label=9)(np.full(3, 9.0), EVEN)) == 0


def test_an_unknown_normalization_is_refused():
    with pytest.raises(ValueError, match="must be one of FULL, VALID, BATCH_SIZE, NONE"):
        SoftmaxWithLoss(normalization="MEAN")


def test_a_loss_ends_at_the_logarithm_of_the_smallest_float():
    far = np.array([[0, 1000]], np.float32)
    assert float(SoftmaxWithLoss()(np.zeros(1), far)) == pytest.approx(87.33654)


@pytest.mark.parametrize("shape", [(2, 3, 5), (2, 1, 3, 5), (2, 3, 5, 1), (30,)])
def test_labels_of_places_come_in_any_shape_with_the_places_in_order(shape):
    random = np.random.default_rng(5)
    scores = random.standard_normal((2, 3, 5, 4)).astype("float32")
    labels = random.integers(4, size=(2, 3, 5)).astype("float32")
    logs = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
    own = np.take_along_axis(logs, labels[..., np.newaxis].astype(int), -1)
    value = float(SoftmaxWithLoss()(labels.reshape(shape), scores))
    assert value == pytest.approx(-own.mean(), rel=1e-5)


def test_sample_weights_weigh_the_samples_of_a_loss():
    loss = EuclideanLoss()
    a, b = np.zeros((2, 3), np.float32), np.array([[1, 1, 1], [2, 2, 2]], np.float32)
    weighted = loss(a, b, sample_weight=np.array([1.0, 0.0], np.float32))
    assert float(loss(a, b)) == pytest.approx((3 + 12) / 4)
    assert float(weighted) == pytest.approx(3 / 4)


def test_the_distance_of_a_smooth_loss_is_weighed_before_and_after():
    x = np.array([[2.0, 0.1, 5.0]], np.float32)
    zero, inside = np.zeros((1, 3), np.float32), np.array([[1.0, 1.0, 0.0]], np.float32)
    outside = np.array([[1.0, 2.0, 1.0]], np.float32)
    expected = (2 - 0.5) + 2 * 0.5 * 0.01
    assert float(SmoothL1Loss()([zero, inside, outside], x)) == pytest.approx(expected)
    assert float(SmoothL1Loss()(zero, x)) == pytest.approx(1.5 + 0.005 + 4.5)


def test_pairs_pay_for_distance_or_for_nearness():
    a = np.array([[0.0, 0.0], [0.0, 0.0]], np.float32)
    b = np.array([[0.3, 0.4], [0.3, 0.4]], np.float32)
    alike = np.array([1, 0], np.float32)
    assert float(ContrastiveLoss()(alike, [a, b])) == pytest.approx((0.25 + 0.25) / 4)
    assert float(ContrastiveLoss(legacy=True)(alike, [a, b])) == pytest.approx((0.25 + 0.75) / 4)


def test_an_accuracy_lets_no_rival_tie_with_the_label():
    metric = Accuracy(top_k=2, ignore_label=9)
    scores = np.array([[3, 2, 1, 0], [0, 0, 0, 0], [1, 2, 2, 0], [1, 5, 3, 4]], np.float32)
    metric.update_state(np.array([1, 9, 1, 0], np.float32), scores)
    assert float(metric.result()) == pytest.approx(2 / 3)
    metric.update_state(np.array([3], np.float32), scores[:1], sample_weight=np.array([3.0]))
    assert float(metric.result()) == pytest.approx(2 / 6)
    metric.reset_state()
    assert float(metric.result()) == 0


def test_a_loss_of_keras_is_found_by_its_name_in_a_layer():
    config = {"class_name": "BinaryCrossentropy", "config": {"from_logits": True}}
    layer = LossValue.from_config({"loss": config})
    back = LossValue.from_config(layer.get_config())
    assert type(back.loss) is keras.losses.BinaryCrossentropy
    assert back.loss.from_logits


def test_a_loss_as_a_layer_gives_its_value_and_another_adds_it():
    x, y = keras.Input((3,)), keras.Input((3,))
    value = LossValue(EuclideanLoss())([x, y])
    model = keras.Model([x, y], AddLoss([0.5])([x, value]))
    a, b = np.zeros((2, 3), np.float32), np.ones((2, 3), np.float32)
    np.testing.assert_array_equal(ops.convert_to_numpy(model([a, b])), a)
    assert [float(each) for each in model.losses] == pytest.approx([0.75])
    copy = keras.Model.from_config(model.get_config())
    copy([a, b])
    assert [float(each) for each in copy.losses] == pytest.approx([0.75])


def test_layers_of_losses_tell_their_shapes():
    assert LossValue(EuclideanLoss()).compute_output_shape([(None, 3), (None, 3)]) == (1,)
    assert AddLoss([1.0]).compute_output_shape([(None, 3), (1,)]) == (None, 3)

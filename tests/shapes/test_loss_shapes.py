"""Losses, measures and sinks, as genuine Caffe answered."""

from __future__ import annotations

import pytest

INFOGAIN = 'infogain_loss_param { source: "h" }'


@pytest.mark.parametrize(
    ("kind", "bottoms"),
    [
        ("SoftmaxWithLoss", [(2, 3, 4, 5), (2, 1, 4, 5)]),
        ("SoftmaxWithLoss", [(2, 3), (2,)]),
        ("EuclideanLoss", [(2, 3, 4), (2, 12)]),
        ("HingeLoss", [(2, 3, 4), (2, 5)]),
        ("MultinomialLogisticLoss", [(2, 3), (2, 1)]),
        ("SigmoidCrossEntropyLoss", [(2, 3), (2, 3, 1)]),
        ("ContrastiveLoss", [(2, 3), (2, 3, 1, 1), (2,)]),
        ("InfogainLoss", [(2, 3), (2, 1), (3, 3)]),
    ],
)
def test_a_loss_is_a_scalar_named_or_not(inferred, kind, bottoms):
    assert inferred(kind, "", *bottoms).tops == ((),)
    assert inferred(kind, "", *bottoms, tops=0).tops == ((),)


def test_an_accuracy_must_be_named(inferred, refused):
    assert inferred("Accuracy", "", (2, 3, 4), (2, 4)).tops == ((),)
    refused("produces at least 1 output, received 0", "Accuracy", "", (2, 3), (2,), tops=0)


def test_some_losses_also_give_their_probabilities(inferred):
    scores, labels = (2, 3, 4), (2, 4)
    assert inferred("SoftmaxWithLoss", "", scores, labels, tops=2).tops == ((), scores)
    assert inferred("InfogainLoss", INFOGAIN, scores, labels, tops=2).tops == ((), scores)
    assert inferred("Accuracy", "", scores, labels, tops=2).tops == ((), (3,))


def test_sinks_produce_nothing(inferred, refused):
    assert inferred("Silence", "", (2, 3), (4,), tops=0).tops == ()
    assert inferred("HDF5Output", "", (2, 3), (2,), tops=0).tops == ()
    refused("produces 0 outputs, received 1", "Silence", "", (2, 3))


@pytest.mark.parametrize(
    ("words", "kind", "text", "bottoms"),
    [
        ("the batch sizes", "SoftmaxWithLoss", "", [(2, 3, 4), (8,)]),
        ("take 8 labels, received (2, 3)", "SoftmaxWithLoss", "", [(2, 3, 4), (2, 3)]),
        ("axis 2 is out of range", "SoftmaxWithLoss", "softmax_param { axis: 2 }", [(2, 3), (2,)]),
        ("takes 2 inputs, received 3", "SoftmaxWithLoss", "", [(2, 3), (2,), (2,)]),
        ("differ in size", "EuclideanLoss", "", [(2, 3, 4), (2, 11)]),
        ("differ in size", "SigmoidCrossEntropyLoss", "", [(2, 3), (2, 4)]),
        ("a scalar has no batch", "HingeLoss", "", [(), (2,)]),
        ("labels take one number an item", "MultinomialLogisticLoss", "", [(2, 3), (2, 3)]),
        ("labels take one number an item", "ContrastiveLoss", "", [(2, 3), (2, 3), (2, 2)]),
        ("one shape (N, C)", "ContrastiveLoss", "", [(2, 3), (2, 4), (2,)]),
        ("one shape (N, C)", "ContrastiveLoss", "", [(2, 3, 2), (2, 3, 2), (2,)]),
        ("the matrix is missing", "InfogainLoss", "", [(2, 3), (2,)]),
        ("takes 9 numbers, received (3, 2)", "InfogainLoss", "", [(2, 3), (2,), (3, 2)]),
        ("exceeds the 3 classes", "Accuracy", "accuracy_param { top_k: 4 }", [(2, 3), (2,)]),
    ],
)
def test_a_loss_of_what_does_not_match_is_refused(refused, words, kind, text, bottoms):
    refused(words, kind, text, *bottoms)

"""Which part of a net serves training alone: losses, accuracies, and the labels they read.

The head of a training net compares a *prediction* with a *label*. Both the shapes that a user must
tell and the layers that a conversion drops depend on telling the one from the other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from caffe2keras.graph.net import Blob, Layer
from caffe2keras.shapes.registry import comes_from_a_plugin

__all__ = ["PREDICTORS", "Split", "is_head", "is_head_type", "split_off_training", "weighted_tops"]

Key = tuple[str, int]

# Losses that predict before they compare: what they compute first, and which parameter tells its
# axis (softmax_loss_layer.cpp, infogain_loss_layer.cpp, sigmoid_cross_entropy_loss_layer.cpp; the
# OHEM sisters of R-FCN's fork weigh the same softmax).
PREDICTORS: Mapping[str, str] = {
    "SoftmaxWithLoss": "Softmax",
    "SoftmaxLoss": "Softmax",
    "SoftmaxWithLossOHEM": "Softmax",
    "InfogainLoss": "Softmax",
    "SigmoidCrossEntropyLoss": "Sigmoid",
}

# How many of the first bottoms are predictions. A head that is not listed here compares
# whatever was learned with whatever was not.
_PREDICTIONS: Mapping[str, int] = {
    **dict.fromkeys(PREDICTORS, 1),
    "Accuracy": 1,
    "HingeLoss": 1,
    "MultinomialLogisticLoss": 1,
    # Detectors compute their targets from learned boxes, so that the targets look learned, too.
    "SmoothL1Loss": 1,
    "SmoothL1LossOHEM": 1,
    "MultiBoxLoss": 3,  # places, confidences, prior boxes; then the ground truth
    "DetectionEvaluate": 1,
    "Silence": 0,
}

_HEADS = frozenset({*_PREDICTIONS, "HDF5Output"})
_HEAD_ENDINGS = ("Loss", "Accuracy", "Evaluate")

# Types that learn even where no ``param`` says how: by a word in their name, forks included.
_LEARNED_WORDS = ("Convolution", "Deconvolution", "InnerProduct", "Embed", "LSTM", "RNN")


@dataclass(frozen=True)
class Split:
    """A net's layers, told apart.

    Attributes:
        kept: keys of the blobs that a layer of the trained net reads, or that it ends in.
        heads: indices of the layers that only measure how well it is trained.
        label_path: indices of the layers that only prepare what the heads compare with.
    """

    kept: AbstractSet[Key]
    heads: AbstractSet[int]
    label_path: AbstractSet[int]


def is_head(layer: Layer) -> bool:
    """Whether a layer measures or swallows results and computes none."""
    return is_head_type(layer.type)


def is_head_type(kind: str) -> bool:
    """Whether all layers of a type are heads; none is whose shape rule is a plugin's."""
    known = kind in _HEADS or kind.endswith(_HEAD_ENDINGS)
    return known and not comes_from_a_plugin(kind)


def split_off_training(layers: Sequence[Layer], ends: Iterable[Blob] = ()) -> Split:
    """Tell the trained net from what serves its training; two sweeps, linear in the net.

    Args:
        layers: the net's.
        ends: blobs that the net ends in, whoever reads them; those that nobody reads need no
            mention.
    """
    heads = _heads(layers)
    learned = _learned_blobs(layers)
    read = {bottom.key for layer in layers for bottom in layer.bottoms}
    kept: set[Key] = {blob.key for blob in ends}
    label_path: set[int] = set()
    for index in range(len(layers) - 1, -1, -1):
        layer = layers[index]
        if index in heads:
            kept.update(blob.key for blob in _predictions(layer, learned))
        elif _is_wanted(layer, kept, read):
            kept.update(bottom.key for bottom in layer.bottoms)
            kept.update(top.key for top in layer.tops if top.key not in read)
        else:
            label_path.add(index)
    return Split(kept, heads, label_path)


def _is_wanted(layer: Layer, kept: Collection[Key], read: Collection[Key]) -> bool:
    if not layer.tops:
        return True
    return any(top.key in kept or top.key not in read for top in layer.tops)


def _heads(layers: Sequence[Layer]) -> frozenset[int]:
    """Heads, and what is computed of their tops: a weighted sum of losses is no prediction."""
    measured: set[Key] = set()
    heads: set[int] = set()
    for index, layer in enumerate(layers):
        if is_head(layer) or any(bottom.key in measured for bottom in layer.bottoms):
            heads.add(index)
            # The second top of such a loss is the prediction itself.
            tops = layer.tops[:1] if layer.type in PREDICTORS else layer.tops
            measured.update(top.key for top in tops)
    return frozenset(heads)


def _learned_blobs(layers: Sequence[Layer]) -> AbstractSet[Key]:
    learned: set[Key] = set()
    for layer in layers:
        own = layer.params.fresh().has("param") or any(
            word in layer.type for word in _LEARNED_WORDS
        )
        if own or any(bottom.key in learned for bottom in layer.bottoms):
            learned.update(top.key for top in layer.tops)
    return learned


def _learns(layer: Layer) -> bool:
    return layer.params.fresh().has("param") or any(word in layer.type for word in _LEARNED_WORDS)


def _predictions(layer: Layer, learned: Collection[Key]) -> Sequence[Blob]:
    if layer.type in _PREDICTIONS:
        return layer.bottoms[: _PREDICTIONS[layer.type]]
    return [blob for blob in layer.bottoms if blob.key in learned] or layer.bottoms[:1]


def weighted_tops(layer: Layer) -> Iterator[tuple[Blob, float]]:
    """The tops that count in the net's loss, with their ``loss_weight``.

    Any layer may have one; a loss that has none counts once (loss_layer.cpp: LayerSetUp).
    """
    weights = tuple(layer.params.fresh().loss_weight)
    if not weights and layer.type.endswith("Loss"):
        weights = (1.0,)
    for top, weight in zip(layer.tops, weights, strict=False):
        if weight:
            yield top, float(f"{weight:.7g}")  # 0.3, as it is written, and not the float32

"""Teach a model to answer questions about handwritten digits.

Usage: python vqa.py [EPOCHS]

The feature of an image comes from the converted digits net, the feature of a question from an LSTM;
CompactBilinearPooling multiplies each number of the one by each of the other, which is what tells
that a three is meant and that this is a three. Exit code 0: on images that it does not train on, it
answers better than the questions alone would let anyone.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras

import caffe2keras
from caffe2keras.runtime import CompactBilinearPooling, SignedSqrt

DIGITS = Path(__file__).parents[1] / "digits"
Array = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int32]

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
ANSWERS = (*NAMES, "no", "yes")
# Index 0 fills a question up to the longest.
WORDS = ("", "is", "it", "a", "what", "even", "odd", "less", "greater", "than", *NAMES)
LONGEST = 5
FEATURES, BINS = 48, 512
SEEN = 280  # of the 360 images; the others are for the test


def question(digit: int, random: np.random.Generator) -> tuple[str, str]:
    """A question about an image of this digit, and its answer."""
    match int(random.integers(5)):
        case 0:
            return "what is it", NAMES[digit]
        case 1:
            parity = int(random.integers(2))
            return f"is it {('even', 'odd')[parity]}", _said(digit % 2 == parity)
        case 2:
            # As often yes as no: asked of any digit, one in ten would be right.
            other = digit if random.random() < 0.5 else int(random.integers(10))
            return f"is it a {NAMES[other]}", _said(digit == other)
        case 3:
            other = int(random.integers(1, 9))
            return f"is it less than {NAMES[other]}", _said(digit < other)
        case _:
            other = int(random.integers(1, 9))
            return f"is it greater than {NAMES[other]}", _said(digit > other)


def _said(is_so: bool) -> str:
    return "yes" if is_so else "no"


def indices_of(text: str) -> list[int]:
    """The words' indices, filled up with 0."""
    words = [WORDS.index(word) for word in text.split()]
    return words + [0] * (LONGEST - len(words))


def asked(
    features: Array, digits: Indices, each: int, random: np.random.Generator
) -> tuple[tuple[Array, Indices], Indices]:
    """Questions about each image: (features (N, F), words (N, LONGEST)), answers (N,)."""
    texts = [question(int(digit), random) for digit in digits.repeat(each)]
    words = np.array([indices_of(text) for text, _ in texts], np.int32)
    answers = np.array([ANSWERS.index(answer) for _, answer in texts], np.int32)
    return (features.repeat(each, axis=0), words), answers


def features_of(images: Array) -> Array:
    """What the converted net's last hidden layer makes of images (N, 8, 8, 1): (N, FEATURES)."""
    with tempfile.TemporaryDirectory() as folder:
        net = DIGITS / "deploy.prototxt", DIGITS / "digits.caffemodel"
        report = caffe2keras.convert(*net, Path(folder, "net.h5"), outputs=["ip1"])
        model = caffe2keras.load_model(report.output)
    features: Array = np.asarray(model.predict_on_batch(images))
    features /= features.std()
    return features


def answering_model() -> Any:
    """Feature and question to the probabilities of the answers."""
    image = keras.Input((FEATURES,), name="feature")
    words = keras.Input((LONGEST,), dtype="int32", name="question")
    embedded = keras.layers.Embedding(len(WORDS), 16, mask_zero=True)(words)
    meant = keras.layers.LSTM(32)(embedded)
    both = CompactBilinearPooling(BINS, seed=1)([image, meant])
    both = keras.layers.UnitNormalization()(SignedSqrt()(both))
    answer = keras.layers.Dense(len(ANSWERS), activation="softmax")(both)
    return keras.Model([image, words], answer)


def main(epochs: int) -> int:
    """Ask, train, ask about other images."""
    keras.utils.set_random_seed(3)
    random = np.random.default_rng(3)
    test = np.load(DIGITS / "test.npz")
    features = features_of(test["data"].transpose(0, 2, 3, 1))
    digits = test["label"].astype(np.int32)
    given, answers = asked(features[:SEEN], digits[:SEEN], 20, random)
    unseen, wanted = asked(features[SEEN:], digits[SEEN:], 5, random)

    model = answering_model()
    rate = keras.optimizers.Adam(0.01)
    model.compile(rate, "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(list(given), answers, batch_size=128, epochs=epochs, verbose=0)
    told = np.asarray(model.predict_on_batch(list(unseen))).argmax(axis=1)
    right = float(np.mean(told == wanted))
    for index in range(5):
        words = " ".join(WORDS[word] for word in unseen[1][index] if word)
        print(f"(a {NAMES[digits[SEEN + index // 5]]}) {words}? {ANSWERS[told[index]]}")
    alone = best_without_images(given[1], answers, unseen[1], wanted)
    print(f"{right:.1%} of {len(wanted)} answers are right, {alone:.1%} without the images")
    return int(right <= alone)


def best_without_images(
    words: Indices, answers: Indices, unseen: Indices, wanted: Indices
) -> float:
    """How many answers are right if each question gets the one that it had most often."""
    usual = {}
    for one in np.unique(words, axis=0):
        usual[tuple(one)] = int(np.bincount(answers[(words == one).all(axis=1)]).argmax())
    told = [usual.get(tuple(one), 0) for one in unseen]
    return float(np.mean(np.equal(told, wanted)))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 15))

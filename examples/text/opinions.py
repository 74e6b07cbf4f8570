"""Teach a recurrent convolutional network which opinions are good ones.

Usage: python opinions.py [EPOCHS]

The network is that of S. Lai and others, "Recurrent Convolutional Neural Networks for Text
Classification" (AAAI 2015): one LSTM reads what stands left of each word, another what stands right
of it; the word and both contexts go through a tanh layer, and of each of its numbers the largest of
all words counts. The opinions turn on "not" and "but", so that the words alone do not tell. Exit
code 0: of the opinions that it has not seen, at least nine in ten are told right.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np
import numpy.typing as npt

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
from keras import layers

Indices = npt.NDArray[np.int32]

THINGS = ("plot", "acting", "music", "ending")
GOOD, BAD = ("good", "fine", "moving"), ("bad", "dull", "poor")
# Index 0 fills a sentence up to the longest.
WORDS = ("", "the", "was", "not", "but", *THINGS, *GOOD, *BAD)
LONGEST = 11
EMBEDDING, CONTEXT, MEANING = 16, 16, 32


def opinion(random: np.random.Generator) -> tuple[str, int]:
    """A sentence, and 1 if it praises; what stands behind "but" outweighs what is before it."""
    text, praise = _clause(random)
    if random.random() < 0.5:
        before, _ = _clause(random)
        text = f"{before} but {text}"
    return text, praise


def _clause(random: np.random.Generator) -> tuple[str, int]:
    praise, negated = random.integers(2, size=2)
    word = random.choice(GOOD if praise != negated else BAD)
    return f"the {random.choice(THINGS)} was {'not ' * negated}{word}", int(praise)


def opinions(count: int, random: np.random.Generator) -> tuple[Indices, Indices]:
    """Sentences as word indices, (N, LONGEST), and whether they praise, (N,)."""
    drawn = [opinion(random) for _ in range(count)]
    words = np.zeros((count, LONGEST), np.int32)
    for row, (text, _) in zip(words, drawn, strict=True):
        found = [WORDS.index(word) for word in text.split()]
        row[: len(found)] = found
    return words, np.array([praise for _, praise in drawn], np.int32)


def network() -> Any:
    """Word indices (N, LONGEST) to the probability of praise (N, 1)."""
    words = keras.Input((LONGEST,), dtype="int32")
    embedded = layers.Embedding(len(WORDS), EMBEDDING)(words)
    # The contexts of a word end beside it: shifted by one, with zeros at the sentence's ends.
    before = layers.Cropping1D((0, 1))(layers.ZeroPadding1D((1, 0))(embedded))
    behind = layers.Cropping1D((1, 0))(layers.ZeroPadding1D((0, 1))(embedded))
    left = layers.LSTM(CONTEXT, return_sequences=True)(before)
    right = layers.LSTM(CONTEXT, return_sequences=True, go_backwards=True)(behind)
    right = keras.ops.flip(right, axis=1)  # what is read backwards comes out backwards
    around = layers.Concatenate()([left, embedded, right])
    meaning = layers.Dense(MEANING, activation="tanh")(around)
    most = layers.GlobalMaxPooling1D()(meaning)
    return keras.Model(words, layers.Dense(1, activation="sigmoid")(most))


def main(epochs: int) -> int:
    """Train, and tell unseen opinions."""
    keras.utils.set_random_seed(1)
    random = np.random.default_rng(1)
    words, praises = opinions(2000, random)
    seen = {tuple(sentence) for sentence in words}
    unseen, wanted = opinions(1000, random)
    new = np.array([tuple(sentence) not in seen for sentence in unseen])
    unseen, wanted = unseen[new], wanted[new]

    model = network()
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    model.fit(words, praises, batch_size=100, epochs=epochs, verbose=0)
    told = np.asarray(model.predict_on_batch(unseen))[:, 0]
    for sentence, praise in zip(unseen[:4], told, strict=False):
        text = " ".join(WORDS[word] for word in sentence if word)
        print(f"{'praise' if praise > 0.5 else 'blame '}  {text}")
    right = float(np.mean((told > 0.5) == wanted))
    print(f"{right:.1%} of {len(wanted)} unseen opinions are told right")
    return int(right < 0.9)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))

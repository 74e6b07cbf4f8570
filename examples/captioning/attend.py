"""Describe drawings with an LSTM that looks, before each word, at every place of the feature map.

Usage: python attend.py [EPOCHS]

The feature map comes from the converted conv net, whose weights Caffe trained; the decoder, an
AttLSTMCond, is trained here, and asked for the likeliest words of drawings that it does not train
on. Exit code 0: a fifth of them at least is described right, where guessing gets one in 21.
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
from caption import END, HERE, LONGEST, WORDS, drawing
from keras import layers

import caffe2keras
from caffe2keras.runtime import AttLSTMCond

Array = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int32]

UNITS, STEPS, UNSEEN = 48, LONGEST + 1, 200


def feature_maps(images: Array) -> Array:
    """What the converted net sees in images (N, 1, H, W), as places with features: (N, S, D).

    Each place tells its row and column too: an LSTM that is to say "above" has to know them.
    """
    with tempfile.TemporaryDirectory() as folder:
        net = HERE / "image.prototxt", HERE / "captions.caffemodel"
        report = caffe2keras.convert(*net, Path(folder, "net.h5"), outputs=["pool1"])
        model = caffe2keras.load_model(report.output)
    maps = np.asarray(model.predict_on_batch(images.transpose(0, 2, 3, 1)))
    count, height, width, _ = maps.shape
    axes = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    where = np.broadcast_to(np.stack(axes, axis=-1), (count, height, width, 2))
    joined = np.concatenate([maps / maps.std(), where], axis=-1).astype(np.float32)
    return joined.reshape(count, height * width, -1)


def drawings(count: int, random: np.random.Generator) -> tuple[Array, Indices]:
    """Images (N, 1, H, W) and their captions as word indices, ended and filled up: (N, STEPS)."""
    images, captions = zip(*(drawing(random) for _ in range(count)), strict=True)
    words = np.full((count, STEPS), END, np.int32)
    for row, caption in zip(words, captions, strict=True):
        said = [WORDS.index(word) for word in caption.split()]
        row[: len(said)] = said
    return np.stack(images), words


def shifted(words: Indices) -> Indices:
    """What has been said before each word: END, which begins a sentence too, and the words."""
    return np.pad(words[:, :-1], [(0, 0), (1, 0)], constant_values=END)


def decoder(places: int, features: int) -> Any:
    """[words said (N, T), feature map (N, S, D)] to next words (N, T, V), shares (N, T, S)."""
    said = keras.Input((STEPS,), dtype="int32")
    seen = keras.Input((places, features))
    embedded = layers.Embedding(len(WORDS), 16)(said)
    lstm = AttLSTMCond(UNITS, attention_units=32, return_sequences=True, return_attention=True)
    states, attended, shares = lstm([embedded, seen])
    both = layers.Concatenate()([states, attended])
    return keras.Model([said, seen], [layers.Dense(len(WORDS))(both), shares])


def describe(model: Any, maps: Array) -> tuple[Indices, Array]:
    """The likeliest words one after the other, (N, STEPS), and where they looked, (N, STEPS, S)."""
    words = np.full((len(maps), STEPS), END, np.int32)
    for step in range(STEPS):
        scores, shares = model.predict_on_batch([shifted(words), maps])
        words[:, step] = np.asarray(scores)[:, step].argmax(axis=-1)
    ended = np.cumsum(words == END, axis=1) > 0
    return np.where(ended, END, words), np.asarray(shares)


def main(epochs: int) -> int:
    """Train, describe, print where the words looked."""
    keras.utils.set_random_seed(4)
    random = np.random.default_rng(4)
    images, words = drawings(2000 + UNSEEN, random)
    maps = feature_maps(images)
    model = decoder(*maps.shape[1:])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.02), [loss, None])
    given, unseen = slice(UNSEEN, None), slice(UNSEEN)
    fed = [shifted(words[given]), maps[given]]
    model.fit(fed, [words[given], None], batch_size=100, epochs=epochs, verbose=0)

    told, shares = describe(model, maps[unseen])
    for word, share in zip(told[0], shares[0], strict=True):
        if word != END:
            row, column = divmod(int(share.argmax()), 7)
            print(f"{WORDS[word]:8} looks at row {row}, column {column}: {share.max():.0%}")
    right = float((told == words[unseen]).all(axis=1).mean())
    print(f"{right:.1%} of {UNSEEN} unseen drawings are described right")
    return int(right < 1 / 5)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 15))

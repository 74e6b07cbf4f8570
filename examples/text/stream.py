"""Read streams of symbols in windows, with two LSTMs that remember from window to window.

Usage: python stream.py [STREAMS]

After each symbol the model says with which one the stream began. Only the first window shows it, so
in the others only the state of the layers can know. Exit code 0: nine in ten are told right in the
last window, and no more than chance would if the state is forgotten before it.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np
import numpy.typing as npt

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras

from caffe2keras.runtime import CaffeLSTM

Array = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int32]

SYMBOLS, WINDOW, WINDOWS, BATCH = 4, 6, 4, 64


def reader() -> Any:
    """One window of symbols, one-hot, to the probabilities of the first: for one batch size."""
    window = keras.Input(batch_shape=(BATCH, WINDOW, SYMBOLS))
    lower = CaffeLSTM(24, use_cont=False, stateful=True)(window)
    upper = CaffeLSTM(24, use_cont=False, stateful=True)(lower)
    return keras.Model(window, keras.layers.Dense(SYMBOLS, activation="softmax")(upper))


def forget(model: Any) -> None:
    """Begin new streams: all states to zero."""
    for layer in model.layers:
        if getattr(layer, "stateful", False):
            layer.reset_state()


def streams(random: np.random.Generator) -> tuple[list[Array], Indices]:
    """A batch of streams, window by window, and what each says at each step, (N, WINDOW)."""
    symbols = random.integers(SYMBOLS, size=(BATCH, WINDOWS * WINDOW))
    whole = np.eye(SYMBOLS, dtype=np.float32)[symbols]
    first = symbols[:, :1].repeat(WINDOW, axis=1).astype(np.int32)
    return np.split(whole, WINDOWS, axis=1), first


def read(model: Any, windows: list[Array], forgetting: bool) -> Array:
    """What the model says in the last window, (N, WINDOW, SYMBOLS)."""
    forget(model)
    for window in windows[:-1]:
        model.predict_on_batch(window)
    if forgetting:
        forget(model)
    return np.asarray(model.predict_on_batch(windows[-1]))


def main(count: int) -> int:
    """Train on streams, read others."""
    keras.utils.set_random_seed(2)
    random = np.random.default_rng(2)
    model = reader()
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    for _ in range(count):
        windows, first = streams(random)
        forget(model)
        for window in windows:
            model.train_on_batch(window, first)

    windows, first = streams(random)
    remembered, forgotten = (
        float(np.mean(read(model, windows, forgetting).argmax(axis=-1) == first))
        for forgetting in (False, True)
    )
    print(f"last window, states kept: {remembered:.1%} right; forgotten: {forgotten:.1%}")
    return int(remembered < 0.9 or forgotten > 0.5)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100))

"""Teach the digits net dark ink on light paper, going on from the snapshot of Caffe's solver.

Usage: python finetune.py [ITERATIONS]

The convolutions are frozen, as lr_mult says. Exit code 0: the loss of each iteration is Caffe's,
and more of the images it did not train on are read right than before.
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

import caffe2keras

HERE = Path(__file__).parent
DIGITS = HERE.parent / "digits"
Array = npt.NDArray[np.float32]

BATCH, SEEN = 60, 300  # of the 360 images; the others are to be read in the end
MOST_DIFFERENCE = 1e-4  # of a loss; single precision, and two orders of summation


def compiled() -> Any:
    """The net as a Keras model with Caffe's solver, its memory and its iteration."""
    net = HERE / "train_val.prototxt"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "digits.h5")
        caffe2keras.convert(net, DIGITS / "digits.caffemodel", file, phase="TRAIN")
        model = caffe2keras.load_model(file)
    caffe2keras.compile_from_solver(model, DIGITS / "solver.prototxt")
    caffe2keras.restore_solverstate(model, DIGITS / "digits_iter_3000.solverstate", net)
    return model


def trained(model: Any, images: Array, labels: Array, iterations: int) -> list[float]:
    """The loss of each iteration, before its update; batches are taken in turn."""
    losses = []
    for iteration in range(iterations):
        start = iteration * BATCH % SEEN
        batch = slice(start, start + BATCH)
        losses.append(float(model.train_on_batch(images[batch], labels[batch])))
    return losses


def accuracy(model: Any, images: Array, labels: Array) -> float:
    """How many of the images that are not trained on are read right; the outputs are scores."""
    scores = model.predict_on_batch(images[SEEN:])
    return float(np.mean(np.asarray(scores).argmax(axis=1) == labels[SEEN:]))


def main(iterations: int) -> int:
    """Read, train, compare with Caffe, read again."""
    caffes = [float(line) for line in (HERE / "losses.txt").read_text().split()][:iterations]
    test = np.load(DIGITS / "test.npz")
    images, labels = 1 - test["data"].transpose(0, 2, 3, 1), test["label"]
    model = compiled()
    learning = sorted(variable.path for variable in model.trainable_variables)
    print(f"iteration {int(model.optimizer.iterations)}, to be trained: {', '.join(learning)}")

    before = accuracy(model, images, labels)
    losses = trained(model, images, labels, iterations)
    after = accuracy(model, images, labels)
    apart = float(np.abs(np.subtract(losses, caffes)).max())
    print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}; largest difference from Caffe's {apart:.1e}")
    print(f"reads {before:.1%} of {len(images) - SEEN} unseen images right, then {after:.1%}")
    return int(apart > MOST_DIFFERENCE or after <= before)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 150))

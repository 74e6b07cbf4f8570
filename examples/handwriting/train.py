"""Teach the handwriting network to read strokes, which are drawn on the spot.

Usage: python train.py [--steps N] [--batch N] [--seed N]

Every image is a line of two to four strokes: a bar, a dash, a slash, a backslash or a cross, with
tremor, each of its own height and slant. The network is told which, and not where: CTC finds that
out. It trains on JAX, unless KERAS_BACKEND names torch or tensorflow, and prints the loss for 32
lines that it does not train on, before and after.

Exit code 0: the loss has fallen.
"""

from __future__ import annotations

import argparse
import os
import sys

import numpy as np

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras

from caffe2keras.runtime import handwriting_network

HEIGHT, WIDTH = 20, 64
CELL = 16  # columns for each stroke
LONGEST = WIDTH // CELL
# From one end to the other, as shares of a stroke's box: (x, y, x, y).
STROKES = {
    "|": [(0.5, 0.0, 0.5, 1.0)],
    "-": [(0.0, 0.5, 1.0, 0.5)],
    "/": [(0.0, 1.0, 1.0, 0.0)],
    "\\": [(0.0, 0.0, 1.0, 1.0)],
    "x": [(0.0, 1.0, 1.0, 0.0), (0.0, 0.0, 1.0, 1.0)],
}


def main() -> int:
    """Train, and print what was read before and after."""
    options = parse()
    keras.utils.set_random_seed(options.seed)
    rng = np.random.default_rng(options.seed)
    model = handwriting_network(
        len(STROKES),
        (HEIGHT, WIDTH, 1),
        units=(4, 10, 20),
        features=(8, 20),
        windows=((2, 2), (2, 2)),
        dropout=0.1,
        peepholes=True,
    )
    model.compile(keras.optimizers.Adam(1e-2, clipnorm=1.0), keras.losses.CTC())
    unseen = lines(32, rng)
    before = model.evaluate(*unseen, verbose=0)
    print(f"before: loss {before:.3f}")
    for step in range(1, options.steps + 1):
        loss = model.train_on_batch(*lines(options.batch, rng))
        if step % 10 == 0:
            print(f"step {step}: loss {float(loss):.3f}", flush=True)
    after = model.evaluate(*unseen, verbose=0)
    print(f"after: loss {after:.3f}")
    for truth, said in zip(unseen[1][:4], read(model, unseen[0][:4]), strict=True):
        print(f"  drawn {spelled(truth):<8} read {spelled(said)}")
    return int(after >= before)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=100, help="of training (default: 100)")
    parser.add_argument("--batch", type=int, default=16, help="images a step (default: 16)")
    parser.add_argument("--seed", type=int, default=0, help="of weights and strokes (default: 0)")
    return parser.parse_args()


def lines(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, H, W, 1) and labels (N, LONGEST), 0 behind the last."""
    images = np.zeros((count, HEIGHT, WIDTH, 1), np.float32)
    labels = np.zeros((count, LONGEST), np.int32)
    for image, label in zip(images, labels, strict=True):
        length = rng.integers(2, LONGEST + 1)
        label[:length] = rng.integers(1, len(STROKES) + 1, size=length)
        for place, kind in enumerate(label[:length]):
            draw(image[:, place * CELL : (place + 1) * CELL, 0], list(STROKES)[kind - 1], rng)
    return images, labels


def draw(box: np.ndarray, kind: str, rng: np.random.Generator) -> None:
    """One stroke into its box, of some height, at some place, with tremor."""
    size = rng.uniform(7, 11)
    left, top = rng.uniform(1, CELL - 2 - size), rng.uniform(1, HEIGHT - 2 - size)
    along = np.linspace(0, 1, 40)
    for x0, y0, x1, y1 in STROKES[kind]:
        ends = np.array([[x0, y0], [x1, y1]]) + rng.normal(scale=0.06, size=(2, 2))
        points = ends[0] + along[:, None] * (ends[1] - ends[0])
        columns, rows = (np.array([left, top]) + size * points).T
        rows = np.clip(rows.round().astype(int), 0, HEIGHT - 1)
        columns = np.clip(columns.round().astype(int), 0, CELL - 1)
        box[rows, columns] = 1.0


def read(model: keras.Model, images: np.ndarray) -> list[np.ndarray]:
    """The labels of the likeliest path: the best of each column, without repetitions and blanks."""
    best = np.asarray(model.predict(images, verbose=0)).argmax(axis=-1)
    found = []
    for path in best:
        changes = np.append(True, path[1:] != path[:-1])
        found.append(path[changes & (path != 0)])
    return found


def spelled(labels: np.ndarray) -> str:
    """The labels as the strokes they stand for."""
    return " ".join(list(STROKES)[label - 1] for label in labels if label)


if __name__ == "__main__":
    sys.exit(main())

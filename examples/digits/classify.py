"""Read the digits of test.npz with the converted net, beside what Caffe made of them.

Usage: python classify.py MODEL.h5

Exit code 0: the model reads the images as well as Caffe did.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import caffe2keras


def main(path: str) -> int:
    """Classify, compare, print."""
    test = np.load(Path(__file__).with_name("test.npz"))
    model = caffe2keras.load_model(path)
    images = test["data"].transpose(0, 2, 3, 1)  # (N, C, H, W) -> (N, H, W, C)
    prob = model.predict(images, verbose=0)

    ours, caffes = prob.argmax(axis=1), test["prob"].argmax(axis=1)
    accuracy, caffes_accuracy = (np.mean(read == test["label"]) for read in (ours, caffes))
    agreeing = np.count_nonzero(ours == caffes)
    print(f"Keras reads {accuracy:.1%} of {len(images)} images right, Caffe {caffes_accuracy:.1%}")
    print(f"they agree on {agreeing}; largest difference of a probability {apart(prob, test):.1e}")
    return int(agreeing < len(images))


def apart(prob: np.ndarray, test: np.lib.npyio.NpzFile) -> float:
    """The largest difference between Keras's and Caffe's probabilities."""
    return float(np.abs(prob - test["prob"]).max())


if __name__ == "__main__":
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    sys.exit(main(sys.argv[1]))

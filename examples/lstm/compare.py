"""Convert an unrolled LSTM both ways, as one layer and step by step, and compare the numbers.

Usage: python compare.py LSTM.prototxt

Exit code 0: both are the same net, and each computes it to 1e-4.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

import caffe2keras
from caffe2keras.backend import import_keras
from caffe2keras.convert import load_net
from caffe2keras.verify.oracle import run

Array = npt.NDArray[np.float64]


def main(path: str) -> int:
    """Convert, predict, compare, print."""
    x, exact = inputs_and_exact_outputs(path)
    literal, _ = computed(path, "keep", x, exact)
    rolled, model = computed(path, "roll", x, exact)
    again = np.abs(lstm(x.astype(np.float64), model) - exact).max()
    print(f"roll and keep differ by {np.abs(rolled - literal).max():.1e} in single precision")
    print(f"roll and Caffe's steps differ by {again:.1e} in double precision")
    off = max(np.abs(rolled - exact).max(), np.abs(literal - exact).max())
    return int(again > 1e-9 or off > 1e-4)


def inputs_and_exact_outputs(path: str) -> tuple[npt.NDArray[np.float32], Array]:
    """Random inputs and what Caffe's steps make of them in double precision, the batch first."""
    net = load_net(path, recurrent="keep")
    [fed], [asked] = net.inputs, net.outputs
    x = np.random.default_rng(0).standard_normal(fed.shape, dtype=np.float32)
    blobs = run(net, {fed.name: x}, np.float64, lambda blob: blob.key == asked.key)
    y = np.asarray(blobs[asked.key], np.float64)
    return x.swapaxes(0, 1), y.swapaxes(0, 1)


def computed(
    path: str, recurrent: Literal["roll", "keep"], x: npt.NDArray[np.float32], exact: Array
) -> tuple[npt.NDArray[np.float32], Any]:
    """What Keras computes with the net converted this way, and its model."""
    with tempfile.TemporaryDirectory() as folder:
        report = caffe2keras.convert(path, None, Path(folder, "lstm.h5"), recurrent=recurrent)
        megabytes = report.output.stat().st_size / 1e6
        model = caffe2keras.load_model(report.output)
    model.predict(x, verbose=0)  # compiles
    begun = time.perf_counter()
    y: npt.NDArray[np.float32] = np.asarray(model.predict(x, verbose=0))
    milliseconds = 1000 * (time.perf_counter() - begun)
    print(
        f"{recurrent}: {report.layers} Keras layers, {megabytes:.1f} MB, {milliseconds:.0f} ms on "
        f"{import_keras().backend.backend()}, {np.abs(y - exact).max():.1e} off the exact numbers"
    )
    return y, model


def lstm(x: Array, model: Any) -> Array:
    """Keras's LSTM in double precision, with the arrays of the model's only one."""
    arrays = {w.name: np.asarray(w).astype(np.float64) for w in model.weights}
    kernel, recurrent = arrays["kernel"], arrays["recurrent_kernel"]
    h = c = np.zeros((len(x), len(recurrent)))
    outputs = []
    for step in x.reshape(*x.shape[:2], -1).swapaxes(0, 1):
        i, f, g, o = np.split(step @ kernel + h @ recurrent + arrays["bias"], 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        outputs.append(h)
    return np.stack(outputs, axis=1)


def sigmoid(x: Array) -> Array:
    """The logistic function."""
    return np.asarray(1 / (1 + np.exp(-x)))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))

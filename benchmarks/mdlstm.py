"""Measure an MDLSTM by diagonals beside the naive loop over pixels, forward and backward.

Usage: KERAS_BACKEND=jax python benchmarks/mdlstm.py [--sizes HxW ...] [--runs N] [--json]

Both compute the same scan with the same weights, compiled where the backend compiles (JAX,
TensorFlow) and as it is on PyTorch; they are run in turn, and what they give is compared first. The
loop takes the pixels one after the other, row by row: H W steps. Backward is the gradient of the
sum of the outputs by the input and the weights, the forward run included.

Exit code 1: the two differ.
"""

from __future__ import annotations

import argparse
import importlib
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from caffe2keras.runtime import MDLSTM
from caffe2keras.table import render_markdown

Job = Callable[[], Any]


@dataclass(frozen=True)
class Result:
    """One line of the table; seconds are [least, median, most]."""

    height: int
    width: int
    what: str
    diagonals: list[float]
    loop: list[float]
    difference: float

    @property
    def ratio(self) -> float:
        """How many times as long the loop takes, by the medians."""
        return self.loop[1] / self.diagonals[1]


def main() -> int:
    """Measure each size, print the table."""
    options = parse()
    results = [
        result for size in options.sizes for result in benchmark(*sides(size), options=options)
    ]
    if options.json:
        print(json.dumps([{**asdict(one), "ratio": one.ratio} for one in results], indent=2))
    else:
        print(table(results))
    return int(any(one.difference > 1e-5 for one in results))


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--sizes",
        nargs="+",
        default=["8x12", "16x32", "24x64"],
        metavar="HxW",
        help="of the images",
    )
    parser.add_argument("--batch", type=int, default=4, help="images (default: 4)")
    parser.add_argument("--channels", type=int, default=4, help="of an image (default: 4)")
    parser.add_argument("--units", type=int, default=16, help="of the LSTM (default: 16)")
    parser.add_argument("--runs", type=int, default=5, help="of each (default: 5)")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
    return parser.parse_args()


def sides(size: str) -> tuple[int, int]:
    """The two numbers of "8x12"."""
    height, width = size.split("x")
    return int(height), int(width)


def benchmark(height: int, width: int, options: argparse.Namespace) -> list[Result]:
    """Forward and backward for one size."""
    shape = (options.batch, height, width, options.channels)
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    layer = MDLSTM(options.units, data_format="channels_last")
    layer.build(shape)
    weights = layer.get_weights()

    def by_diagonals(x: Any, weights: list[Any]) -> Any:
        pairs = list(zip(layer.trainable_variables, weights, strict=True))
        with keras.StatelessScope(state_mapping=pairs):
            return layer(x)

    results = []
    for what, prepare in (("forward", forward), ("backward", backward)):
        jobs = [prepare(scan, x, weights) for scan in (by_diagonals, pixel_by_pixel)]
        difference = apart(*(job() for job in jobs))
        diagonals, loop = in_turn(jobs, options.runs)
        results.append(Result(height, width, what, diagonals, loop, difference))
        print(line(results[-1]), file=sys.stderr, flush=True)
    return results


def pixel_by_pixel(x: Any, weights: list[Any]) -> Any:
    """The same scan as two loops, one over the rows and in it one over their pixels."""
    kernel, u_y, u_x, bias = weights
    units = u_y.shape[0]
    driven = ops.transpose(ops.matmul(x, kernel) + bias, (1, 2, 0, 3))  # (H, W, N, F)

    def pixel(left: list[Any], slices: list[Any]) -> tuple[list[Any], list[Any]]:
        h_x, c_x = left
        z, h_y, c_y = slices
        z = z + ops.matmul(h_y, u_y) + ops.matmul(h_x, u_x)
        i, f_y, f_x, g, o = (z[:, k * units : (k + 1) * units] for k in range(5))
        c = ops.sigmoid(i) * ops.tanh(g) + ops.sigmoid(f_y) * c_y + ops.sigmoid(f_x) * c_x
        here = [ops.sigmoid(o) * ops.tanh(c), c]
        return here, here

    def row(above: list[Any], slices: list[Any]) -> tuple[list[Any], list[Any]]:
        zeros = ops.zeros_like(above[0][0])
        _, here = ops.scan(pixel, [zeros, zeros], [slices[0], *above])
        return here, here

    zeros = ops.zeros_like(driven[0, :, :, :units])
    _, (h, _) = ops.scan(row, [zeros, zeros], [driven])
    return ops.transpose(h, (2, 0, 1, 3))


def forward(scan: Callable[..., Any], x: np.ndarray, weights: list[np.ndarray]) -> Job:
    """A job that computes the outputs and has them ready when it returns."""
    given = ops.convert_to_tensor(x), [ops.convert_to_tensor(one) for one in weights]
    run = compiled(scan)
    if keras.backend.backend() != "torch":
        return lambda: ops.convert_to_numpy(run(*given))
    torch: Any = importlib.import_module("torch")

    def without_gradients() -> np.ndarray:
        with torch.no_grad():
            return np.asarray(run(*given))

    return without_gradients


def backward(scan: Callable[..., Any], x: np.ndarray, weights: list[np.ndarray]) -> Job:
    """A job that computes the gradient by input and weights, and returns that by the input."""
    name = keras.backend.backend()
    if name == "jax":
        jax: Any = importlib.import_module("jax")
        gradient = jax.jit(jax.grad(lambda x, w: scan(x, w).sum(), argnums=(0, 1)))
        return lambda: np.asarray(jax.block_until_ready(gradient(x, weights))[0])
    if name == "torch":
        torch: Any = importlib.import_module("torch")

        def by_torch() -> np.ndarray:
            given = [torch.tensor(one, requires_grad=True) for one in (x, *weights)]
            scan(given[0], given[1:]).sum().backward()
            return np.asarray(given[0].grad)

        return by_torch
    tf: Any = importlib.import_module("tensorflow")

    def by_tensorflow(x: Any, weights: list[Any]) -> Any:
        with tf.GradientTape() as tape:
            tape.watch([x, *weights])
            total = tf.reduce_sum(scan(x, weights))
        return tape.gradient(total, [x, *weights])

    run = tf.function(by_tensorflow)
    given = tf.constant(x), [tf.constant(one) for one in weights]
    return lambda: np.asarray(run(*given)[0])


def compiled(function: Callable[..., Any]) -> Any:
    """The function as the backend compiles it, if it does."""
    name = keras.backend.backend()
    if name == "jax":
        return importlib.import_module("jax").jit(function)
    if name == "tensorflow":
        return importlib.import_module("tensorflow").function(function)
    return function


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """The largest difference, by the largest number."""
    return float(np.abs(one - other).max() / np.abs(other).max())


def in_turn(jobs: list[Job], runs: int) -> list[list[float]]:
    """The least, median and most seconds of each job."""
    seconds: list[list[float]] = [[] for _ in jobs]
    for _ in range(runs):
        for taken, job in zip(seconds, jobs, strict=True):
            started = time.perf_counter()
            job()
            taken.append(time.perf_counter() - started)
    return [[min(one), statistics.median(one), max(one)] for one in seconds]


def line(result: Result) -> str:
    """What is told while it goes on."""
    return f"{result.height} x {result.width} {result.what}: {result.ratio:.1f}"


def table(results: list[Result]) -> str:
    """The results as Markdown."""
    name = keras.backend.backend()
    return render_markdown(
        ("image", "steps", f"{name}", "diagonals ms", "loop ms", "loop / diagonals"),
        [
            (
                f"{one.height} x {one.width}",
                f"{one.height + one.width - 1} for {one.height * one.width}",
                one.what,
                spread(one.diagonals),
                spread(one.loop),
                f"{one.ratio:.1f}",
            )
            for one in results
        ],
    )


def spread(seconds: list[float]) -> str:
    """Median and, in brackets, the least and the most, in milliseconds."""
    least, median, most = (1000 * one for one in seconds)
    return f"{median:.1f} ({least:.1f}-{most:.1f})"


if __name__ == "__main__":
    sys.exit(main())

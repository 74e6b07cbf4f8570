"""Measure three runtime layers beside the obvious composition of stock ones, forward and backward.

Usage: KERAS_BACKEND=jax python benchmarks/layers.py [--runs N] [--json]

CompactBilinearPooling beside the outer product of both inputs, flattened and put into its bins by
one matrix; AttLSTMCond beside Keras's LSTM, one step at a time, with Keras's AdditiveAttention
between the steps; LRN beside a convolution of the squares with a band of ones. The first and the
last pair compute the same, which is checked; the attentions differ in their weights alone. They are
run in turn, compiled where the backend compiles. Backward is the gradient of the sum of the squared
outputs by the input and the weights, the forward run included.

Exit code 1: two that compute the same differ.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers, ops
from mdlstm import apart, backward, forward, in_turn, spread

from caffe2keras.runtime import LRN, AttLSTMCond, CompactBilinearPooling
from caffe2keras.table import render_markdown

Array = npt.NDArray[np.float32]
MOST_DIFFERENCE = 1e-4


@dataclass(frozen=True)
class Pair:
    """A layer of the runtime, what stands for it, and what both are given.

    Attributes:
        size: said in the table.
        ours: takes one tensor.
        stock: the same.
        x: the tensor.
        same: whether both compute the same.
    """

    name: str
    size: str
    ours: keras.Layer
    stock: keras.Layer
    x: Array
    same: bool = True


@dataclass(frozen=True)
class Result:
    """One line of the table; seconds are [least, median, most]."""

    name: str
    size: str
    what: str
    ours: list[float]
    stock: list[float]
    difference: float | None

    @property
    def ratio(self) -> float:
        """How many times as long the composition takes, by the medians."""
        return self.stock[1] / self.ours[1]


def main() -> int:
    """Measure each pair, print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=7, help="of each (default: 7)")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
    options = parser.parse_args()
    results = [
        result
        for pair in (pooling(), attention(), lrn())
        for result in measured(pair, options.runs)
    ]
    if options.json:
        print(json.dumps([{**asdict(one), "ratio": one.ratio} for one in results], indent=2))
    else:
        print(table(results))
    return int(any((one.difference or 0) > MOST_DIFFERENCE for one in results))


def measured(pair: Pair, runs: int) -> list[Result]:
    """Forward and backward of both, in turn."""
    scans = [with_weights(layer, pair.x) for layer in (pair.ours, pair.stock)]
    results = []
    for what, prepare in (("forward", forward), ("backward", backward_of_squares)):
        jobs = [prepare(scan, pair.x, weights) for scan, weights in scans]
        answers = [job() for job in jobs]
        difference = apart(*answers) if pair.same else None
        ours, stock = in_turn(jobs, runs)
        results.append(Result(pair.name, pair.size, what, ours, stock, difference))
        print(f"{pair.name} {what}: {results[-1].ratio:.2f}", file=sys.stderr, flush=True)
    return results


def backward_of_squares(
    scan: Callable[..., Any], x: Array, weights: list[Array]
) -> Callable[[], Any]:
    """A job for a gradient that depends on the outputs: compilers fold one that does not."""
    return backward(lambda x, w: ops.square(scan(x, w)), x, weights)


def with_weights(layer: keras.Layer, x: Array) -> tuple[Callable[..., Any], list[Array]]:
    """The layer as a function of its input and its trained weights, and those."""
    layer(ops.convert_to_tensor(x))
    variables = layer.trainable_variables

    def run(x: Any, weights: list[Any]) -> Any:
        pairs = list(zip(variables, weights, strict=True))
        with keras.StatelessScope(state_mapping=pairs):
            return layer(x)

    return run, [ops.convert_to_numpy(one) for one in variables]


def drawn(*shape: int) -> Array:
    """Numbers about 0."""
    return np.random.default_rng(0).normal(size=shape).astype("float32")


class Pooled(keras.Layer):
    """CompactBilinearPooling of the two halves of the channels."""

    def __init__(self, bins: int) -> None:
        super().__init__()
        self.pool = CompactBilinearPooling(bins, seed=1, data_format="channels_last")

    def call(self, x: Any) -> Any:
        """(N, H, W, 2 C) -> (N, bins)."""
        return self.pool(ops.split(x, 2, axis=-1))


class OuterProduct(keras.Layer):
    """The same by the outer product: C * C numbers, each with its sign put into its bin."""

    def __init__(self, pooled: Pooled, channels: int) -> None:
        super().__init__()
        h0, s0, h1, s1 = pooled.pool.get_weights()
        bins = pooled.pool.output_dim
        places = ((h0[:, None] + h1[None]) % bins).astype(int).ravel()
        self.matrix = np.zeros((channels * channels, bins), "float32")
        self.matrix[np.arange(channels * channels), places] = np.outer(s0, s1).ravel()

    def call(self, x: Any) -> Any:
        """(N, H, W, 2 C) -> (N, bins)."""
        count, height, width, both = x.shape
        first, second = ops.split(ops.reshape(x, (count, height * width, both)), 2, axis=-1)
        outer = ops.matmul(ops.transpose(first, (0, 2, 1)), second)
        return ops.matmul(ops.reshape(outer, (count, -1)), ops.convert_to_tensor(self.matrix))


def pooling() -> Pair:
    """Two feature maps of 128 channels."""
    x = drawn(8, 7, 7, 256)
    ours = Pooled(1024)
    ours(ops.convert_to_tensor(x))
    size = "8 x 7 x 7, 2 x 128 channels, 1024 bins"
    return Pair("CompactBilinearPooling", size, ours, OuterProduct(ours, 128), x)


STEPS, WIDTH, UNITS, PLACES, BATCH = 10, 32, 64, 49, 8


def words_of(context: Any) -> Any:
    """Some words for a context (N, S, D): (N, STEPS, WIDTH)."""
    return context[:, :STEPS, :WIDTH]


class Attending(keras.Layer):
    """AttLSTMCond over a context and words taken from it."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = AttLSTMCond(UNITS, return_sequences=True, unroll=True)

    def call(self, context: Any) -> Any:
        """(N, S, D) -> (N, STEPS, UNITS)."""
        return self.lstm([words_of(context), context])


class SteppedAttention(keras.Layer):
    """The same idea step by step of stock layers: attend, join with the word, one LSTM step."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = layers.AdditiveAttention()
        self.query = layers.Dense(UNITS, use_bias=False)
        self.keys = layers.Dense(UNITS)
        self.cell = layers.LSTMCell(UNITS)

    def call(self, context: Any) -> Any:
        """(N, S, D) -> (N, STEPS, UNITS)."""
        words = words_of(context)
        keys = self.keys(context)
        h = c = ops.zeros((context.shape[0], UNITS))
        outputs = []
        for step in range(STEPS):
            attended = self.attention([ops.expand_dims(self.query(h), 1), context, keys])
            joined = ops.concatenate([words[:, step], attended[:, 0]], axis=-1)
            h, (_, c) = self.cell(joined, [h, c])
            outputs.append(h)
        return ops.stack(outputs, axis=1)


def attention() -> Pair:
    """Ten words over the places of a feature map."""
    x = drawn(BATCH, PLACES, UNITS)
    size = f"{BATCH} x {STEPS} words, {PLACES} places of {UNITS}, {UNITS} units"
    return Pair("AttLSTMCond", size, Attending(), SteppedAttention(), x, same=False)


class BandLRN(keras.Layer):
    """LRN as a convolution of 1 x 1 whose kernel is a band of ones, and a power."""

    def __init__(self, channels: int, ours: LRN) -> None:
        super().__init__()
        self.ours = (ours.k, ours.alpha / ours.local_size, ours.beta)
        distance = np.abs(np.subtract.outer(np.arange(channels), np.arange(channels)))
        self.band = (distance <= ours.local_size // 2).astype("float32")[None, None]

    def call(self, x: Any) -> Any:
        """(N, H, W, C) -> (N, H, W, C)."""
        k, share, beta = self.ours
        energy = ops.conv(ops.square(x), ops.convert_to_tensor(self.band), padding="valid")
        return x / ops.power(k + share * energy, beta)


def lrn() -> Pair:
    """AlexNet's first one, on eight images."""
    ours = LRN(5, alpha=1e-2, beta=0.75, data_format="channels_last")
    return Pair("LRN", "8 x 55 x 55 x 96", ours, BandLRN(96, ours), drawn(8, 55, 55, 96))


def table(results: list[Result]) -> str:
    """The results as Markdown."""
    name = keras.backend.backend()
    return render_markdown(
        ("layer", "size", name, "runtime ms", "stock ms", "stock / runtime", "difference"),
        [
            (
                one.name,
                one.size,
                one.what,
                spread(one.ours),
                spread(one.stock),
                f"{one.ratio:.2f}",
                "" if one.difference is None else f"{one.difference:.0e}",
            )
            for one in results
        ],
    )


if __name__ == "__main__":
    sys.exit(main())

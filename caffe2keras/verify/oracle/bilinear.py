"""Bilinear pooling, compact and whole (gy20073's compact_bilinear_pooling)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import count, islice

import numpy as np

from caffe2keras.graph.net import Layer
from caffe2keras.verify.oracle.registry import Array, Arrays, Tops, computes

__all__ = ["bilinear", "c_random", "compact_bilinear"]


def c_random() -> Iterator[int]:
    """What glibc's rand() answers after srand(1): an additive feedback over 31 numbers."""
    seeds = [1]
    for _ in range(30):
        seeds.append(16807 * seeds[-1] % 2147483647)
    numbers = deque([*seeds, *seeds[:3]], maxlen=31)
    for rounds in count():
        numbers.append((numbers[0] + numbers[-3]) % 2**32)
        if rounds >= 310:  # ten for each of the 31 numbers are thrown away
            yield numbers[-1] >> 1


@computes("CompactBilinear")
def compact_bilinear(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """The circular convolution of two count sketches at each place, summed where sum_pool says.

    Shapes: x (N, C, H, W) and (N, C', H, W), y (N, d, 1, 1) or (N, d, H, W). Which bin a channel
    goes to, and with which sign, is C's rand() from seed 1: bins then signs of the first bottom,
    bins then signs of the second. The inverse transform is not divided by d
    (compact_bilinear_layer.cpp).
    """
    p = layer.params.compact_bilinear_param
    numbers = c_random()
    width = p.num_output
    sketches = [np.fft.rfft(_sketch(x, width, numbers), axis=-1) for x in bottoms]
    y = np.fft.irfft(sketches[0] * sketches[1], n=width, axis=-1) * width
    if p.sum_pool:
        y = y.sum(axis=(1, 2), keepdims=True)
    return (np.moveaxis(y, -1, 1),)


def _sketch(x: Array, width: int, numbers: Iterator[int]) -> Array:
    """(N, C, H, W) -> (N, H, W, width): every channel added to or taken from one bin."""
    channels = x.shape[1]
    bins = [number % width for number in islice(numbers, channels)]
    signs = [2 * (number % 2) - 1 for number in islice(numbers, channels)]
    matrix = np.zeros((channels, width), x.dtype)
    matrix[np.arange(channels), bins] = signs
    return np.moveaxis(x, 1, -1) @ matrix


@computes("Bilinear")
def bilinear(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """The outer products of the channels, summed over all places: y (N, C·C', 1, 1)."""
    first, second = (x.reshape(*x.shape[:2], -1) for x in bottoms)
    return ((first @ second.transpose(0, 2, 1)).reshape(len(first), -1, 1, 1),)

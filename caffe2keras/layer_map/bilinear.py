"""Bilinear pooling, whole and compact, and what stands behind it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice

import numpy as np
import numpy.typing as npt

from caffe2keras.layer_map.registry import Placed, maps
from caffe2keras.layer_map.wiring import with_four_axes
from caffe2keras.spec import Fragment, KerasLayer, Variable, line

__all__ = ["bilinear", "compact_bilinear", "l2_normalize", "signed_sqrt"]

_CAFFE_SEED = 1  # compact_bilinear_layer.cpp: srand(1)


@maps("CompactBilinear", wants="image")
def compact_bilinear(layer: Placed) -> Fragment:
    """The circular convolution of two count sketches at each place, summed over them if asked.

    Caffe    num_output bins; sum_pool; bins and signs drawn by C's rand() from srand(1)
    Keras    caffe2keras>CompactBilinearPooling, bins and signs among its weights
    Differs  Caffe's CPU takes an even num_output only, its GPU any, and so do we
    Source   compact_bilinear_layer.cpp in gy20073's compact_bilinear_pooling
    """
    p = layer.params.compact_bilinear_param
    bins = p.num_output
    config = {
        "output_dim": bins,
        "sum_pool": p.sum_pool,
        "keepdims": True,
        "scale": float(bins),  # the inverse transform is not divided by its length
        "caffe_seed": _CAFFE_SEED,
        "data_format": layer.data_format,
    }
    numbers = _c_random()
    variables: list[Variable] = []
    for k, x in enumerate(layer.inputs):
        drawn = _drawn(numbers, x.shape[1]) % bins, 2 * (_drawn(numbers, x.shape[1]) % 2) - 1
        for name, values in zip((f"h{k}", f"s{k}"), drawn, strict=True):
            array = values.astype(np.float32)
            variables.append(Variable(name, array.shape, array, trainable=False))
    keras = KerasLayer("caffe2keras>CompactBilinearPooling", config, tuple(variables))
    return line(keras, inputs=2)


def _drawn(numbers: Iterator[int], count: int) -> npt.NDArray[np.int64]:
    return np.fromiter(islice(numbers, count), np.int64, count)


def _c_random() -> Iterator[int]:
    """What rand() answers after srand(1): r[i] = r[i - 3] + r[i - 31] in 32 bits.

    The first 31 are a linear congruence; ten for each of them are thrown away, and of the others
    the lowest bit (glibc's stdlib/random_r.c).
    """
    first = [_CAFFE_SEED]
    while len(first) < 31:
        first.append(16807 * first[-1] % 2147483647)
    state = deque((*first, *first[:3]), maxlen=31)
    count = 0
    while True:
        state.append((state[0] + state[-3]) % 2**32)
        count += 1
        if count > 310:
            yield state[-1] >> 1


@maps("Bilinear", wants="image")
def bilinear(layer: Placed) -> Fragment:
    """The outer products of two bottoms' channels, summed over all places.

    Caffe    the second bottom's channels fastest
    Keras    caffe2keras>BilinearPooling
    Source   bilinear_layer.cpp in gy20073's compact_bilinear_pooling
    """
    config = {"keepdims": True, "data_format": layer.data_format}
    return line(KerasLayer("caffe2keras>BilinearPooling", config), inputs=2)


@maps("SignedSqrt", any_batch_axis=True)
def signed_sqrt(layer: Placed) -> Fragment:
    """The root of the absolute value, with the sign.

    Caffe    sign(x) * sqrt(|x|)
    Keras    caffe2keras>SignedSqrt
    Source   signed_sqrt_layer.cpp in gy20073's compact_bilinear_pooling
    """
    return line(KerasLayer("caffe2keras>SignedSqrt", {}))


@maps("L2Normalize")
def l2_normalize(layer: Placed) -> Fragment:
    """Each sample over its norm.

    Caffe    x / sqrt(sum of squares + 1e-7); the top always has four axes
    Keras    caffe2keras>Normalize; Reshape behind it where the bottom has fewer axes
    Source   l2_normalize_layer.cpp in gy20073's compact_bilinear_pooling
    """
    x = layer.inputs[0]
    config = {"axes": list(range(1, x.rank)), "epsilon": 1e-7}
    return with_four_axes(layer, KerasLayer("caffe2keras>Normalize", config))

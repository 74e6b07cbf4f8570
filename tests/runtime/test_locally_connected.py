"""A kernel of its own at every place, against a loop over places."""

from __future__ import annotations

import numpy as np
import pytest

from caffe2keras.runtime import LocallyConnected2D


def connect(x, kernel, bias, size, strides, padding):
    """(N, H, W, C) and kernels (places, C·kh·kw, O) -> (N, H', W', O), place by place."""
    padded = np.pad(x, [(0, 0), *((p, p) for p in padding), (0, 0)])
    out = [(n - k) // s + 1 for n, k, s in zip(padded.shape[1:3], size, strides, strict=True)]
    y = np.empty((len(x), *out, kernel.shape[2]))
    for place, (i, j) in enumerate(np.ndindex(*out)):
        h, w = i * strides[0], j * strides[1]
        window = padded[:, h : h + size[0], w : w + size[1]].transpose(0, 3, 1, 2)
        y[:, i, j] = window.reshape(len(x), -1) @ kernel[place] + bias[place]
    return y


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("strides", [(1, 1), (2, 3)])
def test_every_place_has_its_kernel(contract, rng, data_format, strides):
    x = rng.normal(size=(2, 5, 6, 3)).astype("float32")
    given = x if data_format == "channels_last" else np.moveaxis(x, -1, 1)
    layer = LocallyConnected2D(4, (2, 3), strides, (1, 0), data_format=data_format)
    layer.build(given.shape)
    weights = [rng.normal(size=weight.shape).astype("float32") for weight in layer.weights]
    layer.set_weights(weights)
    y = contract(layer, given)
    y = y if data_format == "channels_last" else np.moveaxis(y, 1, -1)
    expected = connect(x, *weights, (2, 3), strides, (1, 0))
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="`kernel_size` two integers"):
        LocallyConnected2D(4, (2, 2, 2))
    with pytest.raises(ValueError, match="must be known"):
        LocallyConnected2D(4, (2, 2), data_format="channels_last").build((2, None, 5, 3))

"""Distances to learned centres, against their definition."""

from __future__ import annotations

import numpy as np
import pytest

from caffe2keras.runtime import InnerDistance


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("order", [1, 2])
def test_each_vector_is_so_far_from_each_centre(contract, rng, order, normalize):
    x, kernel = (rng.normal(size=shape).astype("float32") for shape in ((3, 5), (5, 4)))
    layer = InnerDistance(4, order, normalize)
    layer.build(x.shape)
    layer.set_weights([kernel])
    centres = kernel / np.linalg.norm(kernel, axis=0) if normalize else kernel
    expected = (np.abs(x[:, :, None] - centres) ** order).sum(axis=1)
    np.testing.assert_allclose(contract(layer, x), expected, rtol=1e-5)


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="`order` 1 or 2"):
        InnerDistance(4, 3)
    with pytest.raises(ValueError, match=r"Expected \(N, K\)"):
        InnerDistance(4).build((2, 3, 4))

"""A live model straight from Caffe's files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import caffe2keras


@pytest.mark.backend
def test_the_live_model_predicts_what_caffe_predicts(digits: Path) -> None:
    model = caffe2keras.to_keras(digits / "deploy.prototxt", digits / "digits.caffemodel")
    with np.load(digits / "test.npz") as test:
        images, prob = test["data"], test["prob"]
    predicted = model.predict(images.transpose(0, 2, 3, 1), verbose=0)
    np.testing.assert_allclose(predicted, prob, atol=1e-5)

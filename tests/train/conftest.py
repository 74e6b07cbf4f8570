"""The recorded training runs, and a backend that trains."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

TRAINING = Path(__file__).parents[1] / "fixtures" / "training"


@pytest.fixture(scope="session")
def training() -> Path:
    """The folder of the recorded runs."""
    return TRAINING


@pytest.fixture
def needs_gradients() -> None:
    if keras.backend.backend() == "openvino":
        pytest.skip("Keras's openvino backend is inference only")


@pytest.fixture(scope="session")
def batches() -> Callable[[int], tuple[np.ndarray, np.ndarray]]:
    """``batches(k)``: images and class numbers of iteration k, channels last."""
    with np.load(TRAINING / "batches.npz") as arrays:
        images, labels = arrays["data"], arrays["label"]
    return lambda k: (np.transpose(images[k], (0, 2, 3, 1)), labels[k])


@pytest.fixture
def check_weights() -> Callable[..., None]:
    """Holds a digits model's weights to those that Caffe had at one moment."""

    def check(model: keras.Model, arrays: dict[str, np.ndarray], moment: str, rtol: float) -> None:
        for layer in ("conv1", "conv2", "ip1", "ip2"):
            kernel, bias = model.get_layer(layer).get_weights()
            expected = arrays[f"{moment}/{layer}/0"]
            if layer == "ip1":  # 24 channels of 2 by 2 pixels, which Keras has last
                expected = expected.reshape(48, 24, 2, 2).transpose(0, 2, 3, 1).reshape(48, -1)
            turned = (2, 3, 1, 0) if expected.ndim == 4 else (1, 0)
            assert_near(kernel, expected.transpose(turned), rtol)
            assert_near(bias, arrays[f"{moment}/{layer}/1"], rtol)

    return check


def assert_near(actual: np.ndarray, expected: np.ndarray, rtol: float) -> None:
    np.testing.assert_allclose(actual, expected, rtol=0, atol=rtol * np.abs(expected).max())

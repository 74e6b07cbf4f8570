"""What ``speed.py`` runs in processes of their own, each in the interpreter that has its library.

Usage: python speed_children.py load PROTOTXT WEIGHTS
       python speed_children.py keras MODEL BLOBS
       python speed_children.py oracle|opencv PROTOTXT WEIGHTS SHAPE THREADS

The last prints the seconds of one forward pass, after one that is not timed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any


def load(prototxt: str, weights: str) -> None:
    """OpenCV reads a net."""
    import cv2

    cv2.dnn.readNetFromCaffe(prototxt, weights)


def keras(model: str, blobs: str) -> None:
    """Keras loads a converted model and predicts once, from Caffe's recorded input."""
    import keras
    import numpy as np

    import caffe2keras.runtime  # noqa: F401  registers our layers

    loaded = keras.saving.load_model(model, compile=False)
    with np.load(blobs) as file:
        [picture] = [file[name] for name in file.files if name.startswith("input/")]
    loaded.predict(np.ascontiguousarray(picture.transpose(0, 2, 3, 1)), verbose=0)


def oracle(prototxt: str, weights: str, shape: str, threads: str) -> float:
    """Our own forward pass; BLAS takes its threads from the environment."""
    from caffe2keras.convert import load_net
    from caffe2keras.verify.oracle.forward import run

    net = load_net(prototxt, weights)
    [top] = net.layers[0].tops
    fed = {top.name: _picture(shape)}
    last = net.layers[-1].tops[-1]
    return _timed(lambda: run(net, fed, keep=lambda blob: blob.key == last.key))


def opencv(prototxt: str, weights: str, shape: str, threads: str) -> float:
    """OpenCV's forward pass, on as many threads."""
    import cv2

    cv2.setNumThreads(int(threads))
    net = cv2.dnn.readNetFromCaffe(prototxt, weights)
    net.setInput(_picture(shape))
    return _timed(net.forward)


def _picture(shape: str) -> Any:
    import numpy as np

    rng = np.random.default_rng(0)
    return rng.uniform(-120, 120, [int(size) for size in shape.split(",")]).astype(np.float32)


def _timed(step: Callable[[], object]) -> float:
    step()
    began = time.perf_counter()
    step()
    return time.perf_counter() - began


if __name__ == "__main__":
    parts: dict[str, Callable[..., float | None]] = {
        "load": load,
        "keras": keras,
        "oracle": oracle,
        "opencv": opencv,
    }
    seconds = parts[sys.argv[1]](*sys.argv[2:])
    if seconds is not None:
        print(seconds)

"""Which Keras backend computes: chosen before Keras is imported, never against the user."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from caffe2keras.errors import BackendError

__all__ = [
    "BACKENDS",
    "choose_backend",
    "following_long_chains",
    "import_keras",
    "keep_float32",
]

# In order of preference, each with the modules that it needs.
BACKENDS = {
    "openvino": ("openvino", "scipy"),
    "jax": ("jax",),
    "torch": ("torch",),
    "tensorflow": ("tensorflow",),
}

_HINT = 'pip install "caffe2keras[openvino]" (or jax, torch, tensorflow)'


def choose_backend() -> str:
    """Name a backend that is installed, if nobody has chosen one.

    Chosen means: Keras is imported already, ``KERAS_BACKEND`` is set, or the user's
    ``keras.json`` names a backend that is installed. (Keras writes that file itself and then
    names TensorFlow, installed or not.)

    Returns:
        The name of the backend chosen here; "" where the choice was made already.

    Raises:
        BackendError: no backend is installed.
    """
    if "keras" in sys.modules or os.environ.get("KERAS_BACKEND"):
        return ""
    installed = [name for name in BACKENDS if _is_installed(name)]
    if not installed:
        raise BackendError(
            what="no Keras backend is installed",
            why="Keras computes through one of " + ", ".join(BACKENDS),
            hint=_HINT,
        )
    configured = _configured()
    chosen = configured if configured in installed else installed[0]
    os.environ["KERAS_BACKEND"] = chosen
    return chosen


def import_keras() -> Any:
    """Keras, with our layers registered.

    Raises:
        BackendError: no backend is installed, or the chosen one cannot be imported.
    """
    choose_backend()
    chosen = os.environ.get("KERAS_BACKEND", "")
    try:
        keras = importlib.import_module("keras")
    except (ImportError, ValueError) as error:  # Keras answers an unknown name with ValueError
        raise BackendError(
            what=f'Keras cannot be imported with backend "{chosen}"',
            why=str(error).splitlines()[0],
            hint=f"{_HINT}, or set KERAS_BACKEND to another one",
        ) from error
    importlib.import_module("caffe2keras.runtime")
    return keras


# Calls deep; a net of ten thousand layers in a row needs as many, and a few.
_DEEPEST = 100_000


@contextmanager
def following_long_chains() -> Iterator[None]:
    """Let Keras make a model of a net of any depth: it goes down one call for each layer.

    Python's frames are on the heap, so this takes none of the stack (``function.py`` of Keras is
    all Python). The limit is the whole process's: of two threads that load at once, the first to
    end may take it from the other.
    """
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _DEEPEST))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def keep_float32(model: Any) -> Any:
    """The same model, which on OpenVINO computes its predictions in float32.

    OpenVINO's CPU plugin takes bfloat16 by default where the processor has it: faster, and 4e-3
    off. Other backends stay with float32 anyway.
    """
    if import_keras().backend.backend() == "openvino" and model.predict_function is None:
        model.make_predict_function()
        predict: Any = model.predict_function

        @functools.wraps(predict)
        def predict_in_float32(data: Any) -> Any:
            with _float32_compilation():
                return predict(data)

        model.predict_function = predict_in_float32
    return model


@contextmanager
def _float32_compilation() -> Iterator[None]:
    # Keras compiles a net for OpenVINO when it first predicts, and hands no options on.
    openvino: Any = sys.modules["openvino"]
    compile_model = openvino.compile_model
    config = {"INFERENCE_PRECISION_HINT": "f32"}
    openvino.compile_model = functools.partial(compile_model, config=config)
    try:
        yield
    finally:
        openvino.compile_model = compile_model


def _is_installed(backend: str) -> bool:
    return all(importlib.util.find_spec(module) is not None for module in BACKENDS[backend])


def _configured() -> str:
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    try:
        return str(json.loads((home / "keras.json").read_text()).get("backend", ""))
    except (OSError, ValueError, AttributeError):
        return ""  # no such file, or one that Keras will ignore too

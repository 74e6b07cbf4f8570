"""Convert Caffe nets to Keras models that compute the same numbers, and prove it.

The public words: :func:`convert` writes a Keras file, :func:`verify` proves it, :func:`load_model`
gives the live model of it and :func:`to_keras` that of a Caffe net; :func:`batch` converts and
verifies many; :func:`record_blobs` has Caffe compute what to verify with;
:func:`load_plugin` adds layer types of one's own; whatever goes wrong is a
:class:`Caffe2KerasError`. Each is imported when it is first used, so that ``import caffe2keras``
costs nothing, and Keras is imported by those only that compute.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from caffe2keras.errors import (
    BackendError,
    Caffe2KerasError,
    EmitError,
    GraphError,
    InputError,
    UnsupportedError,
    VerificationError,
)

if TYPE_CHECKING:
    from caffe2keras.batch import batch
    from caffe2keras.convert import convert, to_keras
    from caffe2keras.load import load_model
    from caffe2keras.plugins.loading import load_plugin
    from caffe2keras.recording import record_blobs
    from caffe2keras.train import compile_from_solver, restore_solverstate
    from caffe2keras.verify import verify

__version__ = "0.1.0"

__all__ = [
    "BackendError",
    "Caffe2KerasError",
    "EmitError",
    "GraphError",
    "InputError",
    "UnsupportedError",
    "VerificationError",
    "__version__",
    "batch",
    "compile_from_solver",
    "convert",
    "load_model",
    "load_plugin",
    "record_blobs",
    "restore_solverstate",
    "to_keras",
    "verify",
]

# Public word -> the module that has it.
_HOMES = {
    "batch": "caffe2keras.batch",
    "compile_from_solver": "caffe2keras.train",
    "convert": "caffe2keras.convert",
    "load_model": "caffe2keras.load",
    "load_plugin": "caffe2keras.plugins.loading",
    "record_blobs": "caffe2keras.recording",
    "restore_solverstate": "caffe2keras.train",
    "to_keras": "caffe2keras.convert",
    "verify": "caffe2keras.verify",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)

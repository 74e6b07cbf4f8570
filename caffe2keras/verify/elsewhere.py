"""The Keras side of a verification in another interpreter, whose Keras cannot live beside ours."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from caffe2keras.errors import BackendError, InputError, UnsupportedError
from caffe2keras.record import BlobRecord, Record
from caffe2keras.verify.pictures import picture_of

__all__ = ["RUNTIMES", "Elsewhere", "predict_elsewhere"]

Array = npt.NDArray[Any]

# What verify calls it -> the backend that Keras 2 is to take, and what pip is to install.
RUNTIMES = {"theano": ("theano", "theano"), "tf-keras": ("tensorflow", "tf-keras")}


@dataclass(frozen=True)
class Elsewhere:
    """An environment with another Keras.

    Attributes:
        runtime: ``"theano"`` or ``"tf-keras"``.
        python: its interpreter; ``caffe2keras-runtime`` is installed there.
    """

    runtime: str
    python: str | PathLike[str]


def predict_elsewhere(
    path: str | PathLike[str],
    record: Record,
    inputs: Mapping[str, Array],
    wanted: Sequence[BlobRecord],
    elsewhere: Elsewhere,
) -> tuple[tuple[Array, ...], str]:
    """Compute blobs of a converted file in a child process.

    Args:
        path: the converted file, HDF5.
        record: its record.
        inputs: input blob -> numbers in Caffe's axis order.
        wanted: the blobs.
        elsewhere: where.

    Returns:
        One array for each wanted blob, in Caffe's axis order, and which Keras computed them.

    Raises:
        InputError: the file is not HDF5.
        BackendError: the interpreter cannot be started, or did not compute the model.
        UnsupportedError: a layer of the model needs Keras 3.
    """
    if not h5py.is_hdf5(path):
        raise InputError(what=f"{path} is not HDF5", why="Keras 2 reads no other files")
    with tempfile.TemporaryDirectory() as folder:
        question, answer = Path(folder, "question.npz"), Path(folder, "answer.npz")
        np.savez(question, **_question(path, record, inputs, wanted))
        _ask(elsewhere, [str(Path(path).resolve()), str(question), str(answer)], folder)
        with np.load(answer) as found:
            arrays = tuple(_in_caffes_order(b, found[f"blob_{i}"]) for i, b in enumerate(wanted))
            return arrays, str(found["keras"])


def _question(
    path: str | PathLike[str],
    record: Record,
    inputs: Mapping[str, Array],
    wanted: Sequence[BlobRecord],
) -> dict[str, Any]:
    """As ``caffe2keras.runtime.evaluate`` wants it."""
    asked = {
        "inputs": [entry.layer for entry in record.inputs],
        "wanted": [[blob.layer, blob.node, blob.tensor] for blob in wanted],
    }
    with h5py.File(path) as file:
        fed = [
            picture_of(inputs[entry.blob], entry, record, lambda layer: _weights(file, layer))
            for entry in record.inputs
        ]
    arrays = {
        f"input_{i}": np.ascontiguousarray(entry.layout.to_keras(array), dtype=np.float32)
        for i, (entry, array) in enumerate(zip(record.inputs, fed, strict=True))
    }
    return {"question": np.array(json.dumps(asked)), **arrays}


def _weights(file: h5py.File, layer: str) -> list[Array]:
    group = file["model_weights"][layer]
    return [np.asarray(group[name]) for name in group.attrs["weight_names"]]


def _ask(elsewhere: Elsewhere, arguments: Sequence[str], folder: str) -> None:
    backend, extra = RUNTIMES[elsewhere.runtime]
    strangers = ("PYTHONPATH", "PYTHONHOME", "KERAS_HOME")
    own = {key: value for key, value in os.environ.items() if key not in strangers}
    command = [os.fspath(elsewhere.python), "-m", "caffe2keras.runtime.evaluate", *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=folder,  # Python would take a caffe2keras that lies in ours
            env={**own, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise BackendError(
            what=f"{elsewhere.python} cannot be started",
            why=error.strerror or str(error),
            hint="--python PATH takes the interpreter of an environment, as in venv/bin/python",
        ) from error
    if done.returncode == 0:
        return
    if done.returncode == UnsupportedError.exit_code:
        needed, _, instead = _last_words(done.stderr).partition(". ")
        raise UnsupportedError(
            what=f"the model does not run in the Keras of {elsewhere.python}",
            why=needed,
            hint=instead,
        )
    raise BackendError(
        what=f"{elsewhere.python} did not compute the model",
        why=_last_words(done.stderr) or f"it ended with exit code {done.returncode}",
        hint=f'in that environment: pip install "caffe2keras-runtime[{extra}]"'
        if "No module named" in done.stderr
        else "",
    )


def _last_words(text: str) -> str:
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    return " / ".join(lines[-1:]) if lines else ""


def _in_caffes_order(blob: BlobRecord, array: Array) -> Array:
    # A loss is a number in Caffe, and a row of one in Keras.
    return blob.layout.to_caffe(array) if blob.layout.rank else np.reshape(array, ())

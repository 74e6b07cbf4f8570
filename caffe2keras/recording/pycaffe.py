"""Genuine Caffe, in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from caffe2keras.errors import InputError

__all__ = ["CaffeNet", "NoPycaffeError", "opened"]

Array = npt.NDArray[Any]

_CHILD = Path(__file__).with_name("pycaffe_child.py")
_NO_PYCAFFE = 42  # as the child says it


class NoPycaffeError(Exception):
    """The interpreter does not have pycaffe; the message is its own."""


@dataclass(frozen=True)
class CaffeNet:
    """A net that pycaffe has read.

    Attributes:
        version: of Caffe.
        inputs: blob -> shape, in order.
    """

    version: str
    inputs: Mapping[str, tuple[int, ...]]
    _folder: Path
    _task: Mapping[str, Any]
    _python: str

    def forward(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """All blobs but the inputs, after a forward pass.

        Raises:
            InputError: Caffe cannot compute it.
        """
        for index, array in enumerate(inputs.values()):
            np.save(self._folder / f"input-{index}.npy", np.asarray(array, np.float32))
        answer = _ask(self._python, self._folder, {**self._task, "inputs": list(inputs)})
        return {
            name: np.load(self._folder / f"output-{index}.npy", allow_pickle=False)
            for index, name in enumerate(answer["outputs"])
        }


@contextmanager
def opened(
    prototxt: Path,
    weights: Path | None,
    *,
    python: str | os.PathLike[str] | None,
    phase: str,
    level: int,
    stages: Sequence[str],
) -> Iterator[CaffeNet]:
    """A net in Caffe.

    Args:
        prototxt: the net.
        weights: its numbers; without them Caffe draws some.
        python: the interpreter that has pycaffe; None for this one.
        phase: likewise, as for ``convert``.
        level: likewise.
        stages: likewise.

    Raises:
        NoPycaffeError: pycaffe is not installed there.
        InputError: the interpreter cannot be run, or Caffe refuses the net.
    """
    interpreter = os.fspath(python) if python is not None else sys.executable
    task = {
        "prototxt": str(prototxt.resolve()),
        "weights": None if weights is None else str(weights.resolve()),
        "phase": phase,
        "level": level,
        "stages": list(stages),
        "inputs": None,
    }
    with tempfile.TemporaryDirectory(prefix="caffe2keras-") as name:
        folder = Path(name)
        # A copy, since Python puts a script's folder before all others that it imports from.
        shutil.copy(_CHILD, folder)
        answer = _ask(interpreter, folder, task)
        inputs = {blob: tuple(shape) for blob, shape in answer["inputs"]}
        yield CaffeNet(str(answer["version"]), inputs, folder, task, interpreter)


def _ask(python: str, folder: Path, task: Mapping[str, Any]) -> dict[str, Any]:
    (folder / "task.json").write_text(json.dumps(task), encoding="utf-8")
    command = [python, str(folder / _CHILD.name), str(folder)]
    quiet = {**os.environ, "GLOG_minloglevel": "2"}
    try:
        # In the current folder, which paths in a prototxt begin at.
        done = subprocess.run(command, env=quiet, capture_output=True, check=False)
    except OSError as error:
        raise InputError(
            what=f"{python} cannot be run: {error.strerror or error}",
            hint="--python says which interpreter has pycaffe",
        ) from error
    talk = done.stderr.decode(errors="replace")
    if done.returncode == _NO_PYCAFFE:
        raise NoPycaffeError(_last_line(talk))
    if done.returncode:
        raise InputError(
            what="Caffe cannot compute this net", where=str(task["prototxt"]), why=_reason(talk)
        )
    answer: dict[str, Any] = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
    return answer


def _reason(talk: str) -> str:
    """What Caffe said before it gave up: the check that failed, or else its last line."""
    # "F1122 04:10:20.123456  123 net.cpp:141] Check failed: ..."
    fatal = [line.split("] ", 1)[-1] for line in talk.splitlines() if line[:2].startswith("F1")]
    checks = [line for line in talk.splitlines() if "Check failed" in line]
    return (fatal or [line.split("] ", 1)[-1] for line in checks] or [_last_line(talk)])[0]


def _last_line(talk: str) -> str:
    lines = [line.strip() for line in talk.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"

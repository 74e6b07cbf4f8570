"""The Python file and its weights, both or neither."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from caffe2keras.emit.atomic import replacing
from caffe2keras.emit.hdf5 import write_hdf5
from caffe2keras.emit.source.program import source_of
from caffe2keras.emit.stream import Progress, silent
from caffe2keras.errors import EmitError
from caffe2keras.spec import KerasModel

__all__ = ["weights_beside", "write_source"]


def weights_beside(target: Path) -> Path:
    """Where the weights of a Python file are, which it looks for there itself."""
    return target.with_suffix(".h5")


def write_source(
    model: KerasModel,
    record: Callable[[], Mapping[str, Any]],
    target: Path,
    progress: Progress = silent,
) -> None:
    """Write the model as Python source, and beside it the file that ``write_hdf5`` makes.

    Keras loads the weights from that by position, so the source may be edited as long as the
    layers with weights stay; and it is a whole model too, which ``verify`` takes. The source
    takes its place last: where it is, its weights are.

    Args:
        model: the Keras graph as data.
        record: makes what ``record_of`` answers.
        target: the Python file; existing files are replaced.
        progress: called while the numbers are written.

    Raises:
        UnsupportedError: a layer is of a plugin, or its config is no Python.
        EmitError: the disk said no.
    """
    from caffe2keras import __version__

    text = source_of(model, __version__)
    weights = weights_beside(target)
    if target == weights:
        raise EmitError(
            what=f"{target} is where the weights go", hint=f"write {target.with_suffix('.py')}"
        )
    if folder := next((path for path in (target, weights) if path.is_dir()), None):
        raise EmitError(
            what=f"{folder} cannot be written: it is a folder",
            hint="choose another place with --out",
        )
    with replacing(target) as scratch:
        scratch.write_text(text, encoding="utf-8")
        write_hdf5(model, record, weights, progress)

"""KerasModel → ``.keras``, through Keras itself.

The archive holds the record too, as ``caffe2keras.json``, and is packed again without the dates
that Keras and zip put in: same net, same Keras, same bytes.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from caffe2keras.emit.atomic import replacing
from caffe2keras.emit.config import to_json
from caffe2keras.emit.hdf5 import write_hdf5
from caffe2keras.emit.stream import Progress, silent
from caffe2keras.spec import KerasModel

__all__ = ["RECORD_NAME", "write_archive"]

RECORD_NAME = "caffe2keras.json"

# The earliest date a zip archive can say.
_NO_DATE = (1980, 1, 1, 0, 0, 0)


def write_archive(
    model: KerasModel,
    record: Callable[[], Mapping[str, Any]],
    target: Path,
    progress: Progress = silent,
) -> None:
    """Write the model as a ``.keras`` archive; it appears whole or not at all.

    Args:
        model: the Keras graph as data.
        record: makes what ``record_of`` answers.
        target: the file; an existing one is replaced.
        progress: called while the numbers are written for Keras to read.

    Raises:
        BackendError: Keras or its backend is not installed.
        EmitError: the disk said no.
    """
    from caffe2keras.load import load_model

    with tempfile.TemporaryDirectory() as folder, replacing(target) as scratch:
        plain, dated = Path(folder) / "model.h5", Path(folder) / "model.keras"
        write_hdf5(model, record, plain, progress)
        load_model(plain).save(dated)
        _repack(dated, record(), scratch)


def _repack(dated: Path, record: Mapping[str, Any], target: Path) -> None:
    with zipfile.ZipFile(dated) as old, zipfile.ZipFile(target, "w") as new:
        for name in sorted(old.namelist()):
            data = old.read(name)
            new.writestr(_entry(name), _undated(data) if name == "metadata.json" else data)
        new.writestr(_entry(RECORD_NAME), to_json(record))


def _entry(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, _NO_DATE)


def _undated(metadata: bytes) -> bytes:
    fields = json.loads(metadata)
    fields["date_saved"] = "1980-01-01@00:00:00"
    return to_json(fields)

"""Reference blobs on disk, with a word on where they come from."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from caffe2keras.emit.atomic import replacing
from caffe2keras.read.blobs import ORIGIN_MEMBER

__all__ = ["write_blobs"]

Array = npt.NDArray[Any]

_NO_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip archive can say


def write_blobs(
    target: Path,
    inputs: Mapping[str, Array],
    outputs: Mapping[str, Array],
    origin: Mapping[str, Any],
) -> None:
    """Write ``input/<blob>`` and ``output/<blob>`` as a ``.npz``; it appears whole or not at all.

    Beside the arrays stands the member ``recorded.json``, which ``numpy.load`` passes over and
    ``read_blobs`` reads. Same blobs, same bytes.

    Raises:
        EmitError: the disk said no.
    """
    sides = {"input": inputs, "output": outputs}
    with replacing(target) as scratch, zipfile.ZipFile(scratch, "w") as archive:
        archive.writestr(_entry(ORIGIN_MEMBER), json.dumps(origin, indent=1, sort_keys=True))
        for side, blobs in sides.items():
            for name, array in blobs.items():
                with archive.open(_entry(f"{side}/{name}.npy"), "w", force_zip64=True) as member:
                    plain = np.ascontiguousarray(array, np.float32).reshape(np.shape(array))
                    np.lib.format.write_array(member, plain, allow_pickle=False)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _NO_DATE)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry

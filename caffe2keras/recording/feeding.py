"""What is fed while blobs are recorded: given, of a picture, or drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from caffe2keras.errors import InputError
from caffe2keras.graph.net import Net
from caffe2keras.layout import caffe_order
from caffe2keras.predict.pictures import blob_of
from caffe2keras.preprocessing import Preprocessing
from caffe2keras.preprocessing.settle import settle
from caffe2keras.provenance import PreprocessingRecord
from caffe2keras.read.blobs import read_blobs
from caffe2keras.record import InputRecord

__all__ = ["given_by_name", "of_picture"]

Array = npt.NDArray[Any]
StrPath = str | PathLike[str]


def given_by_name(
    given: Mapping[str, npt.ArrayLike] | StrPath, names: tuple[str, ...]
) -> dict[str, Array]:
    """The inputs that were given, in float32.

    Args:
        given: by blob, or a file of blobs; a lone array is meant for the net's only input.
        names: of the net's inputs.

    Raises:
        InputError: the file cannot be read, or holds nothing for any input.
    """
    if isinstance(given, Mapping):
        arrays = {name: np.asarray(array, np.float32) for name, array in given.items()}
    else:
        stored = read_blobs(given)
        arrays = {**stored.outputs, **stored.inputs}
        if len(arrays) == 1 and len(names) == 1 and Path(given).suffix == ".npy":
            arrays = {names[0]: next(iter(arrays.values()))}
        arrays = {name: array for name, array in arrays.items() if name in names}
    strangers = [name for name in arrays if name not in names]
    if strangers or not arrays:
        raise InputError(
            what=f'the net has no input "{strangers[0]}"'
            if strangers
            else "there is nothing in it that the net takes",
            where="" if isinstance(given, Mapping) else str(given),
            hint="its inputs are " + ", ".join(names),
        )
    return {name: np.asarray(array, np.float32) for name, array in arrays.items()}


def of_picture(
    net: Net, image: StrPath, told: Preprocessing, folder: Path
) -> tuple[dict[str, Array], str]:
    """What the net is fed with a picture, (1, C, H, W), and a word on how it was prepared.

    The blob is Caffe's: blue first, the mean taken away, scaled.

    Args:
        net: whose only image is meant.
        image: a file.
        told: what goes before the prototxt's ``transform_param``.
        folder: where mean files are looked for.

    Raises:
        InputError: the file cannot be read, or no input takes pictures, or several do.
    """
    steps, _ = settle(net, told, folder, needed=True)
    prepared = "the values as they are"
    if steps is None:
        # Nobody says anything: a scale of one says as much.
        steps, _ = settle(net, replace(told, scale=1.0), folder, needed=True)
    else:
        prepared = "the mean taken away, scaled"
    if steps is None:
        raise InputError(what="no input of the net takes pictures")
    shape = next(blob.shape for blob in net.inputs if blob.name == steps.blob)
    entry = InputRecord(steps.blob, steps.blob, shape, caffe_order(4))
    order = "bgr" if shape[1] == 3 else "rgb"
    plain = PreprocessingRecord(steps.blob, (0.0,) * shape[1], "", 1.0, order, steps.resize, ())
    picture = blob_of(image, entry, plain)
    values = (picture - steps.mean) * np.float32(steps.scale)
    return {steps.blob: np.ascontiguousarray(values[None], np.float32)}, prepared

"""The classes that a converted net sees in pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

from caffe2keras.errors import InputError
from caffe2keras.graph.net import Note
from caffe2keras.load import load_model
from caffe2keras.predict.pictures import blob_of
from caffe2keras.provenance import PreprocessingRecord
from caffe2keras.record import BlobRecord, InputRecord, Record, read_record

__all__ = ["Guess", "classify"]

Array = npt.NDArray[Any]
StrPath = str | PathLike[str]

_AT_ONCE = 16  # pictures; more only take more memory


@dataclass(frozen=True)
class Guess:
    """One class that a net sees.

    Attributes:
        index: the class, counted from 0.
        label: its name, or "".
        score: the net's number for it, a probability where the net ends in a softmax.
    """

    index: int
    label: str
    score: float


def classify(
    model: StrPath,
    pictures: Sequence[StrPath],
    *,
    labels: Sequence[str] = (),
    top: int = 5,
    tell: Callable[[Note], None] = lambda note: None,
) -> tuple[tuple[Guess, ...], ...]:
    """The likeliest classes of each picture.

    A picture is brought to the size that the file says, the net's size is cut out of its middle,
    and the mean and scale of the net's ``transform_param`` are applied, by the model itself where
    they were baked in.

    Args:
        model: a converted file whose net takes one image and answers with classes.
        pictures: image files.
        labels: the classes' names, in their order.
        top: how many classes.
        tell: called with what the user should know.

    Returns:
        For each picture its guesses, the likeliest first.

    Raises:
        InputError: a file cannot be read, the net is none that classifies images, or there are
            not as many labels as classes.
        BackendError: no Keras backend can be imported.
    """
    record = read_record(model)
    entry = _image_input(record)
    steps = record.preprocessing or _nothing_done(entry, tell)
    place, classes = _classes(record)
    if labels and len(labels) != classes:
        raise InputError(
            what=f"there are {len(labels)} labels, and the net knows {classes} classes",
            hint="one name a line, in the order of the classes",
        )
    blobs = [blob_of(path, entry, steps) for path in pictures]
    scores = _scores(load_model(model), record, entry, blobs, place)
    return tuple(_guesses(row, labels, top) for row in scores)


def _image_input(record: Record) -> InputRecord:
    if len(record.inputs) == 1 and len(record.inputs[0].shape) == 4:
        return record.inputs[0]
    fed = ", ".join(f'"{entry.blob}" {entry.shape}' for entry in record.inputs)
    raise InputError(
        what=f"the net takes {fed}",
        why="only a net that takes one image, (N, C, H, W), can be shown pictures",
        hint="feed it with caffe2keras.load_model(...).predict instead",
    )


def _nothing_done(entry: InputRecord, tell: Callable[[Note], None]) -> PreprocessingRecord:
    text = (
        "the file does not say how pictures are prepared, so the net gets their values from 0 to "
        "255, blue first; convert with --mean, --scale and --channel-order to say it"
    )
    tell(Note("warning", entry.blob, text))
    size = entry.shape[2:]
    return PreprocessingRecord(entry.blob, (0.0,) * entry.shape[1], "", 1.0, "bgr", size, ())


def _classes(record: Record) -> tuple[int, int]:
    """The output that holds classes, (N, K) or (N, K, 1, 1): which one, and K."""
    final = {blob.blob: blob for blob in record.blobs if blob.final}
    outputs = [final[name] for name in record.outputs if name in final]
    fit = [place for place, blob in enumerate(outputs) if _holds_classes(blob)]
    if not fit:
        raise InputError(
            what="the net has no output that is a list of classes",
            why="its outputs are " + ", ".join(f'"{blob.blob}" {blob.shape}' for blob in outputs),
        )
    # Auxiliary classifiers come before the one that counts.
    return fit[-1], outputs[fit[-1]].shape[1]


def _holds_classes(blob: BlobRecord) -> bool:
    return len(blob.shape) >= 2 and blob.shape[1] > 1 and set(blob.shape[2:]) <= {1}


def _scores(
    model: Any, record: Record, entry: InputRecord, blobs: Sequence[Array], place: int
) -> list[Array]:
    size = record.static_batch or _AT_ONCE
    rows: list[Array] = []
    for start in range(0, len(blobs), size):
        some = list(blobs[start : start + size])
        filled = some + [some[-1]] * ((record.static_batch or len(some)) - len(some))
        fed = np.ascontiguousarray(entry.layout.to_keras(np.stack(filled)), dtype=np.float32)
        answer = model.predict_on_batch(fed)
        answer = answer[place] if isinstance(answer, list | tuple) else answer
        rows += list(np.asarray(answer)[: len(some)])
    return [row.reshape(-1) for row in rows]


def _guesses(scores: Array, labels: Sequence[str], top: int) -> tuple[Guess, ...]:
    best = np.argsort(-scores, kind="stable")[:top]
    return tuple(Guess(int(i), labels[i] if labels else "", float(scores[i])) for i in best)

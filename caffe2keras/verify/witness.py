"""Where the reference numbers come from: blobs recorded from Caffe, or our oracle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from caffe2keras.convert import load_net
from caffe2keras.graph.net import Net
from caffe2keras.provenance import Source
from caffe2keras.read.blobs import read_blobs
from caffe2keras.read.caffemodel import fingerprint
from caffe2keras.record import Record
from caffe2keras.verify.evidence import noise_floors
from caffe2keras.verify.feed import complete, draw, label_blobs
from caffe2keras.verify.oracle import run

__all__ = ["Witness", "by_oracle", "by_stored_blobs"]

Array = npt.NDArray[Any]
StrPath = str | PathLike[str]


@dataclass(frozen=True)
class Witness:
    """Reference numbers, all in Caffe's axis order.

    Attributes:
        name: who says so.
        inputs: what was fed, by input blob.
        expected: what came of it, by blob: the values after a forward pass.
        notes: what the user should know.
        draws: whether layers that draw at random have drawn, or gave their mean.
        labels: what the losses compare with that are no layers of the model, by blob.
        floors: blob -> the relative error of float32 alone; None where nobody has measured it.
    """

    name: str
    inputs: Mapping[str, Array]
    expected: Mapping[str, Array]
    notes: tuple[str, ...]
    draws: bool
    labels: Mapping[str, Array] = field(default_factory=dict)
    floors: Mapping[str, float] | None = None


def by_stored_blobs(record: Record, path: StrPath, inputs: Mapping[str, Array]) -> Witness:
    """Blobs that Caffe computed.

    Args:
        record: the converted file's.
        path: the file. Where it does not tell inputs from outputs, blobs that are called like
            the net's inputs are its inputs.
        inputs: goes before what the file says was fed.

    Raises:
        InputError: the file cannot be read, or an input is not in it or does not fit.
    """
    reference = read_blobs(path)
    fed = complete(record, {**reference.outputs, **reference.inputs, **inputs}, path)
    labelled = label_blobs(record)
    labels = {n: a for n, a in {**reference.outputs, **reference.inputs}.items() if n in labelled}
    strangers = [name for name in reference.inputs if name not in fed and name not in labels]
    notes = tuple(f'the model does not take the input "{name}"' for name in strangers)
    name = f"the blobs in {Path(path).name}"
    if reference.origin:
        name += f" ({reference.origin})"
    return Witness(name, fed, reference.outputs, notes, draws=True, labels=labels)


def by_oracle(
    record: Record,
    prototxt: StrPath,
    weights: StrPath | None,
    inputs: Mapping[str, Array],
    seed: int,
    options: Mapping[str, Any],
    with_floors: bool = False,
) -> Witness:
    """Caffe's layers in NumPy, in double precision.

    Args:
        record: the converted file's.
        prototxt: the net.
        weights: its numbers.
        inputs: what to feed; the others are drawn.
        seed: of those.
        options: for ``load_net``, as they were given to ``convert``.
        with_floors: whether to measure the rounding of float32 too, by a second pass.

    Raises:
        Caffe2KerasError: whatever reading and computing the net may raise.
    """
    shapes = {entry.blob: entry.shape for entry in record.inputs}
    files = Path(prototxt), None if weights is None else Path(weights)
    # Steps that the conversion has rolled up are computed one by one: a witness of its own.
    net = load_net(*files, **{"input_shapes": shapes, "recurrent": "keep", **options})
    fed = draw(record, net, inputs, seed)
    final = _final_keys(record, net)
    blobs = run(net, fed, np.float64, keep=lambda blob: blob.key in final)
    expected = {key[0]: array for key, array in blobs.items() if key in final}
    origin = "the given inputs" if len(inputs) == len(fed) else f"random inputs, seed {seed}"
    notes = _changed_sources(record, prototxt, weights)
    labels = {name: array for name, array in fed.items() if name in label_blobs(record)}
    name = f"the oracle on {origin}"
    floors = noise_floors(net, fed, blobs) if with_floors else None
    return Witness(name, fed, expected, notes, draws=False, labels=labels, floors=floors)


def _final_keys(record: Record, net: Net) -> frozenset[tuple[str, int]]:
    """The last version of each blob that the model can show in its last version."""
    names = {blob.blob for blob in record.blobs if blob.final}
    if record.training is not None:
        names |= {head.loss_blob for head in record.training.heads}
    last = {top.name: top for layer in net.layers for top in layer.tops}
    return frozenset(blob.key for name, blob in last.items() if name in names)


def _changed_sources(record: Record, prototxt: StrPath, weights: StrPath | None) -> tuple[str, ...]:
    pairs: list[tuple[StrPath | None, Source | None]] = [
        (prototxt, record.sources.prototxt),
        (weights, record.sources.weights),
    ]
    return tuple(
        f"{Path(path).name} is not the file that the model was converted from ({source.name})"
        for path, source in pairs
        if path is not None and source is not None and fingerprint(path) != source.sha256
    )

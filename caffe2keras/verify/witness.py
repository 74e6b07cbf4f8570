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
from caffe2keras.errors import BlobFileError, InputError
from caffe2keras.graph.net import Blob, Net
from caffe2keras.read import fingerprint
from caffe2keras.read.blobs import read_blobs
from caffe2keras.record import Record, Source
from caffe2keras.verify.oracle import run

__all__ = ["Witness", "by_oracle", "by_stored_blobs", "given_inputs"]

Array = npt.NDArray[Any]
StrPath = str | PathLike[str]

# Two entries tell a mixed-up batch as well as ten do, in a fifth of the time.
_BATCH = 2


@dataclass(frozen=True)
class Witness:
    """Reference numbers, all in Caffe's axis order.

    Attributes:
        name: who says so.
        inputs: what was fed, by input blob.
        expected: what came of it, by blob: the values after a forward pass.
        notes: what the user should know.
    """

    name: str
    inputs: Mapping[str, Array]
    expected: Mapping[str, Array]
    notes: tuple[str, ...] = field(default=())


def given_inputs(
    record: Record, inputs: Mapping[str, npt.ArrayLike] | StrPath | None
) -> dict[str, Array]:
    """What the user wants to be fed, by input blob; a file's other blobs are left aside.

    Raises:
        InputError: the file cannot be read, or a name belongs to no input of the net.
    """
    names = [entry.blob for entry in record.inputs]
    if inputs is None:
        return {}
    if not isinstance(inputs, Mapping):
        reference = read_blobs(inputs)
        blobs = {**reference.outputs, **reference.inputs}
        return {name: blobs[name] for name in names if name in blobs}
    for name in inputs:
        if name not in names:
            hint = "its inputs are " + ", ".join(names)
            raise InputError(what=f'the net has no input "{name}"', hint=hint)
    return {name: np.asarray(array) for name, array in inputs.items()}


def by_stored_blobs(record: Record, path: StrPath, inputs: Mapping[str, Array]) -> Witness:
    """Blobs that Caffe computed.

    Args:
        record: the converted file's.
        path: the file. Where it does not tell inputs from outputs, blobs that are called like
            the net's inputs are its inputs.
        inputs: goes before what the file says was fed.

    Raises:
        BlobFileError: the file cannot be read, or an input's numbers are not in it.
    """
    reference = read_blobs(path)
    fed = _complete(record, {**reference.outputs, **reference.inputs, **inputs}, path)
    strangers = [name for name in reference.inputs if name not in fed]
    notes = tuple(f'the model does not take the input "{name}"' for name in strangers)
    return Witness(f"the blobs in {Path(path).name}", fed, reference.outputs, notes)


def by_oracle(
    record: Record,
    prototxt: StrPath,
    weights: StrPath | None,
    inputs: Mapping[str, Array],
    seed: int,
    options: Mapping[str, Any],
) -> Witness:
    """Caffe's layers in NumPy, in double precision.

    Args:
        record: the converted file's.
        prototxt: the net.
        weights: its numbers.
        inputs: what to feed; the others are drawn, normally distributed.
        seed: of those.
        options: for ``load_net``, as they were given to ``convert``.

    Raises:
        Caffe2KerasError: whatever reading and computing the net may raise.
    """
    shapes = {entry.blob: entry.shape for entry in record.inputs}
    net = load_net(Path(prototxt), _path(weights), **{"input_shapes": shapes, **options})
    fed = {**_drawn(record, seed), **inputs}
    final = _final_keys(record, net)
    blobs = run(net, fed, np.float64, keep=lambda blob: blob.key in final)
    expected = {name: array for (name, version), array in blobs.items() if (name, version) in final}
    origin = "the given inputs" if len(inputs) == len(fed) else f"random inputs, seed {seed}"
    notes = _changed_sources(record, prototxt, weights)
    return Witness(f"the oracle on {origin}", fed, expected, notes)


def _path(name: StrPath | None) -> Path | None:
    return None if name is None else Path(name)


def _complete(record: Record, arrays: Mapping[str, Array], path: StrPath) -> dict[str, Array]:
    missing = [entry.blob for entry in record.inputs if entry.blob not in arrays]
    if missing:
        raise BlobFileError(
            what=f'{path} has no numbers for the net\'s input "{missing[0]}"',
            why="it holds " + ", ".join(sorted(arrays)),
            hint=f'store what was fed as "input/{missing[0]}"',
        )
    return {entry.blob: arrays[entry.blob] for entry in record.inputs}


def _final_keys(record: Record, net: Net) -> frozenset[tuple[str, int]]:
    """The last version of each blob that the model can show in its last version."""
    names = {blob.blob for blob in record.blobs if blob.final}
    last: dict[str, Blob] = {top.name: top for layer in net.layers for top in layer.tops}
    return frozenset(blob.key for name, blob in last.items() if name in names)


def _drawn(record: Record, seed: int) -> dict[str, Array]:
    random = np.random.default_rng(seed)
    return {
        blob: random.standard_normal(shape).astype(np.float32)
        for blob, shape in _small_shapes(record).items()
    }


def _small_shapes(record: Record) -> dict[str, tuple[int, ...]]:
    """The inputs' shapes, with few batch entries where their number is free."""
    shapes = {entry.blob: list(entry.shape) for entry in record.inputs}
    axes = {entry.blob: entry.layout.permutation[0] for entry in record.inputs if entry.shape}
    sizes = {shapes[blob][axis] for blob, axis in axes.items()}
    if record.static_batch is None and len(sizes) == 1:
        for blob, axis in axes.items():
            shapes[blob][axis] = min(_BATCH, shapes[blob][axis])
    return {blob: tuple(shape) for blob, shape in shapes.items()}


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

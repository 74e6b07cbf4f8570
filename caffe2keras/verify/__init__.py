"""Proof that a converted file computes Caffe's numbers, against either of two witnesses.

Blobs recorded from Caffe are one, the oracle is the other. All the blobs that the model still
has are compared, in order of execution, so that the first layer that goes astray is named.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from types import MappingProxyType
from typing import Any

import numpy.typing as npt

from caffe2keras.plugins.needs import changed_plugins
from caffe2keras.record import BlobRecord, Record, read_record
from caffe2keras.verify.compare import Tolerance, compare, default_tolerance, filled_up
from caffe2keras.verify.elsewhere import Elsewhere, predict_elsewhere
from caffe2keras.verify.evidence import Evidence, worst_histogram
from caffe2keras.verify.feed import given_inputs
from caffe2keras.verify.losses import comparable_heads, loss_results, predictions_beside
from caffe2keras.verify.predict import backend_name, predict
from caffe2keras.verify.report import BlobResult, NotCompared, VerificationReport
from caffe2keras.verify.witness import Witness, by_oracle, by_stored_blobs
from caffe2keras.words import word_of_its_module

__all__ = ["BlobResult", "Elsewhere", "NotCompared", "Tolerance", "VerificationReport", "verify"]

Array = npt.NDArray[Any]
StrPath = str | PathLike[str]

_NO_OPTIONS: Mapping[str, Any] = MappingProxyType({})


@word_of_its_module
def verify(
    model: StrPath,
    blobs: StrPath | None = None,
    *,
    oracle: tuple[StrPath, StrPath | None] | None = None,
    inputs: Mapping[str, npt.ArrayLike] | StrPath | None = None,
    rtol: float | None = None,
    atol: float | None = None,
    seed: int = 0,
    options: Mapping[str, Any] = _NO_OPTIONS,
    evidence: bool = False,
    elsewhere: Elsewhere | None = None,
    progress: Callable[[str], None] = lambda step: None,
) -> VerificationReport:
    """Compare a converted file with blobs recorded from Caffe, or with the oracle.

    Args:
        model: the converted file.
        blobs: recorded blobs: ``.npz``, a folder of ``.npy``, ``.binaryproto``, HDF5.
        oracle: prototxt and weights, to compute the reference here instead.
        inputs: what to feed, by input blob, in Caffe's axis order, or a file of blobs. By default
            what the recorded blobs say, or random numbers for the oracle.
        rtol: tolerated difference, relative to a blob's largest magnitude. By default 1e-5 for a
            net of one layer, else 1e-4; where the file keeps float16 5e-3, for bfloat16 4e-2.
        atol: tolerated difference, absolute. By default 1e-6 for a net of one layer,
            else 0.
        seed: of the random inputs.
        options: for the oracle: phase, stages, level, ..., as they were given to ``convert``.
        evidence: whether to measure what a page shows besides: how the worst blob's numbers
            spread and, with the oracle, what float32 alone makes of each blob.
        elsewhere: the environment whose Keras is to compute the model, where it is not this one.
        progress: called with what is being done.

    Returns:
        The report; that blobs differ is an answer, not an error.

    Raises:
        InputError: a file cannot be read, or does not fit the model.
        BackendError: no Keras backend can be imported, or the other environment fails.
        UnsupportedError: the model has a layer that the other environment's Keras cannot run.
        ValueError: neither or both of ``blobs`` and ``oracle`` were given.
    """
    if (blobs is None) == (oracle is None):
        raise ValueError("give either blobs or oracle")
    record = read_record(model)
    progress("reading the reference" if oracle is None else "computing with the oracle")
    fed = given_inputs(record, inputs)
    if oracle is not None:
        witness = by_oracle(record, *oracle, fed, seed, options, with_floors=evidence)
    elif blobs is not None:
        witness = by_stored_blobs(record, blobs, fed)
    progress("computing with Keras")
    wanted, passed_over = _choose(record, witness)
    heads = comparable_heads(record, witness)
    compared_with = (*wanted, *predictions_beside(record, heads, wanted))
    if elsewhere is None:
        arrays = predict(model, record, witness.inputs, compared_with)
        backend = backend_name()
    else:
        arrays, backend = predict_elsewhere(model, record, witness.inputs, compared_with, elsewhere)
    progress("comparing")
    tolerance = _tolerance(record, rtol, atol)
    results = tuple(
        _result(entry, array, witness.expected[entry.blob], tolerance)
        for entry, array in zip(wanted, arrays, strict=False)
    )
    computed = dict(zip(compared_with, arrays, strict=True))
    results += loss_results(heads, computed, witness, tolerance)
    compared = {result.blob for result in results}
    proven = {head.prediction for head in heads}  # by its loss, where it is not compared itself
    passed_over = tuple(one for one in passed_over if one.blob not in compared)
    return VerificationReport(
        model=str(model),
        net=record.net,
        witness=witness.name,
        backend=backend,
        tolerance=tolerance,
        results=results,
        not_compared=passed_over,
        missing_outputs=tuple(name for name in record.outputs if name not in compared | proven),
        notes=(*witness.notes, *changed_plugins(record)),
        evidence=_evidence(witness, results, computed) if evidence else None,
    )


def _evidence(
    witness: Witness, results: tuple[BlobResult, ...], computed: Mapping[BlobRecord, Array]
) -> Evidence:
    arrays = {entry.blob: (entry, array) for entry, array in computed.items()}
    compared = (
        (result.blob, result.difference.max_rel, array, _aligned(entry, array, witness))
        for result in results
        if result.difference is not None and result.blob in arrays
        for entry, array in [arrays[result.blob]]
    )
    return Evidence(witness.floors, worst_histogram(compared))


def _aligned(entry: BlobRecord, received: Array, witness: Witness) -> Array:
    """The truth in the shape in which it was compared."""
    expected = _without_legacy_axes(witness.expected[entry.blob], received.ndim)
    return filled_up(expected, received.shape, entry.padded_axis)


def _choose(
    record: Record, witness: Witness
) -> tuple[tuple[BlobRecord, ...], tuple[NotCompared, ...]]:
    """The blobs to compare, in order of execution, and the reference's others with the reason."""
    fed = {entry.layer for entry in record.inputs}
    final = {entry.blob: entry for entry in record.blobs if entry.final}
    drawn = {entry.blob for entry in final.values() if entry.drawn and witness.draws}
    wanted = tuple(
        entry
        for entry in final.values()
        if entry.blob in witness.expected and entry.layer not in fed and entry.blob not in drawn
    )
    overwritten = {entry.blob for entry in record.blobs if entry.blob not in final}
    passed_over = tuple(
        NotCompared(name, _reason(name in overwritten, name in drawn))
        for name in witness.expected
        if name not in final or name in drawn
    )
    return wanted, passed_over


def _reason(overwritten: bool, drawn: bool) -> str:
    if drawn:
        return "it is drawn at random, anew at each pass; the oracle compares its mean"
    if overwritten:
        return "Caffe has overwritten it in place"
    return "the model does not have it: it was folded into another layer, or dropped"


def _tolerance(record: Record, rtol: float | None, atol: float | None) -> Tolerance:
    fed = {entry.layer for entry in record.inputs}
    layers = len({b.caffe_layer for b in record.blobs if b.layer not in fed})
    # A layer that steps through (T, N, ...) rounds at each step, as a net does at each layer.
    through_time = any(b.layout.permutation[:1] == (1,) for b in record.blobs)
    usual = default_tolerance(max(layers, 2) if through_time else layers, record.dtype)
    return Tolerance(usual.rtol if rtol is None else rtol, usual.atol if atol is None else atol)


def _result(
    entry: BlobRecord, received: Array, expected: Array, tolerance: Tolerance
) -> BlobResult:
    expected = _without_legacy_axes(expected, received.ndim)
    whole = filled_up(expected, received.shape, entry.padded_axis)
    same = received.shape == whole.shape
    difference = compare(received, whole, tolerance) if same else None
    return BlobResult(entry.caffe_layer, entry.blob, expected.shape, difference, received.shape)


def _without_legacy_axes(array: Array, rank: int) -> Array:
    """An array of the time when every blob of Caffe's had four axes, without those behind."""
    if array.ndim == 4 and rank < 4 and set(array.shape[rank:]) == {1}:
        return array.reshape(array.shape[:rank])
    return array

"""One net's work, from its files to its result; it runs in a process of its own."""

from __future__ import annotations

import inspect
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from caffe2keras.batch.job import Job, hash_of_written, key_of
from caffe2keras.batch.nearby import brought_near
from caffe2keras.batch.result import Failure, NetResult, blank
from caffe2keras.convert import ConversionReport, convert, load_net
from caffe2keras.plugins.loading import using_plugins

__all__ = ["do"]

# The oracle computes on the model's own input shapes, and step by step what was rolled up.
_ORACLE_DECIDES = {"input_shapes", "recurrent"}


def do(job: Job) -> NetResult:
    """Convert a net and verify it as asked; whatever goes wrong is in the result."""
    began = time.monotonic()
    result = replace(blank(job), key=key_of(job))
    try:
        for news in _steps(job):
            result = replace(result, **news)
    except Exception as error:  # a net's failure, of whatever kind, is its own
        result = replace(result, failure=Failure.of(error))
    return replace(result, seconds=round(time.monotonic() - began, 3))


def _steps(job: Job) -> Iterator[dict[str, Any]]:
    """What is known after each step."""
    if job.installed is not None:
        job.installed.load()
    with brought_near(job) as near, using_plugins(near.plugins):
        target = Path(near.output)
        target.parent.mkdir(parents=True, exist_ok=True)
        report = convert(near.prototxt, near.weights, target, **near.options)
        conversion = {**report.to_json(), "output": job.output}
        written = hash_of_written(target, report.model)
        yield {"conversion": conversion, "output_sha256": written, "model": _beside(job, report)}
        proofs: tuple[dict[str, Any], ...] = ()
        for witness in _witnesses(near):
            proofs = (
                *proofs,
                {**_proof(report.model, near, witness), "model": _beside(job, report)},
            )
            yield {"verifications": proofs}


def _witnesses(job: Job) -> Iterator[dict[str, Any]]:
    if job.blobs is not None:
        yield {"blobs": job.blobs}
    if job.oracle:
        known = inspect.signature(load_net).parameters.keys() - _ORACLE_DECIDES
        options = {name: value for name, value in job.options.items() if name in known}
        yield {"oracle": (job.prototxt, job.weights), "options": options}


def _beside(job: Job, report: ConversionReport) -> str:
    """Where the model is when it is home."""
    return job.output.removesuffix(report.output.name) + report.model.name


def _proof(model: Path, job: Job, witness: dict[str, Any]) -> dict[str, Any]:
    from caffe2keras.verify import verify

    try:
        return verify(model, **witness, **job.checks).to_json()
    finally:
        # The next net finds Keras as this one did: no tensors, no names taken.
        if "keras" in sys.modules:
            sys.modules["keras"].utils.clear_session()

"""Many nets: converted and verified in processes of their own, each written down as it is done.

A folder or a manifest becomes jobs (``plan``); jobs that an earlier run has done are known by a
hash of all they depend on (``job``, ``journal``); the others go to workers (``worker``), here or
on a cluster (``crew``), where one net's failure is its own (``work``); what became of each is data
(``result``), for JSON, JUnit (``junit``) or whoever shows it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from os import PathLike
from typing import Any

from caffe2keras.batch.crew import on_a_cluster, on_this_machine
from caffe2keras.batch.job import Job, hash_of_written, key_of
from caffe2keras.batch.journal import open_journal
from caffe2keras.batch.junit import junit
from caffe2keras.batch.plan import plan
from caffe2keras.batch.result import BatchReport, Failure, NetResult, blank
from caffe2keras.batch.worker import Limits
from caffe2keras.errors import InputError
from caffe2keras.words import word_of_its_module

__all__ = ["BatchReport", "Failure", "NetResult", "batch", "junit"]

StrPath = str | PathLike[str]

# Told of each net: its result, how many are done, how many there are.
Progress = Callable[[NetResult, int, int], None]


def _silent(result: NetResult, done: int, total: int) -> None:
    """Progress that nobody wants to hear of."""


@word_of_its_module
def batch(
    source: StrPath,
    output: StrPath,
    *,
    jobs: int | None = None,
    resume: bool = False,
    memory: int | None = None,
    timeout: float | None = None,
    scheduler: str | None = None,
    progress: Progress = _silent,
    **options: Any,
) -> BatchReport:
    """Convert many Caffe nets, and verify them where that is asked for.

    A net that fails, crashes, or goes beyond its limits stops only itself. Each result is on the
    disk before the next one's, in ``caffe2keras-batch.jsonl`` of the output folder.

    Args:
        source: a folder, searched for weights with a prototxt beside them; or a manifest, a
            ``.toml``, ``.json`` or ``.yaml`` file that lists nets.
        output: the folder to write to; a net's file lies there as it lay in the source.
        jobs: how many nets at a time; by default as many as there are processors.
        resume: leave alone what an earlier run has done, if its sources, its options, this
            version of caffe2keras and the file written are all the same.
        memory: a ceiling for the process that works on a net, in bytes, Keras included.
        timeout: how many seconds a net may take.
        scheduler: the address of a Dask scheduler, whose workers do it all. Paths may be URLs
            then, whatever fsspec opens, and other paths must mean the same on every machine.
        progress: called after each net.
        options: for all nets that the manifest does not say otherwise of, by its keys: those of
            ``convert``, ``oracle=True`` to verify with the oracle, and those of ``verify``.

    Returns:
        What became of each net; that some failed is an answer, not an error.

    Raises:
        InputError: there are no nets, or the manifest cannot be followed, or no scheduler answers.
        ValueError: both ``jobs`` and ``scheduler`` were given.
        EmitError: the output folder cannot be written.
    """
    began, started = time.monotonic(), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    if scheduler is not None and jobs is not None:
        raise ValueError("how many nets at a time is the cluster's to say: leave out jobs")
    count = jobs or _processors()
    limits = Limits(memory, timeout, threads=max(1, _processors() // count))
    planned = plan(os.fspath(source), os.fspath(output), options, anywhere=scheduler is not None)
    results: dict[str, NetResult] = {}
    with closing(open_journal(os.fspath(output), resume=resume)) as journal:
        todo = planned.jobs
        for result in _done_before(todo, journal.before, count):
            results[result.name] = result
            progress(result, len(results), len(planned.jobs))
        todo = tuple(job for job in todo if job.name not in results)
        with closing(_work(todo, count, limits, scheduler)) as coming:
            for result in coming:
                journal.add(result)
                results[result.name] = result
                progress(result, len(results), len(planned.jobs))
    return BatchReport(
        source=os.fspath(source),
        output=os.fspath(output),
        nets=tuple(results[job.name] for job in planned.jobs),
        notes=planned.notes,
        seconds=time.monotonic() - began,
        started=started,
    )


def _work(
    jobs: Sequence[Job], count: int, limits: Limits, scheduler: str | None
) -> Generator[NetResult]:
    yield from (blank(job) for job in jobs if job.fault is not None)
    jobs = [job for job in jobs if job.fault is None]
    if not jobs:
        return
    if scheduler is not None:
        yield from on_a_cluster(jobs, scheduler, limits)
    else:
        yield from on_this_machine(jobs, min(count, len(jobs)), limits)


def _done_before(
    jobs: Sequence[Job], before: Mapping[str, NetResult], count: int
) -> Iterator[NetResult]:
    """What an earlier run has done and nothing has changed since."""
    candidates = [job for job in jobs if job.name in before and before[job.name].ok]
    with ThreadPoolExecutor(count) as pool:
        answers = pool.map(lambda job: _is_same(job, before[job.name]), candidates)
        for job, same in zip(candidates, answers, strict=True):
            if same:
                yield replace(before[job.name], resumed=True)


def _is_same(job: Job, result: NetResult) -> bool:
    if not result.key or result.output != job.output or result.key != key_of(job):
        return False
    try:
        return hash_of_written(job.output, result.model) == result.output_sha256
    except InputError:
        return False  # it is gone


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

"""Several workers at a time, on this machine or on those of a Dask cluster."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from caffe2keras.batch.job import Job
from caffe2keras.batch.result import Failure, NetResult, blank
from caffe2keras.batch.worker import Limits, Worker
from caffe2keras.errors import InputError, WorkerError

__all__ = ["Crew", "on_a_cluster", "on_this_machine"]

_PATIENCE = 20  # seconds that a scheduler has to answer


class Crew:
    """Workers, as many as are asked for at a time; each is kept for the next net."""

    def __init__(self, limits: Limits, computes: bool) -> None:
        self._limits, self._computes = limits, computes
        self._lock = threading.Lock()
        self._all: list[Worker] = []
        self._idle: list[Worker] = []

    def do(self, job: Job) -> NetResult:
        """Have a worker of the crew do it, a new one if all are busy."""
        with self._lock:
            worker = self._idle.pop() if self._idle else Worker(self._limits, self._computes)
            if worker not in self._all:
                self._all.append(worker)
        try:
            return worker.do(job)
        finally:
            with self._lock:
                self._idle.append(worker)

    def stop(self) -> None:
        """Let the busy ones give up what they do."""
        with self._lock:
            for worker in self._all:
                worker.stop()

    def close(self) -> None:
        """End all processes; none may be busy."""
        for worker in self._all:
            worker.close()


def on_this_machine(jobs: Sequence[Job], count: int, limits: Limits) -> Iterator[NetResult]:
    """Results as they come, from so many processes."""
    crew = Crew(limits, any(job.verifies for job in jobs))
    pool = ThreadPoolExecutor(count)
    try:
        yield from _results(pool, crew.do, jobs)
    finally:
        crew.stop()
        pool.shutdown(cancel_futures=True)
        crew.close()


def on_a_cluster(jobs: Sequence[Job], address: str, limits: Limits) -> Iterator[NetResult]:
    """Results as they come, from the workers of a Dask cluster.

    There, too, each net is worked on in a process of its own beside Dask's worker, so that what
    ends the one does not end the other.

    Args:
        jobs: whose paths mean the same everywhere, or are URLs.
        address: of the scheduler, as ``tcp://host:8786``.
        limits: what a net may take.

    Raises:
        InputError: distributed is not installed, or nobody answers.
    """
    computes = any(job.verifies for job in jobs)
    with _client(address) as client, client.get_executor(pure=False, retries=0) as pool:
        yield from _results(pool, _do_there, jobs, limits, computes)


def _results(pool: Executor, function: Any, jobs: Sequence[Job], *more: Any) -> Iterator[NetResult]:
    futures = {pool.submit(function, job, *more): job for job in jobs}
    for future in as_completed(futures):
        yield _result(future, futures[future])


def _result(future: Future[NetResult], job: Job) -> NetResult:
    try:
        return future.result()
    except Exception as error:  # a machine of the cluster is lost, or a job cannot be sent there
        lost = WorkerError(what=f"nobody could do it: {type(error).__name__}: {error}")
        return replace(blank(job), failure=Failure.of(lost))


@contextmanager
def _client(address: str) -> Iterator[Any]:
    try:
        import distributed
    except ImportError as error:
        raise InputError(
            what="--scheduler needs Dask's distributed, which is not installed",
            hint='pip install "caffe2keras[dask]"',
        ) from error
    try:
        client: Any = distributed.Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:  # TimeoutError is an OSError
        raise InputError(
            what=f"no Dask scheduler answers at {address}",
            why=str(error).strip().splitlines()[0] if str(error).strip() else "",
            hint="the address is what `dask scheduler` prints, as tcp://host:8786",
        ) from error
    with client:
        yield client


_crews: dict[tuple[Limits, bool], Crew] = {}
_founding = threading.Lock()


def _do_there(job: Job, limits: Limits, computes: bool) -> NetResult:
    """Run by Dask's worker, which keeps a crew from one net to the next."""
    with _founding:
        crew = _crews.setdefault((limits, computes), Crew(limits, computes))
    return crew.do(job)

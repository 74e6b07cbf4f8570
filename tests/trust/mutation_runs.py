"""Runs tests on a mutant, in a process of its own that is forked when everything is imported.

A fault in the body of a function is put into the functions that are there already, in a fork of a
process that has collected all tests. Any other one needs its module imported anew, in a fork of a
process that has imported what is not ours.
"""

from __future__ import annotations

import gc
import os
import resource
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from types import CodeType, FunctionType

import hypothesis
import pytest
from mutants import Mutant

__all__ = ["Job", "Verdict", "run_fresh", "run_live"]

_OPTIONS = (
    "-q", "-x", "-p", "no:cacheprovider", "--capture=sys", "--tb=native",
    "--assert=plain", "--hypothesis-seed=0",
)  # fmt: skip
_GIGABYTES = 6
_PATIENCE = 20.0


@dataclass(frozen=True)
class Job:
    """A mutant, and the tests to try on it in order, each with the seconds it takes."""

    mutant: Mutant
    tests: Sequence[tuple[str, float]]


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant: "killed", "hung", "crashed", "survived" or "untested"."""

    mutant: Mutant
    outcome: str


def run_live(jobs: Sequence[Job], told: Callable[[Verdict], None]) -> None:
    """Try faults in bodies of functions; the tests are collected once, in a fork of this process.

    Args:
        jobs: the mutants.
        told: is called with each verdict, in that fork.
    """
    if jobs and os.fork() == 0:
        _quiet()
        files = sorted({name.partition("::")[0] for job in jobs for name, _ in job.tests})
        pytest.main([*_OPTIONS, *files], plugins=[_Server(jobs, told)])
        os._exit(0)
    if jobs:
        os.wait()


def run_fresh(jobs: Sequence[Job], told: Callable[[Verdict], None]) -> None:
    """Try faults that count on import; nothing of ours may be imported here before."""
    for job in jobs:

        def attempt(job: Job = job) -> bool:
            _quiet()
            _import_instead(job.mutant)
            names = [name for name, _ in job.tests]
            return pytest.main([*_OPTIONS, *names], plugins=[_Clock(dict(job.tests))]) == 0

        told(Verdict(job.mutant, _in_a_fork(attempt, 3 * _PATIENCE) if job.tests else "untested"))


class _Clock:
    """A plugin that ends the process when a test takes much longer than it used to."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self._seconds = seconds
        self.failed = False

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        limit = _PATIENCE + 10 * self._seconds.get(item.nodeid, 0.0)
        signal.setitimer(signal.ITIMER_REAL, limit)
        return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.failed |= report.failed


class _Server(_Clock):
    """A plugin that tries one mutant after the other in the place of the tests' usual loop."""

    def __init__(self, jobs: Sequence[Job], told: Callable[[Verdict], None]) -> None:
        super().__init__({name: took for job in jobs for name, took in job.tests})
        self._jobs, self._told = jobs, told

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}
        functions = _functions()
        gc.freeze()
        for job in self._jobs:
            chosen = [items[name] for name, _ in job.tests if name in items]

            def attempt(job: Job = job, chosen: list[pytest.Item] = chosen) -> bool:
                _put_in(job.mutant, functions)
                return self._passes(chosen)

            outcome = _in_a_fork(attempt, _PATIENCE) if chosen else "untested"
            self._told(Verdict(job.mutant, outcome))
        return True

    def _passes(self, items: list[pytest.Item]) -> bool:
        for item, following in zip(items, [*items[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self.failed:
                return False
        return True


Functions = dict[tuple[str, str, int], list[FunctionType]]


def _functions() -> Functions:
    """Every function there is, by file, name and line."""
    found: Functions = {}
    for one in gc.get_objects():
        if isinstance(one, FunctionType):
            code = one.__code__
            key = (code.co_filename, code.co_qualname, code.co_firstlineno)
            found.setdefault(key, []).append(one)
    return found


def _put_in(mutant: Mutant, functions: Functions) -> None:
    for code in _codes(mutant.code()):
        for one in functions.get((code.co_filename, code.co_qualname, code.co_firstlineno), ()):
            if one.__code__ != code and len(one.__code__.co_freevars) == len(code.co_freevars):
                one.__code__ = code


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _import_instead(mutant: Mutant) -> None:
    """Whoever imports the mutant's module gets the mutant."""
    sound = SourceFileLoader.get_code

    def get_code(loader: SourceFileLoader, name: str) -> CodeType | None:
        faulty = loader.path == str(mutant.path)
        return mutant.code() if faulty else sound(loader, name)

    SourceFileLoader.get_code = get_code  # type: ignore[assignment,method-assign]


def _in_a_fork(attempt: Callable[[], bool], seconds: float) -> str:
    """What comes of it; temporary files go when it ends."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as scratch:
        child = os.fork()
        if child == 0:
            os.environ["PYTEST_DEBUG_TEMPROOT"] = tempfile.tempdir = scratch
            resource.setrlimit(resource.RLIMIT_DATA, (_GIGABYTES << 30,) * 2)
            signal.setitimer(signal.ITIMER_REAL, seconds)
            survived = False
            try:
                survived = attempt()
            finally:
                os._exit(0 if survived else 1)
        _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return "hung" if os.WTERMSIG(status) == signal.SIGALRM else "crashed"
    return "killed" if os.WEXITSTATUS(status) else "survived"


def _quiet() -> None:
    """Nothing is printed, and what hypothesis finds on one mutant is not tried on the next."""
    phases = [phase for phase in hypothesis.Phase if phase.name not in ("shrink", "explain")]
    hypothesis.settings.register_profile("mutants", database=None, phases=phases)
    hypothesis.settings.load_profile("mutants")
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)

"""A process that works on nets, one after the other, and is watched while it does.

It is a Python of its own, started afresh, and not a fork: backends do not survive a fork, and a
crash, a net that takes too long or too much memory ends this process and no other.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from multiprocessing import Pipe
from pathlib import Path

from caffe2keras.batch.job import Job
from caffe2keras.batch.result import Failure, NetResult, blank
from caffe2keras.errors import InputError, WorkerError

__all__ = ["Limits", "Worker"]

_LOOK_SECONDS = 0.02
_GRACE_SECONDS = 5
_LAST_WORDS = 4000
_MB = 1 << 20

_PROGRAM = """
import json, sys
sys.path[:] = json.loads(sys.argv[2])
from caffe2keras.batch.serve import serve
serve(int(sys.argv[1]), json.loads(sys.argv[3]))
"""


@dataclass(frozen=True)
class Limits:
    """What a net may take.

    Attributes:
        memory: in bytes, of the whole process, Keras included; None for no ceiling.
        seconds: for a net, after Keras is imported; None for no end.
        threads: how many a process computes with.
    """

    memory: int | None = None
    seconds: float | None = None
    threads: int = 1

    def __post_init__(self) -> None:
        """Refuse a ceiling that could not be watched."""
        if self.memory is not None and not Path("/proc/self/status").exists():
            raise InputError(
                what="the memory of a process cannot be watched on this system",
                why="it is read from /proc, which only Linux has",
                hint="leave out --memory",
            )


class Worker:
    """One such process. It is started when there is work, and anew after it was lost.

    Args:
        limits: what a net may take.
        computes: whether it imports Keras before its first net, so that no net pays for it.
    """

    def __init__(self, limits: Limits, computes: bool) -> None:
        self._limits, self._computes = limits, computes
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False
        self._printed = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  closed by close()

    def do(self, job: Job) -> NetResult:
        """Have a net worked on; the process's end, however it comes, is the net's failure."""
        began = time.monotonic()
        self._printed.seek(0)  # for the process, too, which writes where this file stands
        self._printed.truncate()
        try:
            if self._process is None:
                self._start()
            self._talk.send(job)
            result = self._answer(self._limits.seconds)
        except (WorkerError, OSError) as error:
            lost = error if isinstance(error, WorkerError) else self._crashed()
            self._end()
            self._printed.seek(0)
            words = self._printed.read()[-_LAST_WORDS:].decode(errors="replace")
            seconds = round(time.monotonic() - began, 3)
            return replace(blank(job), failure=Failure.of(lost), printed=words, seconds=seconds)
        self._retire_if_grown()
        return result

    def stop(self) -> None:
        """Give up the net that is worked on, and take no other; from any thread."""
        self._stopped = True

    def close(self) -> None:
        """Let the process end; nobody may be waiting for it."""
        if self._process is not None:
            self._talk.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_GRACE_SECONDS)
        self._end()
        self._printed.close()

    def _start(self) -> None:
        self._talk, theirs = Pipe()
        words = str(theirs.fileno()), json.dumps(sys.path), json.dumps(self._computes)
        # The library that multiplies matrices for NumPy reads this when it is loaded.
        environment = {"OMP_NUM_THREADS": str(self._limits.threads), **os.environ}
        with theirs:
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-c", _PROGRAM, *words],
                    stdin=subprocess.PIPE,  # never written to: its end tells that we are gone
                    stdout=self._printed,
                    stderr=self._printed,
                    pass_fds=[theirs.fileno()],
                    env=environment,
                )
            except OSError as error:
                raise WorkerError(what=f"no process could be started: {error}") from error
        self._answer(None)  # it is ready

    def _answer(self, seconds: float | None) -> NetResult:
        """What the process sends, if that comes within its limits.

        Raises:
            WorkerError: it does not.
        """
        began = time.monotonic()
        while not self._talk.poll(_LOOK_SECONDS):
            if self._stopped:
                raise WorkerError(what="the batch was stopped")
            self._check_memory()
            if seconds is not None and time.monotonic() - began > seconds:
                raise WorkerError(
                    what=f"the net was stopped after {seconds:g} s",
                    hint="give it longer with --timeout",
                )
        try:
            answer: NetResult = self._talk.recv()
        except EOFError:
            raise self._crashed() from None
        return answer

    def _check_memory(self) -> None:
        ceiling = self._limits.memory
        if ceiling is not None and (held := self._held()) > ceiling:
            raise WorkerError(
                what=f"the net was stopped when its process held {held / _MB:,.0f} MB",
                why=f"the ceiling is {ceiling / _MB:,.0f} MB",
                hint="give it more with --memory",
            )

    def _held(self) -> int:
        """Bytes that no file backs: mapped weights are the system's to drop, and do not count."""
        process = self._process
        if process is None:
            return 0
        with contextlib.suppress(OSError):  # it has just ended
            lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
            kinds = ("RssAnon:", "RssShmem:", "VmSwap:")
            return sum(int(line.split()[1]) << 10 for line in lines if line.startswith(kinds))
        return 0

    def _retire_if_grown(self) -> None:
        """A process that has kept half its ceiling would make the next net pay for the last."""
        if self._limits.memory is not None and self._held() > self._limits.memory / 2:
            self._end()

    def _crashed(self) -> WorkerError:
        code = self._process.wait() if self._process is not None else 0
        if code >= 0:
            return WorkerError(what=f"the process ended by itself with exit code {code}")
        name = signal.Signals(-code).name
        why = "the system does this when memory runs out" if name == "SIGKILL" else ""
        return WorkerError(what=f"the process crashed: {name}", why=why)

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        self._talk.close()
        if process.stdin is not None:
            process.stdin.close()

"""What a process costs: time, and memory by its kinds (Linux)."""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["MB", "Run", "copy_seconds", "measured", "read_through"]

MB = 1 << 20

_SAMPLING_SECONDS = 0.001


@dataclass(frozen=True)
class Run:
    """One child process, measured.

    Attributes:
        seconds: from before its start to after its end.
        private_bytes: the most memory it had at a time that no file backs: the kernel's count
            RssAnon, read every millisecond; 0 if it was not watched.
        resident_bytes: the most it had at all, pages of mapped files included, by the kernel.
        exit_code: its answer.
        stdout: what it printed.
        stderr: what it said.
    """

    seconds: float
    private_bytes: int
    resident_bytes: int
    exit_code: int
    stdout: str
    stderr: str


def measured(
    command: Sequence[str], *, watch: bool = False, settings: Mapping[str, str] | None = None
) -> Run:
    """Run a command to its end and measure the whole process.

    Args:
        command: the words.
        watch: read its memory all the while; that takes time from a process that needs every
            core, so its seconds are then no measure.
        settings: variables to add to its environment.
    """
    environment = {**os.environ, **(settings or {})}
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        started = time.perf_counter()
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment
        )
        private, (_, status, usage) = _watch(child.pid) if watch else (0, os.wait4(child.pid, 0))
        seconds = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)  # it has been waited for
        out.seek(0)
        err.seek(0)
        resident = usage.ru_maxrss * 1024
        return Run(seconds, private, resident, child.returncode, out.read(), err.read())


def _watch(pid: int) -> tuple[int, tuple[int, int, resource.struct_rusage]]:
    """The highest RssAnon until the process ends, and how it ended."""
    highest = 0
    while True:
        highest = max(highest, _anonymous_bytes(pid))
        ended = os.wait4(pid, os.WNOHANG)
        if ended[0]:
            return highest, ended
        time.sleep(_SAMPLING_SECONDS)


def _anonymous_bytes(pid: int) -> int:
    """What the process holds that no file backs."""
    for entry in Path(f"/proc/{pid}/status").read_text().splitlines():
        if entry.startswith("RssAnon:"):
            return int(entry.split()[1]) * 1024
    return 0  # it has ended


def copy_seconds(source: Path, target: Path) -> tuple[float, float]:
    """How long ``cp`` takes to a file that is not there yet; and until that is on the disk."""
    started = time.perf_counter()
    subprocess.run(["cp", source, target], check=True)
    copied = time.perf_counter() - started
    subprocess.run(["sync", target], check=True)
    flushed = time.perf_counter() - started
    target.unlink()
    return copied, flushed


def read_through(path: Path) -> None:
    """Bring a file into the page cache, so that the first run is like the others."""
    with path.open("rb") as file:
        while file.read(MB):
            pass

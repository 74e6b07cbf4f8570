"""Coverage-guided fuzzing of one reader, or of all in turn: what ``scripts/fuzz`` runs.

libFuzzer, through atheris, changes the seeds and keeps whatever reaches new code. An exception
that is none of ours, ten seconds without an answer, or a gigabyte of memory is a finding; its
file is written down. Exceptions do not stop a run: each place in the code counts once.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["caffe2keras"], exclude=["caffe2keras.proto.caffe_pb2"]):
    import readers
from seeds import kept_of, seeds_of

from caffe2keras.proto import caffe_pb2

SECONDS, MEGABYTES, LONGEST = 10, 1024, 1 << 16


class Findings:
    """What a run has met."""

    def __init__(self, reader: str, kept: Path) -> None:
        self.reader, self.kept = reader, kept
        self.runs, self.slowest = 0, 0.0
        self.answers: Counter[str] = Counter()
        self.places: dict[str, str] = {}

    def note(self, data: bytes, error: BaseException) -> None:
        """Write a file down, unless another one has failed at the same place."""
        frames = traceback.extract_tb(error.__traceback__)
        ours = [frame for frame in frames if "caffe2keras" in frame.filename] or frames
        place = f"{type(error).__name__} at {Path(ours[-1].filename).name}:{ours[-1].lineno}"
        if place not in self.places:
            self.places[place] = f"{self.reader}-{hashlib.sha256(data).hexdigest()[:12]}"
            self.kept.mkdir(parents=True, exist_ok=True)
            (self.kept / self.places[place]).write_bytes(data)
            print(f"FOUND {place}: {error}"[:500], file=sys.stderr, flush=True)

    def report(self, seconds: float) -> str:
        """One line, as docs/trust.md has it."""
        share = sum(count for kind, count in self.answers.items() if not kind) / max(self.runs, 1)
        return (
            f"| {self.reader} | {self.runs:,} | {seconds:.0f} | {share:.0%} | "
            f"{self.slowest:.2f} | {len(self.places)} |"
        )


def main() -> int:
    """Fuzz; the exit code is 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("reader", choices=["all", *readers.READERS])
    parser.add_argument("--runs", type=int, default=100_000, help="of each reader")
    parser.add_argument("--seconds", type=int, default=0, help="at most, of each reader")
    parser.add_argument("--corpus", type=Path, help="a folder to keep what reaches new code in")
    parser.add_argument("--found", type=Path, default=Path("fuzz-findings"))
    told = parser.parse_args()
    if told.reader != "all":
        _fuzz(told)  # never comes back
    print("| reader | executions | s | read whole | slowest s | findings |", flush=True)
    print("| --- | ---: | ---: | ---: | ---: | ---: |", flush=True)
    return max([_in_a_process(name) for name in readers.READERS])


def _in_a_process(name: str) -> int:
    words = [name if word == "all" else word for word in sys.argv[1:]]
    return min(os.spawnv(os.P_WAIT, sys.executable, [sys.executable, __file__, *words]), 1)


def _fuzz(told: argparse.Namespace) -> None:
    warnings.simplefilter("error")  # as in the tests
    scratch = Path(tempfile.mkdtemp(prefix="fuzz-", dir=_memory()))
    reader, findings = readers.READERS[told.reader], Findings(told.reader, told.found)
    corpus = told.corpus / told.reader if told.corpus else scratch / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for data in (*seeds_of(told.reader, scratch), *kept_of(told.reader)):
        (corpus / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    words = scratch / "words"
    words.write_text("".join(f'"{word}"\n' for word in sorted(_words())))
    began = time.monotonic()

    def one(data: bytes) -> None:
        start = time.monotonic()
        try:
            findings.answers[readers.survives(reader, data, scratch)] += 1
        except Exception as error:
            findings.note(data, error)
        findings.slowest = max(findings.slowest, time.monotonic() - start)
        findings.runs += 1
        if findings.runs == told.runs or 0 < told.seconds < time.monotonic() - began:
            print(findings.report(time.monotonic() - began), flush=True)
            _clear(scratch)
            os._exit(bool(findings.places))

    told.found.mkdir(parents=True, exist_ok=True)
    options = [f"-timeout={SECONDS}", f"-rss_limit_mb={MEGABYTES}", f"-max_len={LONGEST}"]
    options += [f"-dict={words}", f"-artifact_prefix={told.found}/{told.reader}-", "-verbosity=0"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], one)
    atheris.Fuzz()


def _words() -> set[str]:
    """Names of fields and enum members, for the texts."""
    waiting = [caffe_pb2.NetParameter.DESCRIPTOR, caffe_pb2.SolverParameter.DESCRIPTOR]
    seen, words = set(), {"nan", "inf", "1e38", "-2147483648", "2147483647", "4294967295"}
    while waiting:
        message = waiting.pop()
        if message in seen:
            continue
        seen.add(message)
        for field in message.fields:
            words.add(field.name)
            waiting += [field.message_type] if field.message_type else []
            words.update(one.name for one in (field.enum_type.values if field.enum_type else ()))
    return words


def _memory() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _clear(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()


if __name__ == "__main__":
    sys.exit(main())

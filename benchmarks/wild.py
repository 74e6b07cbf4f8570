"""How many prototxts of a folder parse, get their shapes, and convert; and what stops the rest.

Usage: python benchmarks/wild.py FOLDER [--json | --markdown] [--plugin FILE] [--seconds N]
                                 [--workers N]

Nets are converted without weights: their fillers make the numbers. A net whose prototxt does not
say how large its input is (it comes with the data) cannot be, and is counted apart. Where an error
says which ``--stage`` brings back a layer that the net needs, that is what is tried next.

Exit code 1: some file ended in a traceback, killed its process, or took too long.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import re
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import IntEnum
from multiprocessing.connection import Connection, wait
from pathlib import Path

from caffe2keras.convert import convert
from caffe2keras.errors import Caffe2KerasError, PrototxtError, UnsupportedLayersError
from caffe2keras.graph.build import build_net
from caffe2keras.graph.phase import NetState
from caffe2keras.plugins.loading import load_plugin
from caffe2keras.read.prototxt import read_net
from caffe2keras.table import render_markdown, render_table
from caffe2keras.upgrade import upgrade

_REFUSAL = re.compile(
    r"^(?P<type>.+?)(?: x \d+)?, (?:first )?\".*?\"(?: \(.*?:\d+\))?: (?P<why>.*)$"
)
_STAGE = re.compile(r"--stage (?P<stage>\S+)")


class Stage(IntEnum):
    """How far a file came."""

    READ = 0
    PARSED = 1
    SHAPED = 2
    CONVERTED = 3


@dataclass(frozen=True)
class Outcome:
    """What became of one file.

    Attributes:
        file: its name.
        stage: how far it came.
        causes: what stopped it, without the names and numbers that are this file's own.
        message: the error as the user sees it.
        open_input: whether it first of all asks for the size of an input.
        crash: the traceback, or what became of the process; "" as it should be.
    """

    file: str
    stage: Stage
    causes: tuple[str, ...] = ()
    message: str = ""
    open_input: bool = False
    crash: str = ""


def main() -> int:
    """Try every file, print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--seconds", type=float, default=60, help="for each file (default: 60)")
    parser.add_argument("--workers", type=int, default=2, help="processes (default: 2)")
    parser.add_argument(
        "--plugin",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="maps layers of your own; may be given several times",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print everything as JSON")
    form.add_argument("--markdown", action="store_true", help="print Markdown, with every file")
    options = parser.parse_args()

    files = sorted(options.folder.rglob("*.prototxt"))
    tried = try_all(files, options.seconds, options.workers, tuple(options.plugin))
    outcomes = sorted(tried, key=lambda outcome: outcome.file)
    for outcome in outcomes:
        if outcome.crash:
            print(f"{outcome.file}:\n{outcome.crash}", file=sys.stderr)
    if options.json:
        print(json.dumps(as_json(outcomes), indent=2))
    else:
        print(as_markdown(outcomes) if options.markdown else as_text(outcomes))
    return int(not outcomes or any(outcome.crash for outcome in outcomes))


def attempt(path: Path, scratch: Path, stages: tuple[str, ...] = ()) -> Outcome:
    """Convert one file; where that fails, say how far it came and why."""
    try:
        convert(path, output=scratch / "model.h5", stages=stages)
        return Outcome(path.name, Stage.CONVERTED)
    except Caffe2KerasError as error:
        advised = _STAGE.fullmatch(error.hint)
        if advised and advised["stage"] not in stages:
            return attempt(path, scratch, (*stages, advised["stage"]))
        stage = reached(path, stages)
        open_input = stage == Stage.PARSED and "--input-shape" in error.hint
        return Outcome(path.name, stage, causes(error), str(error), open_input)
    except Exception:
        crash = traceback.format_exc()
        return Outcome(path.name, reached(path, stages), ("a traceback",), crash=crash)


def reached(path: Path, stages: tuple[str, ...]) -> Stage:
    """How far a file comes that does not convert."""
    stage = Stage.READ
    try:
        message = upgrade(read_net(path))
        stage = Stage.PARSED
        net = build_net(message, source=path.name, state=NetState(stages=stages))
        if all(top.dims is not None for layer in net.layers for top in layer.tops):
            stage = Stage.SHAPED
    except Exception:  # whatever it is, the caller has seen it; how far it came is the answer
        return stage
    return stage


def causes(error: Caffe2KerasError) -> tuple[str, ...]:
    """What stopped a net, in words that other nets' errors share."""
    if isinstance(error, UnsupportedLayersError):
        refusals = (_REFUSAL.match(line) for line in error.refusals)
        found = (f"{r['type']}: {general(r['why'])}" for r in refusals if r is not None)
        return tuple(dict.fromkeys(found))  # of layers that differ in their numbers only, one
    if isinstance(error, PrototxtError):
        return ("does not parse: " + general(error.what),)
    return (general(error.what),)


def general(text: str) -> str:
    """A message without its names and numbers."""
    text = re.sub(r'"[^"]*"(, (input )?"[^"]*")*', "…", text)
    return re.sub(r"-?\d+(\.\d+)?(, -?\d+(\.\d+)?)*", "#", text)


def try_all(
    files: Sequence[Path], seconds: float, workers: int, plugins: tuple[Path, ...] = ()
) -> Iterator[Outcome]:
    """Attempt the files in worker processes, each of which may be lost to its file."""
    for plugin in plugins:
        load_plugin(plugin)  # a fault of it shows here, and once
    pending = list(reversed(files))
    pool = [Worker(plugins) for _ in range(min(workers, len(files)))]
    try:
        while pending or any(worker.file for worker in pool):
            for place, worker in enumerate(pool):
                if worker.file is None and pending:
                    worker.start(pending.pop())
                elif outcome := worker.outcome(seconds):
                    pool[place] = Worker(plugins) if outcome.crash and not worker.alive else worker
                    yield outcome
            wait([worker.connection for worker in pool if worker.file], timeout=0.5)
    finally:
        for worker in pool:
            worker.stop()


class Worker:
    """A process that attempts one file at a time.

    Args:
        plugins: the files that it loads beforehand.
    """

    def __init__(self, plugins: tuple[Path, ...]) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, plugins), daemon=True)
        self.process.start()
        theirs.close()
        self.file: Path | None = None
        self.since = 0.0
        self.alive = True

    def start(self, file: Path) -> None:
        """Give it a file."""
        self.file, self.since = file, time.monotonic()
        self.connection.send(file)

    def outcome(self, seconds: float) -> Outcome | None:
        """What became of its file; None while it is at work, or idle."""
        if self.file is None:
            return None
        file = self.file
        if self.connection.poll():
            self.file = None
            try:
                received: Outcome = self.connection.recv()
                return received
            except EOFError:
                return self._lost(file, "the process died")
        if time.monotonic() - self.since > seconds:
            self.file = None
            return self._lost(file, f"longer than {seconds:g} seconds")
        return None

    def stop(self) -> None:
        """End the process."""
        self.alive = False
        self.process.kill()
        self.process.join()

    def _lost(self, file: Path, crash: str) -> Outcome:
        self.stop()
        return Outcome(file.name, Stage.READ, (crash,), crash=crash)


def serve(connection: Connection, plugins: tuple[Path, ...]) -> None:
    """The worker's side."""
    for plugin in plugins:
        load_plugin(plugin)
    with tempfile.TemporaryDirectory(prefix="wild-") as scratch:
        while True:
            connection.send(attempt(connection.recv(), Path(scratch)))


def counts(outcomes: Sequence[Outcome]) -> list[tuple[str, str]]:
    """The headline numbers, each with its words."""
    total = len(outcomes)
    known = [outcome for outcome in outcomes if outcome.stage > Stage.READ]
    known = [outcome for outcome in known if not outcome.open_input]
    parsed, shaped, converted = (
        sum(outcome.stage >= stage for outcome in outcomes)
        for stage in (Stage.PARSED, Stage.SHAPED, Stage.CONVERTED)
    )
    return [
        ("files", f"{total}"),
        ("parse", f"{parsed} ({parsed / total:.1%})"),
        ("say how large their inputs are", f"{len(known)}"),
        ("have all their shapes", f"{shaped}"),
        ("convert", f"{converted} ({converted / max(len(known), 1):.1%} of those whose inputs do)"),
    ]


def stoppers(outcomes: Sequence[Outcome]) -> list[tuple[str, str, str]]:
    """What stops files: how many, the cause, the first of them."""
    first: dict[str, str] = {}
    number: Counter[str] = Counter()
    for outcome in outcomes:
        for cause in outcome.causes:
            number[cause] += 1
            first.setdefault(cause, outcome.file)
    return [(str(count), cause, first[cause]) for cause, count in number.most_common()]


def as_text(outcomes: Sequence[Outcome]) -> str:
    """For a terminal."""
    header = ("files", "what stops them", "the first")
    width = max(100, shutil.get_terminal_size().columns)
    table = render_table(header, stoppers(outcomes), right=(0,), width=width)
    numbers = "\n".join(f"{text:32}{number}" for text, number in counts(outcomes))
    return f"{numbers}\n\n{table}"


def as_markdown(outcomes: Sequence[Outcome]) -> str:
    """For a document: the numbers, the causes, and every file that does not convert."""
    stopped = [(o.file, "; ".join(o.causes)) for o in outcomes if o.stage < Stage.CONVERTED]
    tables = (
        render_markdown(("", ""), counts(outcomes)),
        render_markdown(("files", "what stops them", "the first"), stoppers(outcomes), right=(0,)),
        render_markdown(("file", "why it does not convert"), stopped),
    )
    return "\n\n".join(tables)


def as_json(outcomes: Sequence[Outcome]) -> dict[str, object]:
    """Everything."""
    by_cause: defaultdict[str, list[str]] = defaultdict(list)
    for outcome in outcomes:
        for cause in outcome.causes:
            by_cause[cause].append(outcome.file)
    files = [{**asdict(outcome), "stage": outcome.stage.name.lower()} for outcome in outcomes]
    return {"counts": dict(counts(outcomes)), "causes": by_cause, "files": files}


if __name__ == "__main__":
    sys.exit(main())

"""Mutation testing: whether the tests notice a small fault. What ``scripts/mutate`` runs.

Each mutant is a source file with one fault in it. The tests that run its line are tried, the
quickest first, until one fails: the mutant is killed. What survives is either equivalent to what
was there, and docs/mutation.md says why, or a gap in the tests.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from mutants import Mutant, mutants_of
from mutation_map import TestMap
from mutation_runs import Job, Verdict, run_fresh, run_live

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "caffe2keras"
LISTED = ROOT / "docs" / "mutation.md"
TARGETS = ("layer_map", "layout.py", "upgrade", "verify/oracle")
TESTS = (
    "layer_map", "upgrade", "verify", "shapes", "passes", "graph", "read", "runtime",
    "test_layout.py", "test_totality.py", "test_error_messages.py", "test_table.py",
    "train", "plugins", "trust/test_hostile_nets.py",
)  # fmt: skip
_ROLL_CALL = ("tests/test_totality.py", "tests/test_table.py")
WANTED = 0.9
_PATIENCE = 4  # how much longer the second try may take

Outcomes = dict[int, str]
Tried = Sequence[tuple[str, float]]


def main() -> int:
    """Try the mutants; the exit code is 1 if too many survive, or one that is not listed."""
    told = _arguments()
    files = sorted(path for given in told.paths for path in _files(given))
    tests = _test_map(told.kept / "map.json")
    mutants = [mutant for path in files for mutant in mutants_of(path)]
    print(f"{len(mutants):,} mutants in {len(files)} files", flush=True)
    chosen = _sample(mutants, told.sample, told.seed)
    outcomes = _tried(chosen, mutants, tests, told.budget, told.kept / "outcomes.jsonl")
    print(_table(mutants, outcomes))
    survivors = [mutants[k] for k, outcome in outcomes.items() if outcome == "survived"]
    untested = [mutants[k] for k, outcome in outcomes.items() if outcome == "untested"]
    gaps = _not_listed(survivors + untested)
    print(f"\n{len(survivors) + len(untested)} live; {len(gaps)} that {LISTED.name} lacks:")
    print("\n".join(_row(mutant) for mutant in gaps))
    return int(_rate(outcomes.values()) < WANTED or bool(gaps))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/mutate", description=__doc__.splitlines()[0])
    targets = [PACKAGE / name for name in TARGETS]
    parser.add_argument("paths", nargs="*", type=Path, default=targets, help="files and folders")
    parser.add_argument("--sample", type=int, help="try so many, from each file its share")
    parser.add_argument("--seed", type=int, default=1, help="of the sample")
    parser.add_argument("--budget", type=float, default=7, help="seconds of tests for a mutant")
    kept = Path(sys.prefix) / "mutation"
    parser.add_argument("--kept", type=Path, default=kept, help="the folder of what is found")
    return parser.parse_args()


def _files(given: Path) -> Iterable[Path]:
    return given.resolve().rglob("*.py") if given.is_dir() else [given.resolve()]


def _test_map(path: Path) -> TestMap:
    """Which tests run which line, from the file if nothing has changed since."""
    digest = hashlib.sha256()
    for one in sorted([*PACKAGE.rglob("*.py"), *(ROOT / "tests").rglob("*.py")]):
        digest.update(one.read_bytes())
    stamp = path.with_suffix(".stamp")
    if not stamp.exists() or stamp.read_text() != digest.hexdigest():
        path.parent.mkdir(parents=True, exist_ok=True)
        targets = [str(one) for name in TARGETS for one in _files(PACKAGE / name)]
        tests = [f"tests/{name}" for name in TESTS]
        script = "import sys, mutation_map as m; m.measure_into(*sys.argv[1:])"
        command = [sys.executable, "-c", script, str(path), ":".join(targets), ":".join(tests)]
        subprocess.run(command, cwd=ROOT, check=True)
        stamp.write_text(digest.hexdigest())
    return TestMap.read(path)


def _sample(mutants: Sequence[Mutant], size: int | None, seed: int) -> list[int]:
    """The indices of a sample, in which every file has its share."""
    if size is None or size >= len(mutants):
        return list(range(len(mutants)))
    drawn = random.Random(seed)
    by_file: dict[Path, list[int]] = {}
    for k, mutant in enumerate(mutants):
        by_file.setdefault(mutant.path, []).append(k)
    chosen: list[int] = []
    for indices in by_file.values():
        share = -(-len(indices) * size // len(mutants))
        chosen += drawn.sample(indices, share)
    return sorted(chosen)


def _tried(
    chosen: Sequence[int], mutants: Sequence[Mutant], tests: TestMap, budget: float, kept: Path
) -> Outcomes:
    """What becomes of the mutants; those that live have a second, longer try with other tests."""
    _import_what_is_not_ours()
    with kept.open("w") as lines:
        jobs = {k: _job(mutants[k], tests, budget) for k in chosen}
        outcomes = _run(jobs, tests, lines)
        living = [k for k in chosen if outcomes[k] == "survived"]
        again = {k: _job(mutants[k], tests, _PATIENCE * budget, jobs[k].tests) for k in living}
        outcomes |= _run({k: job for k, job in again.items() if job.tests}, tests, lines)
    return outcomes


def _run(jobs: Mapping[int, Job], tests: TestMap, lines: TextIO) -> Outcomes:
    """Run jobs, in forks, which tell of the outcomes through a file."""
    index = {id(job.mutant): k for k, job in jobs.items()}
    begin = lines.tell()

    def told(verdict: Verdict) -> None:
        if verdict.mutant.other is not verdict.mutant.node:
            lines.write(json.dumps([index[id(verdict.mutant)], verdict.outcome]) + "\n")
            lines.flush()
        elif verdict.outcome != "survived":
            raise SystemExit  # out of the fork

    for run, live in ((run_live, True), (run_fresh, False)):
        these = [job for job in jobs.values() if _is_live(job.mutant, tests) == live]
        run([_sound(these), *these] if these else [], told)
    text = Path(lines.name).read_text()[begin:]
    outcomes: Outcomes = dict(json.loads(line) for line in text.splitlines())
    if outcomes.keys() != jobs.keys():
        raise SystemExit("the tests fail without any fault, so nothing can be said")
    return outcomes


def _sound(jobs: Sequence[Job]) -> Job:
    """No fault at all, on the first test of each job: it must survive."""
    first = {test: None for job in jobs for test in job.tests[:1]}
    return Job(replace(jobs[0].mutant, other=jobs[0].mutant.node), tuple(first))


def _is_live(mutant: Mutant, tests: TestMap) -> bool:
    """Whether the fault may be put in when everything is imported."""
    return mutant.live and not tests.runs_on_import(mutant.path, *mutant.lines)


def _job(mutant: Mutant, tests: TestMap, budget: float, tried: Tried = ()) -> Job:
    """The tests to try: of those that run the line, the nearest and the quickest first."""
    lines = mutant.lines if mutant.live else mutant.around
    found = tests.tests_of(mutant.path, *lines) or tests.tests_of(mutant.path, *mutant.around)
    if not mutant.live and (not mutant.scope or not found):
        # What reads a table leaves no trace of it: the tests that hold lists together, and those
        # that run anything of the file.
        found = [one for one in tests.seconds if one.startswith(_ROLL_CALL) and "[" not in one]
        found += [one for one in tests.tests_of(mutant.path, 1, sys.maxsize) if one not in found]
    found.sort(key=lambda name: _remoteness(name, mutant))
    chosen: list[tuple[str, float]] = []
    for name in (name for name in found if name not in dict(tried)):
        budget -= tests.seconds[name]
        if chosen and budget < 0:
            break
        chosen.append((name, tests.seconds[name]))
    return Job(mutant, chosen)


def _remoteness(test: str, mutant: Mutant) -> int:
    """0 for the tests that mirror the mutant's file, 1 for those that are named after its place."""
    path = mutant.path.relative_to(PACKAGE)
    if test.startswith((f"tests/{path.parent}/test_{path.stem}", *_ROLL_CALL)):
        return 0
    words = {path.stem, *mutant.scope.lower().split(".")} - {""}
    return 1 if any(word in test.lower() for word in words) else 2


def _import_what_is_not_ours() -> None:
    """What every fork would else import again."""
    os.chdir(ROOT)
    for name in ("google.protobuf.text_format", "h5py", "keras", "numpy"):
        importlib.import_module(name)


def _table(mutants: Sequence[Mutant], outcomes: Outcomes) -> str:
    lines = [
        "| of caffe2keras | mutants | tried | killed | of these by an end | live | killed |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name in (*TARGETS, "."):
        inside = [k for k, one in enumerate(mutants) if one.path.is_relative_to(PACKAGE / name)]
        row = [outcomes[k] for k in inside if k in outcomes]
        if row:
            count, rate = Counter(row), _rate(row)
            ended, live = count["hung"] + count["crashed"], count["survived"] + count["untested"]
            lines.append(
                f"| {'all' if name == '.' else name} | {len(inside):,} | {len(row):,} | "
                f"{len(row) - live:,} | {ended} | {live} | {rate:.1%} |"
            )
    return "\n".join(lines)


def _rate(outcomes: Iterable[str]) -> float:
    count = Counter(outcomes)
    live = count["survived"] + count["untested"]
    return 1 - live / max(sum(count.values()), 1)


def _row(mutant: Mutant) -> str:
    """A mutant as docs/mutation.md has it, without the reason."""
    place = f"{mutant.path.relative_to(PACKAGE)} {mutant.scope}".strip()
    change = mutant.change.replace("|", "\\|")
    return f"| {place} | `{change}` |"


def _not_listed(mutants: Sequence[Mutant]) -> list[Mutant]:
    listed = LISTED.read_text(encoding="utf-8") if LISTED.exists() else ""
    return [mutant for mutant in mutants if _row(mutant) not in listed]


if __name__ == "__main__":
    sys.exit(main())

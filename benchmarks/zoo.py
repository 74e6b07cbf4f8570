"""Convert whole nets and verify them against Caffe's own numbers; measure time and memory.

Usage: python benchmarks/zoo.py FOLDER ... [--nets NAME ...] [--fill SCRIPT] [--json]

Each sub-folder of a FOLDER is a net: deploy.prototxt, blobs.npz recorded from Caffe, and
weights.caffemodel, or a table weights.json from which SCRIPT writes one (it is called with the
table and the file to write).

Each conversion is a whole run of the command line in a process of its own. In the same run, and in
turn with it, ``cp`` copies the same weights to the same disk. Of the seconds the median is told, of
the memory the highest: the private part, which no file backs, and all that was resident.

Exit code 1: a net failed, or differs from Caffe, or a large one takes more than its share.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from measure import MB, Run, copy_seconds, measured, read_through

from caffe2keras.table import render_markdown

# What a conversion may take of memory, and, where the copying counts, of time.
MOST_PRIVATE = 100 * MB
MOST_COPIES = 3.0
LARGE = 500 * MB


@dataclass(frozen=True)
class Result:
    """One net's line of the table; ``failure`` is "" where all went well."""

    net: str
    weight_bytes: int = 0
    parameters: int = 0
    seconds: float = 0.0
    copy_seconds: float = 0.0
    flushed_copy_seconds: float = 0.0
    private_bytes: int = 0
    resident_bytes: int = 0
    blobs: int = 0
    worst_relative_error: float | None = None
    first_difference: str = ""
    failure: str = ""

    @property
    def copies(self) -> float:
        """How many plain copies of the weights the conversion takes."""
        return self.seconds / self.copy_seconds if self.copy_seconds else 0.0

    @property
    def ok(self) -> bool:
        """Whether it converted, agrees with Caffe, and kept to its share."""
        return not (self.failure or self.first_difference or self.excess())

    def excess(self) -> str:
        """What it took too much of."""
        if self.private_bytes > MOST_PRIVATE:
            return f"private memory over {MOST_PRIVATE // MB} MB"
        if self.weight_bytes > LARGE and self.copies > MOST_COPIES:
            return f"longer than {MOST_COPIES:g} copies"
        return ""


def main() -> int:
    """Run the nets, print the table."""
    options = parse()
    with tempfile.TemporaryDirectory(prefix="zoo-") as scratch:
        results = []
        for folder in nets(options.folders, options.nets):
            results.append(benchmark(folder, options, Path(scratch)))
            print(line(results[-1]), file=sys.stderr, flush=True)
    if options.json:
        print(json.dumps([numbers(result) for result in results], indent=2))
    else:
        print(table(results))
    return int(not results or not all(result.ok for result in results))


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--nets", nargs="+", default=[], metavar="NAME", help="only these")
    parser.add_argument("--fill", type=Path, metavar="SCRIPT", help="writes weights from a table")
    parser.add_argument("--runs", type=int, default=3, help="of each conversion (default: 3)")
    parser.add_argument(
        "--filled",
        type=Path,
        metavar="FOLDER",
        help="where filled weights are kept between calls; by default they are not",
    )
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
    return parser.parse_args()


def nets(folders: Sequence[Path], names: Sequence[str]) -> list[Path]:
    """The nets' folders, in order; of several names each must be there."""
    found = [path.parent for folder in folders for path in sorted(folder.glob("*/deploy.prototxt"))]
    missing = set(names) - {path.name for path in found}
    if missing:
        sys.exit(f"no such net: {', '.join(sorted(missing))}")
    return [path for path in found if not names or path.name in names]


def benchmark(folder: Path, options: argparse.Namespace, scratch: Path) -> Result:
    """Convert one net several times, copying its weights in between; then verify it."""
    model = scratch / f"{folder.name}.h5"
    with weights_of(folder, options.fill, options.filled or scratch) as weights:
        if not weights.exists():
            return Result(folder.name, failure="no weights (see --fill)")
        read_through(weights)
        copies, runs = [], []
        convert = ("convert", folder / "deploy.prototxt", weights, "-o", model)
        for _ in range(options.runs):
            copies.append(copy_seconds(weights, scratch / "copy"))
            model.unlink(missing_ok=True)  # the copy goes to a new file too
            runs.append(caffe2keras(*convert))
            if runs[-1].exit_code != 0:
                return Result(folder.name, failure=reason(runs[-1]))
        watched = caffe2keras(*convert, watch=True)
        verified = caffe2keras("verify", model, folder / "blobs.npz")
        size = weights.stat().st_size
    model.unlink()
    return result(folder.name, size, runs, copies, watched, verified)


def result(
    name: str,
    size: int,
    runs: Sequence[Run],
    copies: Sequence[tuple[float, float]],
    watched: Run,
    verified: Run,
) -> Result:
    """The measurements as one line."""
    if verified.exit_code not in (0, 7):
        return Result(name, failure=reason(verified))
    proof = json.loads(verified.stdout)
    first = proof["first_different"]
    return Result(
        net=name,
        weight_bytes=size,
        parameters=json.loads(runs[-1].stdout)["parameters"],
        seconds=statistics.median(run.seconds for run in runs),
        copy_seconds=statistics.median(copied for copied, _ in copies),
        flushed_copy_seconds=statistics.median(flushed for _, flushed in copies),
        private_bytes=watched.private_bytes,
        resident_bytes=watched.resident_bytes,
        blobs=len(proof["blobs"]),
        worst_relative_error=(proof["worst"] or {}).get("max_rel"),
        first_difference="" if proof["ok"] else (first["layer"] if first else proof["verdict"]),
    )


@contextmanager
def weights_of(folder: Path, fill: Path | None, kept: Path) -> Iterator[Path]:
    """The net's weights, written first where only their table is there."""
    table, filled = folder / "weights.json", kept / f"{folder.name}.caffemodel"
    if not table.exists() or (fill is None and not filled.exists()):
        yield folder / "weights.caffemodel"
        return
    if not filled.exists():
        subprocess.run([sys.executable, str(fill), table, filled], check=True)
    yield filled


def caffe2keras(command: str, *arguments: Path | str, watch: bool = False) -> Run:
    """A run of the command line, with --json."""
    words = [sys.executable, "-m", "caffe2keras", command, *map(str, arguments), "--json"]
    return measured(words, watch=watch)


def reason(run: Run) -> str:
    """The message of a run that failed."""
    return run.stderr.strip() or f"exit code {run.exit_code}"


def numbers(result: Result) -> dict[str, object]:
    """One net as JSON values."""
    return {**asdict(result), "copies": result.copies, "ok": result.ok}


def line(result: Result) -> str:
    """Progress, as it comes."""
    if result.failure:
        return f"{result.net}: {result.failure}"
    verdict = "agrees" if not result.first_difference else f"differs at {result.first_difference}"
    return f"{result.net}: {verdict}, {result.seconds:.2f} s {result.excess()}".rstrip()


def table(results: Sequence[Result]) -> str:
    """The table, in Markdown."""
    header = (
        "net",
        "parameters",
        "convert s",
        "cp s",
        "cp, sync s",
        "private MB",
        "resident MB",
        "blobs",
        "worst relative error",
        "first difference",
    )
    rows = [row(result) for result in results]
    return render_markdown(header, rows, right=range(1, 9))


def row(result: Result) -> tuple[str, ...]:
    """One net's cells."""
    if result.failure:
        return (result.net, *[""] * 8, result.failure.splitlines()[0])
    error = result.worst_relative_error
    return (
        result.net,
        f"{result.parameters:,}",
        f"{result.seconds:.2f}",
        f"{result.copy_seconds:.2f}",
        f"{result.flushed_copy_seconds:.2f}",
        f"{result.private_bytes / MB:.0f}",
        f"{result.resident_bytes / MB:.0f}",
        str(result.blobs),
        "-" if error is None else f"{error:.1e}",
        result.first_difference or "none",
    )


if __name__ == "__main__":
    sys.exit(main())

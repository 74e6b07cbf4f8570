"""Time caffe2keras beside what else one would run: cp, OpenCV, other converters, Keras itself.

Usage: python benchmarks/speed.py FOLDER ... [--races NAME ...] [--nets NAME ...] [--fill SCRIPT]
           [--filled FOLDER] [--opencv PYTHON] [--mnnconvert COMMAND] [--caffe2onnx PYTHON]
           [--runs N] [--json FILE]

The FOLDERs hold nets as for zoo.py. The races, each in turn with its rivals:

  start    --version and --help, and ``python -c "import click"``
  convert  each net: convert; cp of its weights; OpenCV's readNetFromCaffe, which only loads; MNN's
           and caffe2onnx's conversions to their formats
  verify   ResNet-50: verify with recorded blobs; Keras loading the model and predicting once
  oracle   AlexNet and ResNet-50: the oracle's forward pass and OpenCV's, with one thread and with
           two; of these only the pass is timed, after one that is not

All but the last are whole processes, from start to end. The rivals' interpreters may be of other
environments; a rival that is not there is left out, and said so. Of the seconds the median, the
least and the most are told; a ratio is ours by the rival's, of each round, and its median.

Exit code 1: one of our own runs failed; of a rival's failure the table tells.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from measure import MB, measured, read_through
from zoo import nets, weights_of

from caffe2keras.convert import load_net
from caffe2keras.table import render_markdown

CHILD = Path(__file__).with_name("speed_children.py")
NETS = ("lenet", "squeezenet_v1.1", "resnet50", "alexnet", "vgg16")
RACES = ("start", "convert", "verify", "oracle")

_told: set[tuple[str, str]] = set()


@dataclass
class Runner:
    """One side of a race; ``inner`` if it prints its seconds itself, as JSON."""

    name: str
    words: Sequence[str | Path]
    inner: bool = False
    threads: int = 0
    seconds: list[float] = field(default_factory=list)
    failure: str = ""

    def run(self) -> None:
        """Once more; what fails is not run again."""
        if self.failure:
            return
        limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(self.threads))
        settings = limits if self.threads else None
        run = measured([str(word) for word in self.words], settings=settings)
        if run.exit_code != 0:
            self.failure = (run.stderr.strip() or f"exit code {run.exit_code}").splitlines()[-1]
            return
        self.seconds.append(json.loads(run.stdout.splitlines()[-1]) if self.inner else run.seconds)


@dataclass
class Race:
    """Ours, and who runs beside it."""

    name: str
    ours: Runner
    rivals: Sequence[Runner]
    private_bytes: int = 0

    def run(self, rounds: int) -> Race:
        """All in turn, after a round that does not count."""
        runners = (self.ours, *self.rivals)
        for _ in range(rounds + 1):
            for runner in runners:
                runner.run()
        for runner in runners:
            del runner.seconds[:1]
        return self


def main() -> int:
    """Run the races, print the table."""
    asked = parse()
    with tempfile.TemporaryDirectory(prefix="speed-") as folder:
        results = []
        for race in races(asked, Path(folder)):
            results.append(race.run(asked.runs))
            print(f"{race.name}: {cell(race.ours)}", file=sys.stderr, flush=True)
    if asked.json:
        asked.json.write_text(json.dumps([numbers(race) for race in results], indent=2) + "\n")
    print(table(results))
    return int(any(race.ours.failure for race in results))


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--races", nargs="+", choices=RACES, default=RACES)
    parser.add_argument("--nets", nargs="+", default=NETS, metavar="NAME", help="only these")
    parser.add_argument("--fill", type=Path, metavar="SCRIPT", help="writes weights from a table")
    parser.add_argument("--filled", type=Path, metavar="FOLDER", help="where they are kept")
    parser.add_argument("--opencv", default=sys.executable, metavar="PYTHON")
    parser.add_argument("--mnnconvert", default=shutil.which("mnnconvert"), metavar="COMMAND")
    parser.add_argument("--caffe2onnx", default=sys.executable, metavar="PYTHON")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there")
    return parser.parse_args()


def races(asked: argparse.Namespace, scratch: Path) -> Iterator[Race]:
    """Those that were asked for; the weights of one net at a time are there."""
    if "start" in asked.races:
        click = (sys.executable, "-c", "import click")
        for option in ("--version", "--help"):
            yield Race(option, Runner("caffe2keras", ours(option)), [Runner("import click", click)])
    for folder in nets(asked.folders, asked.nets):
        with weights_of(folder, asked.fill, asked.filled or scratch) as weights:
            read_through(weights)
            yield from races_of(folder, weights, asked, scratch)


def races_of(
    folder: Path, weights: Path, asked: argparse.Namespace, scratch: Path
) -> Iterator[Race]:
    """One net's."""
    prototxt, model = folder / "deploy.prototxt", scratch / "model.h5"
    convert = ours("convert", prototxt, weights, "-o", model)
    if "convert" in asked.races:
        rivals = [Runner("cp", ("cp", weights, scratch / "copy"))]
        rivals += converters(prototxt, weights, asked, scratch)
        race = Race(f"convert {folder.name}", Runner("caffe2keras", convert), rivals)
        race.private_bytes = measured([str(word) for word in convert], watch=True).private_bytes
        yield race
    if "verify" in asked.races and folder.name == "resnet50":
        subprocess.run([str(word) for word in convert], check=True, capture_output=True)
        proof = Runner("caffe2keras", ours("verify", model, folder / "blobs.npz"))
        keras = (sys.executable, CHILD, "keras", model, folder / "blobs.npz")
        yield Race(f"verify {folder.name}", proof, [Runner("Keras, load and predict", keras)])
    if "oracle" in asked.races and folder.name in ("alexnet", "resnet50"):
        [top] = load_net(prototxt).layers[0].tops
        shape = ",".join(map(str, (1, *(top.dims or ())[1:])))
        for threads in (1, 2):
            words = (prototxt, weights, shape, str(threads))
            oracle = Runner("caffe2keras", (sys.executable, CHILD, "oracle", *words), True, threads)
            opencv = Runner("OpenCV", (asked.opencv, CHILD, "opencv", *words), True, threads)
            rivals = [opencv] if has(asked.opencv, "cv2") else []
            yield Race(f"oracle {folder.name}, threads: {threads}", oracle, rivals)


def converters(
    prototxt: Path, weights: Path, asked: argparse.Namespace, scratch: Path
) -> Iterator[Runner]:
    """Those that are installed."""
    if has(asked.opencv, "cv2"):
        yield Runner("OpenCV, load", (asked.opencv, CHILD, "load", prototxt, weights))
    if asked.mnnconvert and shutil.which(asked.mnnconvert):
        files = ("--prototxt", prototxt, "--modelFile", weights, "--MNNModel", scratch / "x.mnn")
        yield Runner("MNN", (asked.mnnconvert, "-f", "CAFFE", *files, "--bizCode", "x"))
    if has(asked.caffe2onnx, "caffe2onnx"):
        files = ("--prototxt", prototxt, "--caffemodel", weights, "--onnx", scratch / "x.onnx")
        yield Runner("caffe2onnx", (asked.caffe2onnx, "-m", "caffe2onnx.convert", *files))


def ours(*words: str | Path) -> Sequence[str | Path]:
    """A run of our command line."""
    return sys.executable, "-m", "caffe2keras", *words


def has(python: str, module: str) -> bool:
    """Whether that interpreter can import it; if not, it is said once."""
    found = measured([python, "-c", f"import {module}"]).exit_code == 0
    if not found and (python, module) not in _told:
        print(f"{module} is left out: {python} cannot import it", file=sys.stderr)
        _told.add((python, module))
    return found


def cell(runner: Runner) -> str:
    """Median, least and most seconds."""
    if runner.failure:
        return f"failed: {runner.failure[:60]}"
    told = statistics.median(runner.seconds), min(runner.seconds), max(runner.seconds)
    return "{:.3f} ({:.3f} to {:.3f})".format(*told)


def table(results: Sequence[Race]) -> str:
    """Markdown: a row for each rival."""
    rows = []
    for race in results:
        private = f"{race.private_bytes / MB:.0f}" if race.private_bytes else ""
        for rival in race.rivals:
            rows.append(
                (race.name, cell(race.ours), private, rival.name, cell(rival), by(race, rival))
            )
    header = ("race", "ours, s", "private MB", "beside", "its s", "ours by its")
    return render_markdown(header, rows, right=(2,))


def by(race: Race, rival: Runner) -> str:
    """How often its seconds go into ours: of each round, the median, the least and the most."""
    if rival.failure or race.ours.failure:
        return ""
    ratios = [a / b for a, b in zip(race.ours.seconds, rival.seconds, strict=True)]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def numbers(race: Race) -> dict[str, object]:
    """One race as JSON values."""
    runners = (race.ours, *race.rivals)
    return {
        "race": race.name,
        "private_bytes": race.private_bytes,
        "seconds": {runner.name: runner.seconds for runner in runners},
        "failures": {runner.name: runner.failure for runner in runners if runner.failure},
    }


if __name__ == "__main__":
    sys.exit(main())

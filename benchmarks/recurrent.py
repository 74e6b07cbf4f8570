"""Compare an unrolled LSTM converted into one layer with the same one converted step by step.

Usage: python benchmarks/recurrent.py [--steps T ...] [--runs N] [--json]

Of each length the same prototxt is converted both ways, in one process and on one backend. Both
models predict in turn, after one prediction that is not counted; what is told of the seconds is
the median, the least and the most.

Exit code 1: the two models' numbers differ by more than rounding does.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from caffe2keras import load_model
from caffe2keras.backend import import_keras
from caffe2keras.convert import convert
from caffe2keras.netspec import NetSpec
from caffe2keras.netspec import layers as L  # noqa: N812  as every NetSpec script calls it
from caffe2keras.netspec import params as P  # noqa: N812
from caffe2keras.table import render_markdown

Array = npt.NDArray[np.float32]

# Single precision, after hundreds of steps.
MOST_DIFFERENCE = 1e-4


@dataclass(frozen=True)
class Measured:
    """One way of converting, measured.

    Attributes:
        layers: of the Keras model.
        file_bytes: of the HDF5 file.
        convert_seconds: from files to file.
        load_seconds: from file to model.
        predict_seconds: of each counted prediction.
    """

    layers: int
    file_bytes: int
    convert_seconds: float
    load_seconds: float
    predict_seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Of the predictions."""
        return statistics.median(self.predict_seconds)


@dataclass(frozen=True)
class Result:
    """One length's line of the table."""

    steps: int
    rolled: Measured
    literal: Measured
    difference: float

    @property
    def ok(self) -> bool:
        """Whether the two compute the same numbers."""
        return self.difference <= MOST_DIFFERENCE


def main() -> int:
    """Convert, predict, print the tables."""
    options = parse()
    backend = import_keras().backend.backend()
    compared(2, options)  # what is imported on first use is not counted
    results = []
    for steps in options.steps:
        results.append(compared(steps, options))
        print(f"{steps} steps measured", file=sys.stderr, flush=True)
    if options.json:
        print(json.dumps([numbers(result) for result in results], indent=2))
    else:
        print(f"{options.units} units, batches of {options.batch}, {backend}\n")
        print(measurements(results), ratios(results), sep="\n\n")
    return int(not all(result.ok for result in results))


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, nargs="+", default=[3, 30, 300], metavar="T")
    parser.add_argument("--units", type=int, default=64, help="of the LSTM (default: 64)")
    parser.add_argument("--width", type=int, default=48, help="of its input (default: 48)")
    parser.add_argument("--batch", type=int, default=10, help="sequences (default: 10)")
    parser.add_argument("--runs", type=int, default=7, help="of each prediction (default: 7)")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
    return parser.parse_args()


def compared(steps: int, options: argparse.Namespace) -> Result:
    """Both ways at one length."""
    shape = (options.batch, steps, options.width)
    x: Array = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    with tempfile.TemporaryDirectory(prefix="recurrent-") as scratch:
        path = Path(scratch, "lstm.prototxt")
        path.write_text(unrolled(steps, options.batch, options.width, options.units))
        rolled, literal = (converted(path, way) for way in ("roll", "keep"))
    models = [rolled[0], literal[0]]
    answers = [predicted(model, x) for model in models]
    times: list[list[float]] = [[], []]
    for _ in range(options.runs):
        for model, taken in zip(models, times, strict=True):
            begun = time.perf_counter()
            predicted(model, x)
            taken.append(time.perf_counter() - begun)
    return Result(
        steps,
        rolled=Measured(*rolled[1], tuple(times[0])),
        literal=Measured(*literal[1], tuple(times[1])),
        difference=float(np.abs(answers[0] - answers[1]).max()),
    )


def converted(
    path: Path, recurrent: Literal["roll", "keep"]
) -> tuple[Any, tuple[int, int, float, float]]:
    """The model, and its layers, its file's size and the seconds to convert and to load it."""
    begun = time.perf_counter()
    report = convert(path, None, path.with_suffix(f".{recurrent}.h5"), recurrent=recurrent)
    written = time.perf_counter()
    model = load_model(report.output)
    loaded = time.perf_counter()
    size = report.output.stat().st_size
    return model, (report.layers, size, written - begun, loaded - written)


def predicted(model: Any, x: Array) -> Array:
    """What a model makes of a batch."""
    answer: Array = np.asarray(model.predict_on_batch(x))
    return answer


def unrolled(steps: int, batch: int, width: int, units: int) -> str:
    """The prototxt of an LSTM written out step by step, with shared parameters."""
    net = NetSpec()
    net.X = L.Input(shape={"dim": [steps, batch, width]})
    state = {"dim": [1, batch, units]}
    net.h0, net.c0 = L.DummyData(shape=[state, state], ntop=2)
    cuts = list(range(1, steps))
    each = L.Slice(net.X, axis=0, slice_point=cuts, ntop=steps) if cuts else [net.X]
    hidden, cell, all_hidden = net.h0, net.c0, []
    for x in [each] if not isinstance(each, Sequence) else each:
        hidden, cell = one_step(x, hidden, cell, units)
        all_hidden.append(hidden)
    net.H = L.Concat(*all_hidden, axis=0)
    return str(net.to_proto())


def one_step(x: Any, hidden: Any, cell: Any, units: int) -> tuple[Any, Any]:
    """h_t and c_t; the gates stand in the order i, f, o, g."""
    filler = {"type": "gaussian", "std": 0.1}
    dense = {"num_output": 4 * units, "axis": 2, "weight_filler": filler}
    driven = L.InnerProduct(x, param=[{"name": "W"}, {"name": "b"}], **dense)
    before = L.InnerProduct(hidden, param=[{"name": "U"}], bias_term=False, **dense)
    total = L.Eltwise(driven, before, operation=P.Eltwise.SUM)
    points = [units, 2 * units, 3 * units]
    i, f, o, g = L.Slice(total, axis=2, slice_point=points, ntop=4)
    kept = L.Eltwise(L.Sigmoid(f), cell, operation=P.Eltwise.PROD)
    new = L.Eltwise(L.Sigmoid(i), L.TanH(g), operation=P.Eltwise.PROD)
    cell = L.Eltwise(kept, new, operation=P.Eltwise.SUM)
    return L.Eltwise(L.Sigmoid(o), L.TanH(cell), operation=P.Eltwise.PROD), cell


def measurements(results: Sequence[Result]) -> str:
    """What each way takes, as a Markdown table."""
    header = ("T", "converted", "layers", "file KB", "convert s", "load s", "predict ms")
    rows = [
        (
            str(result.steps),
            way,
            f"{one.layers:,}",
            f"{one.file_bytes / 1000:,.0f}",
            f"{one.convert_seconds:.2f}",
            f"{one.load_seconds:.2f}",
            f"{1000 * one.median:.1f} "
            f"({1000 * min(one.predict_seconds):.1f} to {1000 * max(one.predict_seconds):.1f})",
        )
        for result in results
        for way, one in (("into one layer", result.rolled), ("step by step", result.literal))
    ]
    return render_markdown(header, rows)


def ratios(results: Sequence[Result]) -> str:
    """How many times what one layer takes the steps take, as a Markdown table."""
    header = ("T", "layers", "file", "convert", "load", "predict", "largest difference")
    rows = [
        (
            str(result.steps),
            *(f"{ratio:.1f}" for ratio in ratios_of(result).values()),
            f"{result.difference:.1e}",
        )
        for result in results
    ]
    return render_markdown(header, rows)


def ratios_of(result: Result) -> dict[str, float]:
    """Step by step over one layer."""
    rolled, literal = result.rolled, result.literal
    return {
        "layers": literal.layers / rolled.layers,
        "file": literal.file_bytes / rolled.file_bytes,
        "convert": literal.convert_seconds / rolled.convert_seconds,
        "load": literal.load_seconds / rolled.load_seconds,
        "predict": literal.median / rolled.median,
    }


def numbers(result: Result) -> dict[str, Any]:
    """As JSON values."""
    return {**asdict(result), "ratios": ratios_of(result), "ok": result.ok}


if __name__ == "__main__":
    sys.exit(main())

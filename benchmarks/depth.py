"""Show how the cost of a conversion grows with the number of layers.

Usage: python benchmarks/depth.py [--layers N ...] [--runs N] [--json FILE]

Chains of Convolution and ReLU, in turn, are written as prototxts, converted without weights, and
loaded into Keras: each a process of its own. What a process takes that does nothing but the
smallest net is taken away; told are the milliseconds for each layer beyond that net's, from the
median of --runs, with the least and the most. ``KERAS_BACKEND`` chooses the backend.

Exit code 1: something failed, or a layer of the longest net takes over 20 % more to convert than
one of the net before it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from measure import MB, Run, measured

from caffe2keras.table import render_markdown

MOST_GROWTH = 1.2

_START = """name: "chain"
layer {
  name: "data" type: "Input" top: "data"
  input_param { shape { dim: 1 dim: 4 dim: 6 dim: 5 } }
}
"""
_LAYERS = """layer {{
  name: "conv{i}" type: "Convolution" bottom: "{bottom}" top: "conv{i}"
  convolution_param {{
    num_output: 4 kernel_h: 3 kernel_w: 1 pad_h: 1
    weight_filler {{ type: "xavier" }}
  }}
}}
layer {{ name: "relu{i}" type: "ReLU" bottom: "conv{i}" top: "conv{i}" }}
"""


@dataclass
class Measured:
    """A chain's seconds, each a whole process."""

    layers: int
    convert: list[float]
    load: list[float]
    private_bytes: int


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--layers", nargs="+", type=int, default=[10, 100, 1000, 10_000])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="depth-") as folder:
        results = [measure(layers, asked.runs, Path(folder)) for layers in sorted(asked.layers)]
    if asked.json:
        asked.json.write_text(json.dumps([asdict(one) for one in results], indent=2) + "\n")
    print(table(results))
    costs = [statistics.median(per_layer(one, results[0], "convert")) for one in results[1:]]
    return int(len(costs) > 1 and costs[-1] > MOST_GROWTH * costs[-2])


def measure(layers: int, runs: int, folder: Path) -> Measured:
    """One length."""
    prototxt, model = folder / "chain.prototxt", folder / "chain.h5"
    prototxt.write_text(chain(layers))
    convert = (
        sys.executable,
        "-m",
        "caffe2keras",
        "convert",
        "-q",
        str(prototxt),
        "-o",
        str(model),
    )
    load = (sys.executable, "-c", f"import caffe2keras; caffe2keras.load_model({str(model)!r})")
    result = Measured(layers, [], [], 0)
    result.private_bytes = checked(measured(convert, watch=True)).private_bytes
    for _ in range(runs):
        result.convert.append(checked(measured(convert)).seconds)
        result.load.append(checked(measured(load)).seconds)
    print(f"{layers} layers: {result.convert[-1]:.2f} s", file=sys.stderr, flush=True)
    return result


def checked(run: Run) -> Run:
    """The same, or the end."""
    if run.exit_code:
        sys.exit(run.stderr)
    return run


def chain(layers: int) -> str:
    """A prototxt with so many layers behind its input."""
    parts = [
        _LAYERS.format(i=i, bottom=f"conv{i - 1}" if i else "data") for i in range(layers // 2)
    ]
    return "".join((_START, *parts))


def per_layer(one: Measured, smallest: Measured, work: Literal["convert", "load"]) -> list[float]:
    """Milliseconds for each layer more than the smallest net has."""
    start = statistics.median(getattr(smallest, work))
    more = one.layers - smallest.layers
    return [1000 * (seconds - start) / more for seconds in getattr(one, work)]


def table(results: Sequence[Measured]) -> str:
    """Markdown, a row for each length."""
    header = ("layers", "convert s", "ms a layer", "private MB", "load s", "ms a layer")
    return render_markdown(header, [row(one, results[0]) for one in results], right=range(6))


def row(one: Measured, smallest: Measured) -> tuple[str, ...]:
    """One length's cells."""
    grows = one is not smallest
    return (
        f"{one.layers:,}",
        f"{statistics.median(one.convert):.2f}",
        told(per_layer(one, smallest, "convert")) if grows else "",
        f"{one.private_bytes / MB:.0f}",
        f"{statistics.median(one.load):.2f}",
        told(per_layer(one, smallest, "load")) if grows else "",
    )


def told(values: Sequence[float]) -> str:
    """Median, least and most."""
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


if __name__ == "__main__":
    sys.exit(main())

"""Kill many conversions at random moments, and look at what they leave.

    python benchmarks/faults.py --runs 100

The target must be the old file, the new one, or absent, and the next conversion must clear away
what a killed one has left. Prints a table; the exit code is 1 if any target was something else.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

OLD = b"the old file"
WIDE = 3000  # so many outputs make a file of thirteen megabytes, which takes some time to write

NET = f"""
layer {{ name: "data" type: "Input" top: "data" input_param {{ shape {{ dim: 2 dim: 1100 }} }} }}
layer {{
  name: "fc" type: "InnerProduct" bottom: "data" top: "fc"
  inner_product_param {{ num_output: {WIDE} bias_term: false }}
}}
"""


def main() -> int:
    """Run it all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=100, help="with each signal")
    parser.add_argument("--seed", type=int, default=0)
    told = parser.parse_args()
    # A shell lets what runs in its background ignore Ctrl-C, and children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    print("| signal | runs | old file | new file | absent | else | left over, then cleared |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        broken = [
            _signalled(number, told.runs, random.Random(told.seed), Path(folder))
            for number in (signal.SIGKILL, signal.SIGINT, signal.SIGTERM)
        ]
    return int(any(broken))


def _signalled(number: signal.Signals, runs: int, dice: random.Random, folder: Path) -> bool:
    """One row; whether anything was other than promised."""
    command, target = _command(folder), folder / "net.h5"
    began = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    usual, whole = time.monotonic() - began, _digest(target)
    found: Counter[str] = Counter()
    for run in range(runs):
        target.unlink(missing_ok=True)
        if run % 2:
            target.write_bytes(OLD)
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(dice.uniform(0.3, 1.1) * usual)
        process.send_signal(number)
        process.communicate()
        found[_state(target, whole)] += 1
        found["left over"] += any(folder.glob(".*.part"))
    subprocess.run(command, check=True, capture_output=True)
    cleared = not any(folder.glob(".*.part"))
    states = " | ".join(str(found[state]) for state in ("old", "new", "absent", "else"))
    print(f"| {number.name} | {runs} | {states} | {found['left over']}, {cleared} |", flush=True)
    return found["else"] > 0 or not cleared


def _command(folder: Path) -> list[str]:
    from caffe2keras.proto import caffe_pb2

    (folder / "net.prototxt").write_text(NET)
    net = caffe_pb2.NetParameter()
    blob = net.layer.add(name="fc", type="InnerProduct").blobs.add()
    blob.shape.dim.extend([WIDE, 1100])
    blob.data.extend((np.arange(WIDE * 1100) % 97).astype("f4"))
    (folder / "net.caffemodel").write_bytes(net.SerializeToString())
    files = [str(folder / name) for name in ("net.prototxt", "net.caffemodel")]
    return [sys.executable, "-m", "caffe2keras", "convert", *files, "-o", str(folder / "net.h5")]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _state(target: Path, whole: str) -> str:
    if not target.exists():
        return "absent"
    if target.read_bytes() == OLD:
        return "old"
    return "new" if _digest(target) == whole else "else"


if __name__ == "__main__":
    sys.exit(main())

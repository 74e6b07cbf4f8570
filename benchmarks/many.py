"""Convert and verify many nets in one batch, kill it halfway, and let it go on.

Usage: python benchmarks/many.py FOLDER [--nets N] [-j N]

Each sub-folder of FOLDER that holds net.prototxt, blobs.npz and, where the net learns something,
net.caffemodel is a net. Three broken ones are put among them. What is asked of the batch is
asserted here; the last lines say how long it took.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from caffe2keras.batch.journal import NAME

_WAIT = 0.05


def main() -> int:
    """Run it all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--nets", type=int, default=200)
    parser.add_argument("-j", "--jobs", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        nets = [*_good(arguments.folder, arguments.nets), *_broken(Path(scratch))]
        _run(Path(scratch), nets, arguments.jobs)
    return 0


def _good(folder: Path, count: int) -> list[dict[str, str]]:
    cases = [case for case in sorted(folder.iterdir()) if (case / "blobs.npz").exists()]
    step = max(1, len(cases) // count)
    nets = []
    for case in cases[::step][:count]:
        net = {"name": case.name, "prototxt": str(case / "net.prototxt")}
        net["blobs"] = str(case / "blobs.npz")
        if (case / "net.caffemodel").exists():
            net["weights"] = str(case / "net.caffemodel")
        nets.append(
            {key: str(Path(text).resolve()) if "/" in text else text for key, text in net.items()}
        )
    assert len(nets) == count, f"there are only {len(nets)} nets in {folder}"
    return nets


def _broken(folder: Path) -> list[dict[str, str]]:
    (folder / "unclosed.prototxt").write_text("layer {")
    (folder / "magic.prototxt").write_text(
        'input: "x" input_shape { dim: 2 } layer { type: "Magic" bottom: "x" top: "y" }'
    )
    return [{"prototxt": f"{name}.prototxt"} for name in ("unclosed", "magic", "missing")]


def _run(folder: Path, nets: list[dict[str, str]], jobs: int) -> None:
    # The broken ones stand in front, in the middle and at the end.
    nets = [nets[-3], *nets[: len(nets) // 2], nets[-2], *nets[len(nets) // 2 : -3], nets[-1]]
    (folder / "nets.json").write_text(json.dumps({"nets": nets}))
    out = folder / "out"
    words = [sys.executable, "-m", "caffe2keras", "batch", str(folder / "nets.json")]
    words += ["-o", str(out), "-j", str(jobs), "-q", "--resume"]
    words += ["--json", str(folder / "batch.json"), "--junit", str(folder / "batch.xml")]
    began = time.monotonic()
    process = subprocess.Popen(words)
    while _lines(out / NAME) < len(nets) // 2:
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(_WAIT)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = _lines(out / NAME) - 1
    print(f"killed after {kept} of {len(nets)} nets and {time.monotonic() - began:.1f} s")
    began = time.monotonic()
    code = subprocess.run(words, check=False).returncode
    print(f"the rest took {time.monotonic() - began:.1f} s, exit code {code}")
    assert code == 3, "unclosed and missing end in 3, magic in 5"
    _check(json.loads((folder / "batch.json").read_text()), folder / "batch.xml", nets, kept)


def _check(report: dict[str, Any], xml: Path, nets: list[dict[str, str]], kept: int) -> None:
    failed = [net["name"] for net in report["nets"] if not net["ok"]]
    assert failed == ["unclosed", "magic", "missing"], failed
    assert len(report["nets"]) == len(nets)
    assert report["counts"] == {"failed": 3, "verified": len(nets) - 3}
    again = sum(net["resumed"] for net in report["nets"])
    assert kept - 3 <= again <= kept, f"{again} left alone of {kept}"
    suite = ElementTree.parse(xml).getroot()[0]
    assert (suite.get("tests"), suite.get("errors")) == (str(len(nets)), "3")
    print(f"{again} were left alone; {report['verdict']}")


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


if __name__ == "__main__":
    sys.exit(main())

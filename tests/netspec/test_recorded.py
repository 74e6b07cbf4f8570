"""What pycaffe makes of a script, NetSpec makes of it too.

Each fixture is a script and what it printed with genuine pycaffe, whose names its imports had then.
"""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from caffe2keras.netspec import NetSpec
from caffe2keras.read.prototxt import parse_prototxt

SCRIPTS = Path(__file__).parents[1] / "fixtures" / "netspec"


def printed(script: Path, capsys: pytest.CaptureFixture[str]) -> str:
    runpy.run_path(str(script))
    return capsys.readouterr().out


def whole_numbers_short(text: str) -> str:
    """protobuf 3 printed a whole number in a field of floats as 2.0, newer ones print 2."""
    return re.sub(r"(: -?\d+)\.0$", r"\1", text, flags=re.MULTILINE)


@pytest.mark.parametrize("script", sorted(SCRIPTS.glob("*.py")), ids=lambda path: path.stem)
def test_a_script_prints_what_it_printed_with_caffe(
    script: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded = script.with_suffix(".prototxt").read_text()
    assert whole_numbers_short(printed(script, capsys)) == whole_numbers_short(recorded)


def test_a_script_prints_the_same_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    script = SCRIPTS / "residual.py"
    assert printed(script, capsys) == printed(script, capsys)


def test_what_it_prints_is_a_prototxt(capsys: pytest.CaptureFixture[str]) -> None:
    net = parse_prototxt(printed(SCRIPTS / "lenet.py", capsys), "lenet.prototxt")
    assert net.name == "LeNet"
    assert [layer.type for layer in net.layer][-2:] == ["Accuracy", "SoftmaxWithLoss"]


def test_a_net_can_be_printed_while_it_grows() -> None:
    scope = runpy.run_path(str(SCRIPTS / "residual.py"))
    spec = scope["n"]
    assert isinstance(spec, NetSpec)
    assert str(spec.to_proto()) == str(spec.to_proto())
